#!/usr/bin/env bash
# `gosumcheck serve` as a module proxy beside nginx, goproxy/goproxy and Athens: warm and cold, over the same upstream, in turn.
# usage: bench/modules.sh DIR [alternations]      needs cargo, go, nginx, curl, wrk; below DIR some 2 GB
# Warm: the server has one core, wrk the other; CPU is user and system time of the server's processes, from /proc. nginx serves
# the same bytes as static files. The peers are built from their modules (versions below); one that cannot be had is left out.
# Bars: small files 1.0 of nginx and 3 times goproxy's and Athens's; zips of 20 MB 1.0 of nginx; 64 clients of 100 MB zips in
# under 150 MB of memory; proving costs under 15 % of a cold download's time at 1 Gbit/s.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/modules.sh DIR [alternations]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
rounds=${2:-3}
seconds=${SECONDS_EACH:-5}
port=${PORT:-8770}

built fakelog fakemodules
go_env=$(go env GOPROXY)

# proxy_peer NAME MODULE VERSION PACKAGE: builds a peer as $dir/peers/NAME, once.
proxy_peer() {
    [ -x "$dir/peers/$1" ] && return
    mkdir -p "$dir/peers/$1.src"
    printf 'module peer\n\ngo 1.24\n\nrequire %s %s\n' "$2" "$3" >"$dir/peers/$1.src/go.mod"
    (cd "$dir/peers/$1.src" && GOPROXY=$go_env GONOSUMDB='*' go build -mod=mod -o "../$1" "$4") >"$work/$1.build" 2>&1 ||
        { echo "$1 $3 cannot be built here: $(tail -n 1 "$work/$1.build")" >&2; return 0; }
}
proxy_peer goproxy github.com/goproxy/goproxy v0.18.2 github.com/goproxy/goproxy/cmd/goproxy
proxy_peer athens github.com/gomods/athens v0.17.0 github.com/gomods/athens/cmd/proxy

export GOENV=off HOME=$work GOFLAGS=-modcacherw GOTOOLCHAIN=local
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB

# The modules, a static server of them as upstream, and their log.
trap 'kill ${nginx_pid:-} ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 100x200000 --zips 12x20000000 --zips 2x50000000 --zips 4x100000000

declare -A base
base[ours]=http://127.0.0.1:$((port + 2)) base[goproxy]=http://127.0.0.1:$((port + 3)) base[athens]=http://127.0.0.1:$((port + 4))
base[nginx]=$upstream
peers=(ours)
for name in goproxy athens; do [ -x "$dir/peers/$name" ] && peers+=("$name"); done

# start NAME DATA: starts a proxy over the upstream, with its store in DATA; sets server_pid.
start() {
    mkdir -p "$2"
    local address=${base[$1]#http://}
    case $1 in
        ours) exec "$target/gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$2" --listen "$address" ;;
        goproxy) GOPROXY=$upstream GOSUMDB=$sumdb exec "$dir/peers/goproxy" server --address "$address" --cacher-dir "$2" ;;
        athens) ATHENS_STORAGE_TYPE=disk ATHENS_DISK_STORAGE_ROOT=$2 ATHENS_PORT=:${address#*:} ATHENS_LOG_LEVEL=error \
            ATHENS_NETWORK_MODE=fallback ATHENS_GO_BINARY_ENV_VARS="GOPROXY=$upstream;GOSUMDB=$sumdb;GOFLAGS=-modcacherw" \
            exec "$dir/peers/athens" ;;
    esac >"$work/$1.txt" 2>&1 &
    server_pid=$!
    until curl -s -o "$work/alive" "${base[$1]}/"; do kill -0 "$server_pid"; sleep 0.1; done
}

stop() { kill "$server_pid" && wait "$server_pid" 2>/dev/null || true; }

peak() { awk '/^VmHWM/ { printf "%d\n", $2 / 1024 }' "/proc/$1/status"; }

for kind in mod info; do (cd "$tree" && find example.com/m200000 -name "*.$kind") | sort >"$work/$kind.paths"; done
(cd "$tree" && find example.com/m200000 -name list) | sort >"$work/list.paths"
(cd "$tree" && find example.com/m20000000 -name '*.zip') | sort >"$work/zip.paths"

# ask NAME KIND PID CONNECTIONS: appends requests and bytes per CPU-second to $work/NAME-KIND.{percpu,mb}.
ask() {
    percpu "$1-$2" "$3" "${base[$1]}" "$work/$2.paths" "$4"
    awk -v used="$used" '/requests in/ { v = $5; u = v; gsub(/[0-9.]/, "", u); gsub(/[^0-9.]/, "", v)
        print v * (u ~ /GB/ ? 1e3 : u ~ /MB/ ? 1 : 1e-3) / used }' "$work/wrk.txt" >>"$work/$1-$2.mb"
}

# warm NAME: every file once, so that its store has it; then the load.
warm() {
    for kind in info mod list zip; do xargs -P 2 -I{} curl -fs -o /dev/null "${base[$1]}/{}" <"$work/$kind.paths"; done
    taskset -acp 0 "$server_pid" >/dev/null
    for kind in mod info list; do ask "$1" "$kind" "$server_pid" 32; done
    ask "$1" zip "$server_pid" 8
}

taskset -acp 0 "$static_pid" >/dev/null
for name in "${peers[@]}"; do rm -rf "$dir/$name"; done
for _ in $(seq "$rounds"); do
    for kind in mod info list; do ask nginx "$kind" "$static_pid" 32; done
    ask nginx zip "$static_pid" 8
    for name in "${peers[@]}"; do
        start "$name" "$dir/$name"
        warm "$name"
        stop
    done
done

echo "warm: wrk, 32 connections (zips: 8), ${seconds} s each; medians of $rounds alternations"
for kind in mod info list zip; do
    for name in nginx "${peers[@]}"; do
        awk -v kind="$kind" -v name="$name" -v n="$(of "$name-$kind.percpu")" -v mb="$(of "$name-$kind.mb")" -v nginx="$(of "nginx-$kind.percpu")" \
            'BEGIN { printf "%-5s %-8s %9.0f requests/CPU-s %8.0f MB/CPU-s   %5.2f of nginx\n", kind, name, n, mb, n / nginx }'
    done
done

# Memory: 64 clients, each a zip of 100 MB, at a pace that keeps all of them under way.
start ours "$dir/ours"
(cd "$tree" && find example.com/m100000000 -name '*.zip') | sort >"$work/big.paths"
for path in $(cat "$work/big.paths"); do curl -fs -o /dev/null "${base[ours]}/$path"; done
stop
start ours "$dir/ours"
for n in $(seq 64); do
    curl -fs --limit-rate 20M -o /dev/null "${base[ours]}/$(sed -n "$((n % 4 + 1))p" "$work/big.paths")" & clients[n]=$!
done
wait "${clients[@]}"
echo "memory: $(peak "$server_pid") MB at its peak, while 64 clients stream zips of 100 MB"
stop

# Cold: a zip of 50 MB by way of us, and without us.
path=$(cd "$tree" && find example.com/m50000000 -name '*.zip' | sort | head -n 1)
timed() { curl -fs -o "$work/cold.zip" -w '%{time_starttransfer} %{time_total}\n' "$1"; }
for _ in $(seq "$rounds"); do
    rm -rf "$dir/cold"
    start ours "$dir/cold"
    curl -fs -o /dev/null "${base[ours]}/${path%.zip}.mod"
    timed "${base[ours]}/$path" | awk '{ print $1 }' >>"$work/cold.first"
    timed "${base[ours]}/$path" | awk '{ print $2 }' >>"$work/cold.again"
    stop
    timed "$upstream/$path" | awk '{ print $2 }' >>"$work/cold.plain"
done
awk -v first="$(of cold.first)" -v plain="$(of cold.plain)" 'BEGIN {
    extra = first - plain; wire = 50 / 125
    printf "cold: 50 MB, first byte after %.3f s; the same bytes without us %.3f s\n", first, plain
    printf "proving and keeping them: %.3f s, %.0f %% of their %.2f s at 1 Gbit/s\n", extra, 100 * extra / wire, wire
}'

# Cold, as the go command sees it.
mkdir -p "$work/project"
{ printf 'module project\n\ngo 1.21\n\nrequire (\n'; for n in $(seq 0 99); do echo "example.com/m200000/n$n v1.0.0"; done; echo ')'; } >"$work/project/go.mod"
for _ in $(seq "$rounds"); do
    for name in "${peers[@]}"; do
        rm -rf "$dir/cold" "$work/modcache"
        start "$name" "$dir/cold"
        timed "${base[$name]}/example.com/m20000000/n0/@v/v1.0.0.info" | awk '{ print $1 }' >>"$work/$name.first"
        before=$(date +%s.%N)
        (cd "$work/project" && GOMODCACHE=$work/modcache GOPROXY=${base[$name]} GOSUMDB=$sumdb GOPATH=$work/gopath go mod download all) >"$work/go.txt" 2>&1 ||
            { cat "$work/go.txt" "$work/$name.txt" >&2; exit 1; }
        awk -v a="$before" -v b="$(date +%s.%N)" 'BEGIN { print b - a }' >>"$work/$name.download"
        stop
    done
done
for name in "${peers[@]}"; do
    echo "go mod download of 100 modules, cold: $name $(of "$name.download") s; first byte of a cold .info: $(of "$name.first") s"
done
