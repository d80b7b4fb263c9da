#!/bin/sh
# SHA-256 of leaves, nodes and whole trees of 1 M records in memory, one core, ours against x/mod's in turn.
# usage: bench/hash.sh [alternations]      needs cargo, go and its module golang.org/x/mod
# CPU seconds on both sides. Bars: tree 2.5, tree-portable 1.2.
set -eu
cd "$(dirname "$0")/.."
. bench/peer.sh
go_peer tlogbench
ours=$(rust_bench hash)
"$ours" make "$work/records" 1048576

for _ in $(seq "${1:-5}"); do
    "$ours" run "$work/records" >"$work/ours.txt"
    ROUNDS=5 "$work/tlogbench/peer" "$work/records" >"$work/go.txt"
    ours_root=$(awk '$1 == "root" { print $2 }' "$work/ours.txt")
    grep -q "root $ours_root\$" "$work/go.txt" || { echo "the roots differ" >&2; exit 1; }
    while read -r name value; do echo "$value" >>"$work/ours.$name"; done <"$work/ours.txt"
    awk '$1 == "leaf" { print $4 }' "$work/go.txt" >>"$work/go.leaf"
    awk '$1 == "node65" { print $4 }' "$work/go.txt" >>"$work/go.node"
    sed -n 's/.*by levels, 1 goroutines.*-> \([0-9.]*\) M rec.*/\1/p' "$work/go.txt" >>"$work/go.tree"
done
echo "million a second and core; medians of ${1:-5} alternations"
for name in leaf node tree; do
    ratio "$name" "$work/ours.$name" "$work/go.$name"
    ratio "$name-portable" "$work/ours.$name-portable" "$work/go.$name"
done
# Two messages at a time: what a processor with the SHA extensions and no AVX-512 does.
ratio tree-pairs "$work/ours.tree-pairs" "$work/go.tree"
