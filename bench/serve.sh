#!/usr/bin/env bash
# Requests per CPU-second of `gosumcheck serve` over a full mirror, against nginx over the same bytes as static files, in turn.
# usage: bench/serve.sh DIR [RECORDS] [alternations]      needs cargo, nginx, curl, wrk; below DIR some 700 bytes a record
# The server has one core, wrk the other. CPU is user and system time of the server's process, from /proc. p99 is wrk's.
# Bars: /tile and its data tiles 1.0, /lookup 0.8, a lookup in under 50 us of CPU.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/serve.sh DIR [RECORDS] [alternations]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
records=${2:-1000000}
rounds=${3:-5}
seconds=${SECONDS_EACH:-5}

built fakelog
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY

tree=$dir/serve.$records
dump "$tree" "$records" --dump-leaves --dump-lookups 20000
static "$tree" "${PORT:-8765}"
trap 'kill $nginx_pid ${ours_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
data=$dir/serve-data.$records
"$target/gosumcheck" sync --sumdb "$key $url" --data "$data" >"$work/sync.txt"
ours_url=http://127.0.0.1:${OURS_PORT:-8766}
# On its core from the beginning, as on a machine that has no other: it begins as many threads as there are processors.
taskset -c 0 "$target/gosumcheck" serve --sumdb "$key $url" --data "$data" --listen "${ours_url#http://}" >"$work/serve.txt" 2>&1 &
ours_pid=$!
until curl -fs -o "$work/ours.latest" "$ours_url/latest"; do
    kill -0 "$ours_pid"
    sleep 0.1
done
taskset -acp 0 "$static_pid" >/dev/null

# The paths that are asked for, in no order.
(cd "$tree" && find tile/8/0 tile/8/1 -type f ! -path '*.p/*') | shuf -n 2000 --random-source=<(yes) >"$work/tile.paths"
(cd "$tree" && find tile/8/data -type f ! -path '*.p/*') | shuf -n 2000 --random-source=<(yes) >"$work/data.paths"
(cd "$tree" && find lookup -type f) | shuf -n 20000 --random-source=<(yes) >"$work/lookup.paths"

# The same bytes, but for the head under a lookup, which is the newest of each.
for kind in tile data; do
    path=$(head -n 1 "$work/$kind.paths")
    cmp <(curl -fs "$ours_url/$path") "$tree/$path"
done


# ask NAME URL PID PATHS: appends requests per CPU-second, requests per second and p99 in us to $work/NAME.{percpu,rate,p99}.
ask() {
    percpu "$1" "$3" "$2" "$4" 32 --latency
    awk '/^Requests\/sec/ { print $2 }' "$work/wrk.txt" >>"$work/$1.rate"
    awk '/ 99%/ { v = $2; u = v; gsub(/[0-9.]/, "", u); gsub(/[a-z]/, "", v); print v * (u == "ms" ? 1000 : u == "s" ? 1e6 : 1) }' \
        "$work/wrk.txt" >>"$work/$1.p99"
}

for _ in $(seq "$rounds"); do
    for kind in tile data lookup; do
        ask "nginx-$kind" "$url" "$static_pid" "$work/$kind.paths"
        ask "ours-$kind" "$ours_url" "$ours_pid" "$work/$kind.paths"
    done
done

echo "$records records; wrk, 32 connections, ${seconds} s each; medians of $rounds alternations"
for kind in tile data lookup; do
    for who in nginx ours; do
        awk -v name="$who $kind" -v percpu="$(of $who-$kind.percpu)" -v rate="$(of $who-$kind.rate)" -v p99="$(of $who-$kind.p99)" \
            'BEGIN { printf "%-13s %8.0f requests/CPU-s %6.1f us CPU each %8.0f requests/s  p99 %6.0f us\n", name, percpu, 1e6 / percpu, rate, p99 }'
    done
    awk -v kind="$kind" -v ours="$(of "ours-$kind.percpu")" -v theirs="$(of "nginx-$kind.percpu")" \
        'BEGIN { printf "ratio %-8s requests per CPU-second, ours to nginx  %5.2f\n", kind, ours / theirs }'
done
