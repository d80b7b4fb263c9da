#!/usr/bin/env bash
# Kills verifications at random moments: each leaves a record that verifies and a run that goes on, and those that come to their end say
# what an undisturbed one says. Half of the kills are over a sound log, half over one with damage near its beginning, in its middle and near
# its end: before and behind whatever place a killed run has noted.
# usage: bench/kill9-verify.sh [kills] [records] [seed]      TMPDIR names where the folders are: 400 bytes of disk a record
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
data=$work/data
"$target/gosumcheck" sync --sumdb "$sumdb" --data "$data" >"$work/out.txt" 2>&1 ||
    { cat "$work/out.txt"; exit 1; }
kill "$log_pid"
journal() { "$target/gosumcheck" journal verify --data "$data" >"$work/journal.txt" || { cat "$work/journal.txt"; exit 1; }; }
# verify OUT OPTIONS: the report as JSON; the exit code is in $code
verify() { code=0; "$target/gosumcheck" verify --sumdb "$key" --data "$data" --format json "${@:2}" >"$1" 2>"$work/err.txt" || code=$?; }
# verdict REPORT: the parts of it that say what was looked at and found; only of the others is one not like the next
verdict() { sed -E '/"notices"/,$d; /"time"/d' "$1"; }
# finished REPORT: it says what the undisturbed one says
finished() {
    [ "$code" = "$whole" ] && cmp -s <(verdict "$1") <(verdict "$work/whole.json") && return
    diff <(verdict "$work/whole.json") <(verdict "$1") | head -40
    cat "$work/err.txt"
    exit 1
}
# noted: the data tiles that the run that was killed last had done
noted() { grep -o '"tiles":[0-9]*' "$data/verify/progress.json" 2>/dev/null | head -n 1 | cut -d: -f2; }
# killed HOW_MANY NAME: kills so many runs
killed() {
    local killed=0 went_on=0 finished=0 farthest=0 place start moment
    start=$(date +%s%N)
    verify "$work/whole.json"
    whole=$code
    length=$((($(date +%s%N) - start) / 1000000))
    while ((killed < $1)); do
        place=$(noted || true)
        ((${place:-0} > 0)) && went_on=$((went_on + 1))
        ((${place:-0} > farthest)) && farthest=$place
        "$target/gosumcheck" verify --sumdb "$key" --data "$data" --record --resume --format json >"$work/out.json" 2>"$work/err.txt" &
        running=$!
        moment=$((RANDOM % (length * 5 / 4 + 1)))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        if kill -9 "$running" 2>/dev/null; then
            wait "$running" 2>/dev/null || true
            killed=$((killed + 1))
        else
            code=0
            wait "$running" || code=$?
            finished=$((finished + 1))
            finished "$work/out.json"
        fi
        journal
    done
    verify "$work/out.json" --record --resume
    finished "$work/out.json"
    journal
    [ ! -e "$data/verify/progress.json" ] || { echo "progress is left over" >&2; exit 1; }
    echo "$2: $killed kills; $went_on runs went on behind what was noted, at data tile $farthest of $((records / 256)) at most; $((finished + 1)) came to their end and said what an undisturbed one says"
}

killed $(((kills + 1) / 2)) sound
file=$(echo "$data"/log/*/records)
for part in 3 50 97; do
    printf '#' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 100 * part)) conv=notrunc status=none
done
killed $((kills / 2)) damaged
[ "$whole" = 1 ] || { echo "the damage was not found" >&2; exit 1; }
sed 's/.*jsonl: //' "$work/journal.txt"
