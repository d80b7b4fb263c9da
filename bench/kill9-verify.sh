#!/usr/bin/env bash
# Kills verifications at random moments: each leaves a record that verifies and a run that goes on, and in the end everything was found
# to be in order once.
# usage: bench/kill9-verify.sh [kills] [records] [seed]      TMPDIR names where the folders are
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/static.sh
kills=${1:-200}
records=${2:-4000000}
RANDOM=${3:-1}

cargo build --quiet --release --bin gosumcheck --example fakelog
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
work=$(mktemp -d)
trap 'kill ${log_pid:-} 2>/dev/null || true; rm -rf "$work"' EXIT
log_served --records "$records"
key=${sumdb% *}
"$target/gosumcheck" sync --sumdb "$sumdb" --data "$work/data" >"$work/out.txt" 2>&1 ||
    { cat "$work/out.txt"; exit 1; }
kill "$log_pid"
journal() { "$target/gosumcheck" journal verify --data "$work/data" >"$work/journal.txt" || { cat "$work/journal.txt"; exit 1; }; }
start=$(date +%s%N)
"$target/gosumcheck" verify --sumdb "$key" --data "$work/data" --record --resume >"$work/out.txt" 2>&1 || { cat "$work/out.txt"; exit 1; }
length=$((($(date +%s%N) - start) / 1000000))
killed=0 went_on=0 finished=0
while ((killed < kills)); do
    [ -e "$work/data/verify/progress.json" ] && went_on=$((went_on + 1))
    "$target/gosumcheck" verify --sumdb "$key" --data "$work/data" --record --resume >"$work/out.txt" 2>&1 &
    running=$!
    moment=$((RANDOM % (length * 5 / 4 + 1)))
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    if kill -9 "$running" 2>/dev/null; then
        wait "$running" 2>/dev/null || true
        killed=$((killed + 1))
    else
        wait "$running" || { cat "$work/out.txt"; exit 1; }
        finished=$((finished + 1))
    fi
    journal
done
"$target/gosumcheck" verify --sumdb "$key" --data "$work/data" --record --resume >"$work/out.txt" || { cat "$work/out.txt"; exit 1; }
journal
[ ! -e "$work/data/verify/progress.json" ] || { echo "progress is left over" >&2; exit 1; }
echo "$killed kills, $went_on runs began where one had been killed, $finished came to their end; $(sed 's/.*jsonl: //' "$work/journal.txt")"
