#!/usr/bin/env bash
# The go command by way of `gosumcheck serve`, with nothing cached anywhere and all upstreams far away, in parts of the time that it
# takes without any proxy.
# usage: bench/from-afar/modules.sh DIR [rounds]      needs cargo, go, nginx, curl; the delay program of $GOSUMCHECK_SHARED; 300 MB, and for
# each round 3 GB below TMPDIR
# ROUND_TRIP (50ms) is the round trip to the module proxy and to the checksum database: `delay` forwards each connection. The go
# command and our server are on this machine. PROGRAMS=DIR has built programs, instead of the release that is built here.
# Modules: 100 of 200 KB that require nothing, so that no go.mod tells what comes next; then the real project of tests/proxy_go, if its
# module cache is there (`cargo test --test proxy_go` fetches it). What is compiled is kept in DIR, so that only downloads count.
# Bars: download 0.7 of the time without a proxy, 0.45 over a full mirror, 0.35 with everything brought before by 96 requests at once;
# build and tidy of the project 0.6; of the bytes read ahead for a build at most 10 % of all are not asked for.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/from-afar/modules.sh DIR [rounds]}" && cd "$1" && pwd)
cd "$(dirname "$0")/../.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
. bench/from-afar/way.sh
rounds=${2:-3}
round_trip=${ROUND_TRIP:-50ms}
port=${PORT:-8790}

programs=${PROGRAMS:-}
if [ -z "$programs" ]; then
    cargo build --quiet --release --bin gosumcheck --example fakelog --example fakemodules
    programs=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
fi
target=$programs
one_way=$(half "$round_trip")

go_env=$(go env GOPROXY)
if [ ! -x "$dir/peers/goproxy" ]; then
    mkdir -p "$dir/peers/goproxy.src"
    printf 'module peer\n\ngo 1.24\n\nrequire github.com/goproxy/goproxy v0.18.2\n' >"$dir/peers/goproxy.src/go.mod"
    (cd "$dir/peers/goproxy.src" && GOPROXY=$go_env GONOSUMDB='*' go build -mod=mod -o ../goproxy github.com/goproxy/goproxy/cmd/goproxy) \
        >"$work/goproxy.txt" 2>&1 || echo "goproxy cannot be built here: $(tail -n 1 "$work/goproxy.txt")" >&2
fi

mkdir -p "$dir/gocache"
export GOENV=off HOME=$work GOFLAGS='-modcacherw -trimpath -buildvcs=false' GOTOOLCHAIN=local GOCACHE=$dir/gocache GOWORK=off
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB GONOPROXY

# site TREE GOSUM: a static server of the tree and the log of these lines, both far away; sets upstream, far_log, key, near_log.
site() {
    echo ready >"$1/latest"
    static "$1" "$port"
    started+=("$nginx_pid")
    log_of "$2" "$((port + 1))"
    started+=("$log_pid")
    key=${sumdb%% *}
    near_log=http://127.0.0.1:$((port + 1)) far_log=http://127.0.0.1:$((port + 3)) upstream=http://127.0.0.1:$((port + 2))
    far "$((port + 2))" "127.0.0.1:$port" "$one_way"
    far "$((port + 3))" "127.0.0.1:$((port + 1))" "$one_way"
    port=$((port + 6))
}
trap 'kill "${started[@]}" ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT

# start NAME DATA OPTION...: ours or goproxy, over the far upstreams; sets base and server_pid.
start() {
    local name=$1 data=$2
    shift 2
    mkdir -p "$data"
    base=http://127.0.0.1:$((port - 1))
    case $name in
        goproxy) GOPROXY=$upstream GOSUMDB="$key $far_log" exec "$dir/peers/goproxy" server --address "${base#http://}" --cacher-dir "$data" ;;
        *) exec "$target/gosumcheck" serve --sumdb "$key $far_log" --proxy "$upstream" --private none --data "$data" --listen "${base#http://}" "$@" ;;
    esac >"$work/$name.txt" 2>&1 &
    server_pid=$!
    until curl -s -o "$work/alive" "$base/"; do sleep 0.1; done
    # Not another server at that port.
    kill -0 "$server_pid" || { cat "$work/$name.txt" >&2; exit 1; }
}

stop() {
    kill "$server_pid"
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}

# timed NAME GOPROXY GOSUMDB COMMAND...: runs the go command in a copy of $project, with nothing cached; appends seconds to $work/NAME.
timed() {
    local name=$1 proxy=$2 sumdb=$3 began
    shift 3
    gone "$work/modcache" "$work/gopath" "$work/copy"
    cp -r "$project" "$work/copy"
    [ "$1" != tidy ] || rm -f "$work/copy/go.sum"
    began=$(date +%s.%N)
    (cd "$work/copy" && GOMODCACHE=$work/modcache GOPATH=$work/gopath GOPROXY=$proxy GOSUMDB=$sumdb go "${@:2}") >"$work/go.txt" 2>&1 ||
        { cat "$work/go.txt" >&2; tail -n 20 "$work/${name%%.*}.txt" >&2; exit 1; }
    awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { print b - a }' >>"$work/$name"
}

# metric NAME: its value at the server.
metric() { curl -fs "$base/metrics" | awk -v name="gosumcheck_$1" '$1 == name { print $2 }'; }

# report TASK NAME: the median, and its part of that without a proxy.
report() {
    [ -s "$work/$2.$1" ] || return 0
    awk -v task="$1" -v name="$2" -v ours="$(median "$work/$2.$1")" -v plain="$(median "$work/plain.$1")" \
        'BEGIN { printf "%-10s %-22s %6.2f s   %5.2f of the time without a proxy\n", task, name, ours, ours / plain }'
}

# once TASK NAME OPTION... -- COMMAND...: ours with these options, from an empty data folder.
once() {
    local task=$1 name=$2 options=()
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    gone "$work/data"
    start "$name" "$work/data" "${options[@]}"
    timed "$name.$task" "$base" "$key $base" "$task" "$@"
    echo "$(metric 'read_ahead_requests_total{answers="all"}') $(metric 'read_ahead_requests_total{answers="used"}')" \
        "$(metric 'read_ahead_bytes_total{answers="all"}') $(metric 'read_ahead_bytes_total{answers="used"}')" >"$work/$name.$task.waste"
    stop
}

# waste TASK NAME: what was read ahead, and how much of it for nothing.
waste() {
    awk -v task="$1" -v name="$2" '{ printf "%-10s %-22s read ahead: %d requests, %d unused; %.1f MB, %.1f MB unused\n", task, name, $1, $1 - $2, $3 / 1e6, ($3 - $4) / 1e6 }' \
        "$work/$2.$1.waste"
}

echo "a round trip of $round_trip; medians of $rounds rounds, nothing cached anywhere"

# 100 modules that require nothing.
tree=$dir/tree
[ -s "$tree/go.sum" ] || "$target/examples/fakemodules" "$tree" --zips 100x200000
site "$tree" "$tree/go.sum"
project=$work/project
mkdir -p "$project"
{ printf 'module project\n\ngo 1.21\n\nrequire (\n'; for n in $(seq 0 99); do echo "example.com/m200000/n$n v1.0.0"; done; echo ')'; } >"$project/go.mod"
"$target/gosumcheck" sync --sumdb "$key" --sumdb-url "$near_log" --data "$dir/mirror" >"$work/sync.txt" 2>&1 || cat "$work/sync.txt" >&2
(cd "$tree" && find . -name 'v*.mod' -o -name 'v*.zip' -o -name 'v*.info') | sed 's|^\./||' >"$work/all.paths"
for _ in $(seq "$rounds"); do
    timed plain.download "$upstream" "$key $far_log" download mod download all
    for mode in off mod all; do once download "ours-$mode" --read-ahead "$mode" -- mod download all; done
    gone "$work/data"
    cp -r "$dir/mirror" "$work/data"
    start mirror "$work/data"
    timed mirror.download "$base" "$key $base" download mod download all
    stop
    gone "$work/data"
    start prefetched "$work/data"
    began=$(date +%s.%N)
    sed "s|.*|url = \"$base/&\"\noutput = \"/dev/null\"|" "$work/all.paths" >"$work/all.urls"
    curl -fs --parallel --parallel-max 96 --parallel-immediate -K "$work/all.urls"
    before=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')
    timed then.download "$base" "$key $base" download mod download all
    tail -n 1 "$work/then.download" | awk -v before="$before" '{ print $1 + before }' >>"$work/prefetched.download"
    stop
    if [ -x "$dir/peers/goproxy" ]; then
        gone "$work/data"
        start goproxy "$work/data"
        timed goproxy.download "$base" "$key $far_log" download mod download all
        stop
    fi
done
for name in plain ours-off ours-mod ours-all mirror prefetched goproxy; do report download "$name"; done
waste download ours-all

# The real project.
cache=target/tmp/proxy_go/modules/cache/download
[ -d "$cache" ] || { echo "no module cache of the real project: run cargo test --test proxy_go" >&2; exit 0; }
[ -d "$dir/real" ] || cp -r "$cache" "$dir/real"
log_lines "$dir/real" >"$dir/real.sum"
site "$dir/real" "$dir/real.sum"
project=testdata/proxy_go/project
timed warm.build "file://$dir/real" off build build ./...
for _ in $(seq "$rounds"); do
    for task in build tidy; do
        command=(build ./...)
        [ "$task" = build ] || command=(mod tidy)
        timed "plain.$task" "$upstream" "$key $far_log" "$task" "${command[@]}"
        for mode in off mod all; do once "$task" "ours-$mode" --read-ahead "$mode" -- "${command[@]}"; done
    done
done
for task in build tidy; do
    for name in plain ours-off ours-mod ours-all; do report "$task" "$name"; done
    for mode in mod all; do waste "$task" "ours-$mode"; done
done
