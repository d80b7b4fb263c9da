#!/usr/bin/env bash
# Kills a module proxy at random moments while it brings 200 modules: after each kill no file has a name whose bytes are not what
# the log says, the next server goes on, and in the end all 200 are there, byte for byte.
# usage: bench/kill9-modules.sh [rounds] [kills in a round] [seed]      needs cargo, nginx, curl
# A round is a new data folder. TMPDIR names where the folders are; PROFILE=dev takes the debug build.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/static.sh
rounds=${1:-20}
kills_each=${2:-10}
RANDOM=${3:-1}
port=${PORT:-8790}
profile=${PROFILE:-release}

cargo build --quiet --profile "$profile" --bin gosumcheck --example fakelog --example fakemodules
folder=${profile/dev/debug}
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/$folder
work=$(mktemp -d)
chmod 755 "$work" # nginx's worker is somebody else where this is run by root
tree=$work/tree
"$target/examples/fakemodules" "$tree" --zips 190x200000 --zips 10x5000000
echo ready >"$tree/latest"
(cd "$tree" && find . -name '*.zip' -o -name '*.mod' | sed 's|^\./||' | sort -R --random-source=<(yes "$RANDOM")) >"$work/paths"
static "$tree" "$port"
upstream=$url
trap 'kill $nginx_pid ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
log_of "$tree/go.sum" "$((port + 1))"
base=http://127.0.0.1:$((port + 2))

start() {
    "$target/gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$work/data" --listen "${base#http://}" >>"$work/server.txt" 2>&1 &
    server_pid=$!
    until curl -s -o "$work/alive" "$base/"; do kill -0 "$server_pid"; sleep 0.02; done
}
# bring: asks for all of it; a server that dies fails the rest.
bring() { xargs -P 16 -n 8 curl -sf --remote-name-all --output-dir "$work/got" < <(sed "s|^|$base/|" "$work/paths") || true; }
# judge WHEN: every file that has a name is what the log says.
judge() {
    "$target/gosumcheck" verify --no-log --sumdb "$sumdb" --data "$work/data" >"$work/verdict.txt" 2>&1 ||
        { echo "$1:" && cat "$work/verdict.txt" && exit 1; }
}
stored() { find "$work/data/modules" -name "*.$1" | wc -l; }

mkdir -p "$work/got"
start
begun=$(date +%s%N)
bring
length=$((($(date +%s%N) - begun) / 1000000))
kill "$server_pid" && wait "$server_pid" || true
[ "$(stored zip)" = 200 ] || { cat "$work/server.txt"; exit 1; }
kills=0 midway=0
for round in $(seq "$rounds"); do
    rm -rf "$work/data"
    for kill in $(seq "$kills_each"); do
        start
        bring &
        bringing=$!
        moment=$((RANDOM % (length / 2 + 1)))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        kill -9 "$server_pid" && kills=$((kills + 1))
        wait "$server_pid" 2>/dev/null || true
        # Some bytes of a file had arrived, and not all of them were proven.
        [ -z "$(find "$work/data/tmp" -name 'arrival-*' -size +0 2>/dev/null)" ] || midway=$((midway + 1))
        wait $bringing || true
        [ ! -d "$work/data/modules" ] || judge "round $round, kill $kill"
    done
    start
    bring
    kill "$server_pid" && wait "$server_pid" || true
    judge "round $round, at its end"
    while read -r path; do cmp "$tree/$path" "$work/data/modules/$path"; done <"$work/paths"
    [ "$(stored zip)" = 200 ] && [ "$(stored mod)" = 200 ]
done
echo "$rounds rounds, $kills kills, $midway of them in the middle of a download: 200 modules each, all as the log says ($length ms undisturbed)"
