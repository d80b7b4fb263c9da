#!/usr/bin/env bash
# Cold audits of 1,000 lines from afar, ours and x/mod's gosumcheck in turn, over HTTP/1.1 and over HTTP/2 with TLS.
# usage: bench/from-afar/audit.sh [alternations] [records...]      needs cargo, go, nginx, openssl; the Go peer `delay`
# The server is the fakelog example, for HTTP/2 with nginx before it, on this machine: it has its part of the processors.
# Bars at 50 ms: over HTTP/2 2 times as fast as x/mod's, and within 9 round trips in all; over HTTP/1.1, with at most 128
# connections, as fast as x/mod's with its thousand.
set -euo pipefail
cd "$(dirname "$0")/../.."
. bench/peer.sh
. bench/from-afar/way.sh
rounds=${1:-5}
shift || true
[ $# -gt 0 ] || set -- 300000 1000000

built fakelog
GOBIN=$work go install golang.org/x/mod/gosumcheck@latest 2>"$work/install.log" || { cat "$work/install.log" >&2; exit 1; }
mv "$work/gosumcheck" "$work/theirs"
certificates
export GOENV=off GONOSUMDB=none GOPATH=$work/gopath GOMODCACHE=$work/modcache HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY
port=${PORT:-8870}

# serve RECORDS: starts fakelog on $port and nginx on the next; sets key.
serve() {
    : >"$work/fakelog.txt"
    "$target/examples/fakelog" --records "$1" --gosum "$work/$1.sum" --lines 1000 --listen "127.0.0.1:$port" >>"$work/fakelog.txt" &
    started+=($!)
    until grep -q '^built' "$work/fakelog.txt"; do
        kill -0 "${started[-1]}"
        sleep 0.1
    done
    key=$(sed -n 's/^vkey: //p' "$work/fakelog.txt")
    front $((port + 1)) "127.0.0.1:$port"
}

# take NAME COMMAND...: appends its wall seconds to $work/NAME and the connections that it took to $work/NAME.connections.
take() {
    local name=$1 TIMEFORMAT='%3R' before
    shift
    before=$(connections "$far_port")
    { time "$@" >"$work/out.txt" 2>"$work/err.txt" || echo failed >>"$work/err.txt"; } 2>>"$work/$name"
    if grep -q '^failed$' "$work/err.txt"; then
        cat "$work/out.txt" "$work/err.txt" >&2
        exit 1
    fi
    settle
    echo $(($(connections "$far_port") - before)) >>"$work/$name.connections"
}

# settle: x/mod's dials go on for a while after it has ended; they are not part of the next program's time.
settle() {
    local now=
    until [ -n "$now" ] && [ "$now" = "$(connections "$far_port")" ]; do
        now=$(connections "$far_port")
        sleep 0.5
    done
}
ours() { "$target/gosumcheck" audit --sumdb "$key $url" --data "$work/data.$((folder += 1))" "$work/$records.sum"; }
theirs() { "$work/theirs" -k "$key" -u "$url" "$work/$records.sum"; }
folder=0

# compare NAME: alternates both, and prints one line.
compare() {
    for _ in $(seq "$rounds"); do
        take "$1.ours" ours
        take "$1.theirs" theirs
    done
    awk -v name="$1" -v ours="$(median "$work/$1.ours")" -v theirs="$(median "$work/$1.theirs")" \
        -v own="$(median "$work/$1.ours.connections")" -v other="$(median "$work/$1.theirs.connections")" \
        'BEGIN { printf "ratio %-24s %5.2f   (ours %.3f s, %d connections; x/mod %.3f s, %d connections)\n",
            name, theirs / ours, ours, own, theirs, other }'
}

for records in "$@"; do
    serve "$records"
    echo "$records records, 1,000 lines; medians of $rounds alternations; load $(cut -d' ' -f1 /proc/loadavg)"
    for way in 0 25 100; do
        for protocol in http/1.1 http/2; do
            far_port=$((port + 2))
            if [ $protocol = http/2 ]; then
                url=https://localhost:$far_port
                far $far_port "127.0.0.1:$((port + 1))" ${way}ms
            else
                url=http://127.0.0.1:$far_port
                far $far_port "127.0.0.1:$port" ${way}ms
            fi
            echo 0 >"$work/connections.$far_port"
            compare "${protocol/\//-}.$((2 * way))ms"
            near
        done
    done
    for protocol in http-1.1 http-2; do
        awk -v name="$protocol" -v near="$(median "$work/$protocol.50ms.ours")" -v far="$(median "$work/$protocol.200ms.ours")" \
            'BEGIN { printf "round trips %-18s %5.1f   (what 150 ms more a round trip cost, in round trips)\n", name, (far - near) / 0.15 }'
    done
    kill "${started[@]}" && wait "${started[@]}" 2>/dev/null || true
    started=()
    rm -f "$work"/http-*
done
