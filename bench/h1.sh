#!/bin/sh
# h1 of every zip in a folder, ours against Go's dirhash.HashZip in turn.
# usage: bench/h1.sh FOLDER [alternations]      FOLDER holds module zips, *.zip; needs cargo, go and golang.org/x/mod
# Per core: both on one thread, CPU seconds. Wall: ours on two threads for each zip; Go's as the go
# command hashes a zip, on one. Both read the zips from the page cache. Bars: per core 2.3, wall 4.
set -eu
zips=$(cd "${1:?usage: bench/h1.sh FOLDER [alternations]}" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
go_peer h1bench
ours=$(rust_bench h1)

"$work/h1bench/peer" "$zips" 1 print >"$work/go.h1"
"$ours" print "$zips" >"$work/ours.h1"
cmp "$work/go.h1" "$work/ours.h1" || { echo "the hashes differ" >&2; exit 1; }

for _ in $(seq "${2:-5}"); do
    "$work/h1bench/peer" "$zips" 5 >"$work/go.txt"
    line=$(grep '^go   dirhash.HashZip  ' "$work/go.txt")
    echo "$line" | sed 's/.* \([0-9.]*\) MB\/s(unpacked)\/cpu.*/\1/' >>"$work/go.core"
    echo "$line" | sed 's/.*wall *\([0-9.]*\) MB\/s$/\1/' >>"$work/go.wall"
    # The unpacked megabytes, by which our seconds become the same unit: seconds times megabytes a second.
    megabytes=$(echo "$line" | sed 's/.*cpu *\([0-9.]*\)s wall.* \([0-9.]*\) MB\/s(unpacked).*/\1 \2/' | awk '{ print $1 * $2 }')
    for threads in 1 2; do
        "$ours" run "$zips" "$megabytes" "$threads" | awk '{ print $2 }' >>"$work/ours.$threads"
    done
done
echo "$(wc -l <"$work/go.h1") zips, the same h1 of each; MB of unpacked bytes a second; medians of ${2:-5} alternations"
ratio "per-core" "$work/ours.1" "$work/go.core"
ratio "wall-two-threads" "$work/ours.2" "$work/go.wall"
