#!/usr/bin/env bash
# `gosumcheck run -- go build` and `-- go test` of a real project with 146 modules in its build list, with nothing cached and all
# upstreams far away, in parts of the time that the bare command takes.
# usage: bench/from-afar/run.sh [DIR] [rounds]      needs cargo, go, nginx, curl, openssl; the Go peer `delay`; 700 MB below DIR,
# target/from-afar/run unless told, and 2 GB below TMPDIR for each round
# ROUND_TRIP (50ms) is the round trip to the module proxy and to the checksum database: `delay` forwards each connection. The project
# is that of tests/proxy_go, with a test added; its modules are fetched once, by the go command's ordinary settings, into DIR, and are
# served from there. PROGRAMS=DIR has built programs, instead of the release that is built here.
# In each round the module cache, and with us the data folder, begin empty. What is compiled is kept in DIR, so that only what modules
# cost counts; COMPILE=1 measures one more round in which nothing is compiled before. `near` is the bare command with all modules in a
# folder of this machine: what go itself needs to check and unpack them, which is a part of all other times. On a slow disk that is the
# larger part: TMPDIR=/dev/shm keeps what is unpacked in memory.
# Bars: build and test 0.4 of the time of the bare command.
set -euo pipefail
given=${1:+$(mkdir -p "$1" && cd "$1" && pwd)}
cd "$(dirname "$0")/../.."
dir=${given:-$PWD/target/from-afar/run}
mkdir -p "$dir"
. bench/peer.sh
. bench/static.sh
. bench/from-afar/way.sh
rounds=${2:-3}
round_trip=${ROUND_TRIP:-50ms}
port=${PORT:-8840}

target=${PROGRAMS:-}
if [ -z "$target" ]; then
    built fakelog
fi
one_way=$(half "$round_trip")

# The project, with a test of its own.
project=$work/project
cp -r testdata/proxy_go/project "$project"
cat >"$project/main_test.go" <<'GO'
package main

import "testing"

func TestItRuns(*testing.T) { main() }
GO

flags='-modcacherw -trimpath -buildvcs=false'
if [ ! -s "$dir/modules.sum" ]; then
    (cd "$project" && GOFLAGS=$flags GOWORK=off GOMODCACHE=$dir/modules go mod download all)
    log_lines "$dir/modules/cache/download" >"$dir/modules.sum.part"
    mv "$dir/modules.sum.part" "$dir/modules.sum"
fi
tree=$dir/modules/cache/download
echo ready >"$tree/latest"

mkdir -p "$dir/gocache"
export GOENV=off HOME=$work GOFLAGS=$flags GOTOOLCHAIN=local GOWORK=off
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB GONOPROXY

static "$tree" "$port"
started+=("$nginx_pid")
log_of "$dir/modules.sum" "$((port + 1))"
started+=("$log_pid")
key=${sumdb%% *}
far "$((port + 2))" "127.0.0.1:$port" "$one_way"
far "$((port + 3))" "127.0.0.1:$((port + 1))" "$one_way"
upstream=http://127.0.0.1:$((port + 2)) log="$key http://127.0.0.1:$((port + 3))"

# timed NAME GOPROXY GOCACHE COMMAND...: runs it in a copy of the project, with no module here; appends its seconds to $work/NAME.
timed() {
    local name=$1 proxy=$2 compiled=$3 began
    shift 3
    gone "$work/modcache" "$work/gopath" "$work/copy" "$work/data"
    cp -r "$project" "$work/copy"
    began=$(date +%s.%N)
    (cd "$work/copy" && GOCACHE=$compiled GOMODCACHE=$work/modcache GOPATH=$work/gopath GOPROXY=$proxy GOSUMDB=$log "$@") >"$work/go.txt" 2>&1 ||
        { cat "$work/go.txt" >&2; exit 1; }
    awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { print b - a }' >>"$work/$name"
}
run=("$target/gosumcheck" run --data "$work/data" --)

# report TASK: the medians, and ours as a part of the bare command's.
report() {
    awk -v task="$1" -v ours="$(median "$work/ours.$1")" -v bare="$(median "$work/bare.$1")" -v near="$(median "$work/near.$1")" \
        'BEGIN { printf "ratio %-16s %5.2f   (ours %.2f s, bare %.2f s; near, without any network, %.2f s)\n", task, ours / bare, ours, bare, near }'
}

build=(go build ./...) test=(go test -count=1 ./...)
for command in build test; do
    declare -n words=$command
    timed "warm.$command" "file://$tree" "$dir/gocache" "${words[@]}"
done
echo "a round trip of $round_trip; medians of $rounds rounds, no module here; load $(cut -d' ' -f1 /proc/loadavg)"
for _ in $(seq "$rounds"); do
    for command in build test; do
        declare -n words=$command
        timed "near.$command" "file://$tree" "$dir/gocache" "${words[@]}"
        timed "bare.$command" "$upstream" "$dir/gocache" "${words[@]}"
        timed "ours.$command" "$upstream" "$dir/gocache" "${run[@]}" "${words[@]}"
        grep -q ' modules proven, 0 refused' "$work/go.txt" || { cat "$work/go.txt" >&2; exit 1; }
    done
done
grep -o '[0-9]* modules proven, .*' "$work/go.txt"
for command in build test; do report "$command"; done

[ -n "${COMPILE:-}" ] || exit 0
for command in build test; do
    declare -n words=$command
    for name in near bare ours; do
        gone "$work/gocache"
        case $name in
            near) timed "near.$command.compiled" "file://$tree" "$work/gocache" "${words[@]}" ;;
            bare) timed "bare.$command.compiled" "$upstream" "$work/gocache" "${words[@]}" ;;
            ours) timed "ours.$command.compiled" "$upstream" "$work/gocache" "${run[@]}" "${words[@]}" ;;
        esac
    done
    report "$command.compiled"
done
