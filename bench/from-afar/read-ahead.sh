#!/usr/bin/env bash
# What a client of a warm file waits for while 10,000 go.mod files are read ahead for ten other clients, from an upstream and a
# checksum database that are far away; and what that takes of memory.
# usage: bench/from-afar/read-ahead.sh DIR [rounds]      needs cargo, go, nginx, curl; the Go peer `delay`; below DIR some 200 MB
# Ten clients, 127.0.0.10 to 127.0.0.19, ask each for one go.mod that requires 1,000 modules; another asks for a file that the server has
# every 10 ms, over a new connection each time. Each round has an empty server, alone and then beside.
# Bar: the p99 of the warm file is at most twice what it is alone, and no request fails.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/from-afar/read-ahead.sh DIR [rounds]}" && cd "$1" && pwd)
cd "$(dirname "$0")/../.."
. bench/peer.sh
. bench/static.sh
. bench/from-afar/way.sh
rounds=${2:-5}
round_trip=${ROUND_TRIP:-50ms}
port=${PORT:-8990}

built fakelog fakemodules hostile
one_way=$(half "$round_trip")
export GOENV=off HOME=$work
unset GOPRIVATE GONOPROXY GONOSUMDB GOSUMDB GOPROXY

modules_served "$port" --zips 10000x500 --groups 10
started+=("$nginx_pid" "$log_pid" $(pgrep -P "$nginx_pid"))
far "$((port + 2))" "127.0.0.1:$port" "$one_way"
far "$((port + 3))" "127.0.0.1:$((port + 1))" "$one_way"
# They stand for other machines, which take no processor from this one.
for process in "${started[@]}"; do for thread in $(ls "/proc/$process/task"); do chrt --idle --pid 0 "$thread"; done; done
to=127.0.0.1:$((port + 4))
warm=/example.com/m500/n0/@v/v1.0.0.mod

metric() { curl -fs "http://$to/metrics" | awk -v name="gosumcheck_$1" '$1 == name { print $2 }'; }
memory() { awk -v name="$1:" '$1 == name { print int($2 / 1024) }' "/proc/$server_pid/status"; }
wait_for() { "$target/examples/hostile" --to "$to" --from 127.0.0.2 wait "$warm" "$1"; }

# beside: what the client waits for while the others' go.mod files make the server read ahead; until nothing more is brought.
beside() {
    local before=-1 now=0 asking=()
    for client in $(seq 0 9); do
        curl -fs --interface "127.0.0.1$client" -o "$work/asked.$client" "http://$to/example.com/all/n$client/@v/v1.0.0.mod" &
        asking+=($!)
    done
    while [ "$now" != "$before" ]; do
        before=$now
        wait_for 1 >>"$work/beside"
        now=$(metric 'read_ahead_requests_total{answers="all"}')
    done
    wait "${asking[@]}"
    brought=$now
}

for round in $(seq "$rounds"); do
    # None is removed before the end: for half a minute ext4 looks through what was deleted for each file that it makes.
    data=$work/data.$round
    "$target/gosumcheck" serve --sumdb "${sumdb%% *} http://127.0.0.1:$((port + 3))" --proxy "http://127.0.0.1:$((port + 2))" --private none \
        --data "$data" --read-ahead all --listen "$to" >"$work/serve.txt" 2>&1 &
    server_pid=$!
    started+=("$server_pid")
    open "$((port + 4))" "$server_pid"
    curl -fs --interface 127.0.0.3 -o "$work/warm" "http://$to$warm"
    for _ in 1 2 3 4 5; do wait_for 1 >>"$work/alone"; done
    least=$(memory VmRSS)
    beside
    echo "$brought $least $(memory VmHWM)" >>"$work/brought"
    kill "$server_pid" && wait "$server_pid" 2>/dev/null || true
    unset 'started[-1]'
done
# Each line of a `wait`: name, asked, failed, p50, p99 and longest in seconds; p99 of a second each, so the median of those is taken.
for kind in alone beside; do awk '{ print $5 * 1000 }' "$work/$kind" >"$work/$kind.p99"; done
failed=$(awk '{ sum += $3 } END { print sum + 0 }' "$work/alone" "$work/beside")
awk -v alone="$(median "$work/alone.p99")" -v beside="$(median "$work/beside.p99")" -v failed="$failed" '
    { brought += $1; least = $2; most = most > $3 ? most : $3 }
    END { printf "warm p99 alone %.2f ms, beside %d requests read ahead %.2f ms: %.2f times; %d failed; memory %d MB, %d at its peak\n",
        alone, brought / NR, beside, beside / alone, failed, least, most }' "$work/brought"
