#!/usr/bin/env bash
# Kills a sync at random moments: after each kill the next one goes on, and in the end the files are those of an undisturbed sync.
# usage: bench/kill9.sh [rounds] [records] [seed]
# A round is a new data folder: up to three syncs are killed, the fourth is left alone. TMPDIR names where the folders are.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/static.sh
rounds=${1:-200}
records=${2:-1000000}
RANDOM=${3:-1}

cargo build --quiet --release --bin gosumcheck --example fakelog
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
work=$(mktemp -d)
trap 'kill ${log_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
log_served --records "$records"
sync() { "$target/gosumcheck" sync --sumdb "$sumdb" --data "$1" >"$work/out.txt" 2>&1; }

# milliseconds that an undisturbed sync takes: the kills come within that time
start=$(date +%s%N)
sync "$work/whole"
length=$((($(date +%s%N) - start) / 1000000))
whole=$work/whole/log/fakelog.example
kills=0
for round in $(seq "$rounds"); do
    rm -rf "$work/data"
    for _ in 1 2 3; do
        sync "$work/data" &
        running=$!
        moment=$((RANDOM % length))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        child=$(pgrep -P $running || true)
        if [ -n "$child" ] && kill -9 "$child" 2>/dev/null; then kills=$((kills + 1)); fi
        wait $running || true
    done
    sync "$work/data" || { cat "$work/out.txt"; exit 1; }
    for file in records offsets hashes.0 hashes.1 hashes.2 head; do
        cmp "$work/data/log/fakelog.example/$file" "$whole/$file"
    done
    "$target/gosumcheck" verify --sumdb "$sumdb" --data "$work/data" >"$work/out.txt" 2>&1 || { cat "$work/out.txt"; exit 1; }
done
echo "$rounds rounds, $kills kills, all files as those of an undisturbed sync ($length ms)"
