#!/usr/bin/env bash
# `verify` of a full log from disk, against one goroutine of Go over x/mod, the bound of SHA-256 and that of the disk, in turn.
# usage: bench/verify.sh DIR RECORDS [alternations]      needs cargo and go; DIR/verify.RECORDS is made once, some 240 bytes a record
# sha256sum and openssl hash the same bytes in one thread each, and check nothing.
# Two limits are measured in the run that they are held against: the hashes of all records alone, and reading the same files in the same
# state of the page cache alone. Files of 1 GiB and more are read past the page cache, so that `warm` is bounded by the disk too.
# Bars: 3 times Go; 0.7 of the lower of the two limits; memory under 500 MB.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/verify.sh DIR RECORDS [alternations]}" && cd "$1" && pwd)
records=${2:?usage: bench/verify.sh DIR RECORDS [alternations]}
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
rounds=${3:-3}

ours=$(rust_bench verify)
(cd bench/go && go build -o "$work/peer" ./verify)
data=$dir/verify.$records
[ -s "$data/vkey" ] || "$ours" make "$data" "$records" >"$work/make.txt"
log=$(echo "$data"/log/*)

for _ in $(seq "$rounds"); do
    "$ours" run "$data" >"$work/ours.txt"
    while read -r name value; do echo "$value" >>"$work/$name"; done <"$work/ours.txt"
    # of each run by itself: the ratio of its passes to the limit that was lower in it, and which one that was
    awk -v work="$work" '{ of[$1] = $2 } END {
        split("cold disk warm read", pair)
        for (at = 1; at < 4; at += 2) {
            reads = of[pair[at + 1]]
            print (of["hash"] > reads ? of["hash"] : reads) / of[pair[at]] >>(work "/" pair[at] ".limit")
            print (of["hash"] > reads ? "hash" : "reading") >>(work "/" pair[at] ".by")
        }
    }' "$work/ours.txt"
    evict "$log"
    "$work/peer" "$log" "$data/vkey" >"$work/go.txt"
    awk '{ print $2 }' "$work/go.txt" >>"$work/go"
    for tool in "sha256sum" "openssl dgst -sha256"; do
        start=$(date +%s%N)
        $tool "$log/records" "$log/hashes.0" >"$work/digest.txt"
        echo "$start $(date +%s%N)" | awk '{ print ($2 - $1) / 1e9 }' >>"$work/${tool%% *}"
    done
done

echo "$records records; seconds; medians of $rounds alternations"
for name in cold warm hash disk read go sha256sum openssl; do
    awk -v name="$name" -v seconds="$(median "$work/$name")" -v records="$records" \
        'BEGIN { printf "%-9s %8.3f s   %6.2f M records/s\n", name, seconds, records / seconds / 1e6 }'
done
awk -v cold="$(median "$work/cold")" -v go="$(median "$work/go")" 'BEGIN { printf "ratio cold to go                 %5.2f\n", go / cold }'
for pass in "cold disk" "warm read"; do
    read -r name reading <<<"$pass"
    awk -v name="$name" -v pass="$(median "$work/$name")" -v hash="$(median "$work/hash")" -v reading="$(median "$work/$reading")" 'BEGIN {
        printf "ratio %s to hash alone         %5.2f\n", name, hash / pass
        printf "ratio %s to reading alone      %5.2f\n", name, reading / pass
    }'
    printf 'ratio %s to the lower limit    %5.2f   (of each run; the lower one was:%s)\n' "$name" "$(median "$work/$name.limit")" \
        "$(sort "$work/$name.by" | uniq -c | awk '{ printf " %s %d times", $2, $1 }')"
done
echo "the increment of a night (60,000 records): $(median "$work/increment") s; memory $(median "$work/memory") MB"
