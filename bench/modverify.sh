#!/usr/bin/env bash
# `gosumcheck verify` of stored modules against `go mod verify` of the same zips, in turn, both on all processors.
# usage: bench/modverify.sh GOMODCACHE [alternations]      needs cargo and go; GOMODCACHE holds real modules, such as `go env
# GOMODCACHE` names; some of its size is needed below TMPDIR where that is on another file system
# Ours also hashes each go.mod, applies the rules for module zips, and holds every hash against its proven record; go's compares
# with the .ziphash beside the zip. There are no unpacked modules, which go would hash too. Both read from the page cache.
# Bars: 3 times go's throughput, wall; 0.7 of what inflate and SHA-256 allow, over files that are in memory and with nothing checked.
set -euo pipefail
modcache=$(cd "${1:?usage: bench/modverify.sh GOMODCACHE [alternations]}" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
rounds=${2:-7}

built fakelog
bound=$(rust_bench h1)
(cd bench/go && go build -o "$work/modlayout" ./modlayout)
"$work/modlayout" "$modcache" "$work" >"$work/laid.txt"
read -r _ modules _ bytes <"$work/laid.txt"

# The records: a log made of the hashes, and a mirror of it.
: >"$work/fakelog.txt"
"$target/examples/fakelog" --from-gosum "$work/all.sum" >>"$work/fakelog.txt" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
until grep -q '^built' "$work/fakelog.txt"; do
    kill -0 $server
    sleep 0.1
done
key=$(sed -n 's/^vkey: //p' "$work/fakelog.txt")
url=$(sed -n 's/^url: //p' "$work/fakelog.txt")
export HOME=$work GOENV=off
unset GOPRIVATE GONOSUMDB
"$target/gosumcheck" sync --sumdb "$key $url" --data "$work/data" >"$work/sync.txt"
kill $server

export GOMODCACHE=$work/modcache GOPROXY=off GOSUMDB=off GOFLAGS=-mod=mod GOTOOLCHAIN=local
# measure NAME COMMAND...: appends the wall and CPU seconds of the command to $work/NAME.wall and $work/NAME.cpu.
measure() {
    local name=$1 TIMEFORMAT='%3R %3U %3S'
    shift
    { time "$@" >"$work/out.txt" 2>"$work/err.txt" || echo failed; } 2>"$work/time.txt" >"$work/status.txt"
    if [ -s "$work/status.txt" ]; then
        echo "$name failed" >&2
        cat "$work/out.txt" "$work/err.txt" >&2
        exit 1
    fi
    awk '{ print $1 }' "$work/time.txt" >>"$work/$name.wall"
    awk '{ print $2 + $3 }' "$work/time.txt" >>"$work/$name.cpu"
}
ours() { "$target/gosumcheck" verify --no-log --private none --sumdb "$key" --data "$work/data" "$@"; }
theirs() { (cd "$work/project" && go mod verify); }

ours --format json >"$work/out.txt"
grep -Eq "\"proven\": ?$((2 * modules))," "$work/out.txt" || { cat "$work/out.txt" >&2; exit 1; }
theirs >"$work/out.txt" # also writes its go.sum
grep -q '^all modules verified' "$work/out.txt" || { cat "$work/out.txt" >&2; exit 1; }
for _ in $(seq "$rounds"); do
    measure ours ours
    measure theirs theirs
    "$bound" bound "$work/data/modules" "$(nproc)" | awk '{ print $2 }' >>"$work/bound"
done

echo "$modules modules, zips of $bytes bytes; seconds; medians of $rounds alternations"
for unit in wall cpu; do
    awk -v unit="$unit" -v ours="$(median "$work/ours.$unit")" -v theirs="$(median "$work/theirs.$unit")" -v bytes="$bytes" 'BEGIN {
        printf "ratio %-5s %5.2f   (ours %.3f s, %.0f MB/s; go mod verify %.3f s, %.0f MB/s)\n",
            unit, theirs / ours, ours, bytes / ours / 1e6, theirs, bytes / theirs / 1e6
    }'
done
awk -v bound="$(median "$work/bound")" -v ours="$(median "$work/ours.wall")" -v bytes="$bytes" \
    'BEGIN { printf "ratio to inflate and SHA-256 alone %5.2f   (%.0f MB/s)\n", bytes / ours / 1e6 / bound, bound }'
