#!/usr/bin/env bash
# Instructions per warm request of several builds of the server, counted by valgrind: what a change costs, also on a busy machine.
# usage: bench/instructions.sh DIR PROGRAM...      needs cargo, nginx, curl, valgrind; below DIR some 500 MB
# One connection that is kept; the counts of COUNT (default 2,000) and of three times as many requests are subtracted, so that what a server
# does when it starts and ends counts for nothing.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/instructions.sh DIR PROGRAM...}" && cd "$1" && pwd)
programs=()
for program in "${@:2}"; do programs+=("$(realpath "$program")"); done
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
count=${COUNT:-2000}
port=${PORT:-8860}

built fakelog fakemodules
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB
trap 'kill ${nginx_pid:-} ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 100x200000 --zips 12x20000000
base=http://127.0.0.1:$((port + 2))
start() { # start [valgrind and its options]
    "$@" "$program" serve --sumdb "$sumdb" --proxy "$upstream" --data "$work/data" --listen "${base#http://}" --log-level error &
    server_pid=$!
    until curl -fs -o "$work/alive" "$base/readyz"; do kill -0 "$server_pid"; sleep 0.1; done
}
stop() { kill "$server_pid" && wait "$server_pid" || true; }

path=example.com/m200000/n0
declare -A paths
paths[mod]=$path/@v/v1.0.0.mod paths[info]=$path/@v/v1.0.0.info paths[lookup]=lookup/$path@v1.0.0
paths[tile]=tile/8/0/000.p/$(wc -l <"$tree/go.sum" | awk '{ print $1 / 2 }') paths[zip]=$path/@v/v1.0.0.zip
program=${programs[0]}
start
for kind in "${!paths[@]}"; do curl -fs -o "$work/got" "$base/${paths[$kind]}"; done
stop

# counted KIND REQUESTS: how many instructions a server took that answered so many.
counted() {
    start valgrind -q --tool=callgrind --callgrind-out-file="$work/counts" 2>>"$work/valgrind.txt"
    for _ in $(seq "$2"); do printf 'url = "%s"\noutput = "/dev/null"\n' "$base/${paths[$1]}"; done | curl -fs -K -
    stop
    awk '/^totals:/ { print $2 }' "$work/counts"
}
for kind in ${KINDS:-mod info lookup tile zip}; do
    for program in "${programs[@]}"; do
        few=$(counted "$kind" "$count") many=$(counted "$kind" $((3 * count)))
        awk -v kind="$kind" -v program="$program" -v each="$(((many - few) / (2 * count)))" \
            'BEGIN { printf "%-8s %8d instructions a request   %s\n", kind, each, program }'
    done
done
