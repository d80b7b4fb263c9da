#!/usr/bin/env bash
# `verify` of a full log from disk, against one goroutine of Go over x/mod, the bound of SHA-256 and that of the disk, in turn.
# usage: bench/verify.sh DIR RECORDS [alternations]      needs cargo and go; DIR/verify.RECORDS is made once, some 240 bytes a record
# sha256sum and openssl hash the same bytes in one thread each, and check nothing.
# Bars: 3 times Go; 0.8 of the hashes alone, or of the disk's sequential rate where that is lower; memory under 500 MB.
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
for name in cold warm hash disk go sha256sum openssl; do
    awk -v name="$name" -v seconds="$(median "$work/$name")" -v records="$records" \
        'BEGIN { printf "%-9s %8.3f s   %6.2f M records/s\n", name, seconds, records / seconds / 1e6 }'
done
awk -v cold="$(median "$work/cold")" -v go="$(median "$work/go")" -v hash="$(median "$work/hash")" -v disk="$(median "$work/disk")" 'BEGIN {
    bound = hash > disk ? hash : disk
    printf "ratio cold to go               %5.2f\n", go / cold
    printf "ratio cold to hash alone       %5.2f\n", hash / cold
    printf "ratio cold to disk alone       %5.2f\n", disk / cold
    printf "ratio cold to the lower bound  %5.2f\n", bound / cold
}'
echo "the increment of a night (60,000 records): $(median "$work/increment") s; memory $(median "$work/memory") MB"
