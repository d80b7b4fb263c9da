#!/usr/bin/env bash
# What warm requests wait for while the same data is verified: a server over a full mirror and stored modules, at first alone, then while
# `gosumcheck verify --record --resume` runs over its data folder again and again, with --max-rate as the nightly job has it.
# usage: bench/verify-beside.sh DIR [seconds] [rate]      needs cargo, nginx, curl, wrk; below DIR some 1 GB
# Alone and beside take turns, so that what else the machine does falls on both. Bar: the p99 of warm requests rises by less than 25 %.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/verify-beside.sh DIR [seconds] [rate]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
seconds=${2:-5}
rate=${3:-50MiB}
rounds=5
port=${PORT:-8890}

built fakelog fakemodules
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB

trap 'kill ${nginx_pid:-} ${log_pid:-} ${server_pid:-} ${verifier:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 200x1000000

base=http://127.0.0.1:$((port + 2))
data=$dir/data
rm -rf "$data"
"$target/gosumcheck" serve --sumdb "$sumdb" --mirror --proxy "$upstream" --data "$data" --listen "${base#http://}" \
    --read-ahead off --log-level error &
server_pid=$!
until curl -fs "$base/readyz" >/dev/null; do :; done
for number in $(seq 0 199); do curl -fs "$base/example.com/m1000000/n$number/@v/v1.0.0.zip" -o /dev/null; done

# warm NAME PATH: appends the p99 in microseconds to $work/NAME
warm() {
    wrk -t1 -c8 -d"${seconds}s" --latency "$base/$2" | awk '/ 99%/ {
        value = $2; unit = value; gsub(/[0-9.]/, "", unit); gsub(/[a-z]/, "", value)
        print value * (unit == "s" ? 1e6 : unit == "ms" ? 1e3 : 1) }' >>"$work/$1"
}
verify_on() {
    (while :; do
        "$target/gosumcheck" verify --sumdb "${sumdb% *}" --data "$data" --private none --record --resume --full --max-rate "$rate" >"$work/verify.txt" 2>&1 ||
            { cat "$work/verify.txt" >&2; exit 1; }
        echo run >>"$work/runs"
    done) &
    verifier=$!
}
verify_off() {
    kill "$verifier" 2>/dev/null || true
    pkill -P "$verifier" 2>/dev/null || true
    wait "$verifier" 2>/dev/null || true
    verifier=
}
zip=example.com/m1000000/n0/@v/v1.0.0.zip
: >"$work/runs" # none may come to its end in a short round
for path in "${zip%zip}mod" "$zip"; do
    kind=${path##*.}
    curl -fs "$base/$path" -o /dev/null
    for _ in $(seq "$rounds"); do
        warm "$kind.alone" "$path"
        verify_on
        warm "$kind.beside" "$path"
        verify_off
    done
    awk -v kind="$kind" -v alone="$(median "$work/$kind.alone")" -v beside="$(median "$work/$kind.beside")" \
        'BEGIN { printf "%-4s p99 alone %6.0f us, beside a verification %6.0f us: %+.0f %%\n", kind, alone, beside, (beside / alone - 1) * 100 }'
done
"$target/gosumcheck" journal verify --data "$data"
echo "$(wc -l <"$work/runs") verifications came to their end meanwhile"
