#!/usr/bin/env bash
# What warm requests wait for while the store makes room: `gosumcheck serve` with a limit, and all the time more than that is pulled.
# usage: bench/store.sh DIR [seconds]      needs cargo, nginx, curl, wrk; below DIR some 1 GB
# A go.mod and a zip are asked for again and again, at first alone, then while 16 clients pull modules through a limit of a tenth of
# their size. Bars: the p99 of warm requests at most twice the usual; the disk never above the limit and one download.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/store.sh DIR [seconds]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
seconds=${2:-10}
port=${PORT:-8790}
limit=60000000

cargo build --quiet --release --bin gosumcheck --example fakelog --example fakemodules
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB

tree=$dir/tree
[ -s "$tree/go.sum" ] || "$target/examples/fakemodules" "$tree" --zips 600x1000000
echo ready >"$tree/latest"
static "$tree" "$port"
upstream=$url
trap 'kill $nginx_pid ${log_pid:-} ${server_pid:-} ${pullers:-} 2>/dev/null; rm -rf "$work"' EXIT
log_of "$tree/go.sum" "$((port + 1))"

base=http://127.0.0.1:$((port + 2))
data=$dir/data
rm -rf "$data"
"$target/gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$data" --listen "${base#http://}" \
    --store-max-size "$limit" --read-ahead off --log-level error &
server_pid=$!
until curl -fs "$base/readyz" >/dev/null; do :; done

warm() { # warm NAME PATH
    curl -fs "$base/$2" -o /dev/null
    wrk -t1 -c8 -d"${seconds}s" --latency "$base/$2" | awk -v name="$1" '/ 99%/ { p99 = $2 } /Requests\/sec/ { rate = $2 }
        END { printf "%-28s %10s requests/s   p99 %s\n", name, rate, p99 }'
}
zip=example.com/m1000000/n0/@v/v1.0.0.zip
mod=${zip%zip}mod
warm "go.mod, alone" "$mod"
warm "zip, alone" "$zip"

pull() { # one of 16 clients
    while :; do
        number=$((RANDOM % 600))
        curl -fs "$base/example.com/m1000000/n$number/@v/v1.0.0.zip" -o /dev/null || echo "n$number failed"
    done
}
pullers=
for _ in $(seq 16); do pull & pullers="$pullers $!"; done
until [ "$(curl -fs "$base/metrics" | awk '/^gosumcheck_store_evicted_files_total/ { print $2 }')" -gt 10 ]; do :; done
(while kill -0 "$server_pid" 2>/dev/null; do du -s --block-size=1 "$data/modules" "$data/tmp" 2>/dev/null |
    awk '{ sum += $1 } END { print sum }'; done >"$work/sizes") &
warm "go.mod, room being made" "$mod"
warm "zip, room being made" "$zip"
kill $pullers 2>/dev/null
curl -fs "$base/metrics" | grep -E '^gosumcheck_store_(evicted|not_evicted|size)'
echo "most on the disk: $(sort -n "$work/sizes" | tail -n 1) of $limit"
