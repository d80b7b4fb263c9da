#!/usr/bin/env bash
# `sync` of a whole log from a server far away: over HTTP/1.1 and over HTTP/2 with TLS, at no delay and at 50 ms a round trip,
# in turn. nginx serves the same files to all; `delay` stands before it where the way is long.
# usage: bench/from-afar/sync.sh DIR [RECORDS] [alternations]     needs cargo, go, nginx, curl, openssl; below DIR some 600 bytes a
# record; JOBS (512) is the most requests in flight; over HTTP/1.1 there are at most 128, ROUND_TRIP (50) the delay in milliseconds
# Then from a server that allows 10 requests a second and answers 429 above: how many it gets in a second once it has said so.
# Bars, of 5,000,000 records: 0.6 of the rate at no delay over HTTP/2; 0.4 over HTTP/1.1 with at most 128 connections. 12 requests
# in a second where 10 are allowed, after the first LEARNING (10) seconds.
set -euo pipefail
usage="usage: bench/from-afar/sync.sh DIR [RECORDS] [alternations]"
dir=$(mkdir -p "${1:?$usage}" && cd "$1" && pwd)
records=${2:-5000000}
rounds=${3:-3}
jobs=${JOBS:-512}
round_trip=${ROUND_TRIP:-50}
port=${PORT:-8930}
learning=${LEARNING:-10}
cd "$(dirname "$0")/../.."
. bench/peer.sh
. bench/static.sh
. bench/from-afar/way.sh

built fakelog
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY

# serve DIR: nginx serves the files below DIR, on $port over HTTP/1.1, on $((port + 1)) over HTTP/2 with TLS, and on $((port + 2))
# 10 requests a second.
serve() {
    certificates
    cat >"$work/conf" <<CONF
daemon off;
worker_processes 1;
pid $work/pid;
events { worker_connections 2048; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    default_type application/octet-stream;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    root $1;
    log_format times '\$msec \$status';
    limit_req_zone \$server_port zone=all:1m rate=10r/s;
    server { listen 127.0.0.1:$port; }
    server {
        listen 127.0.0.1:$((port + 2));
        access_log $work/limited.log times;
        limit_req zone=all burst=2 nodelay;
        limit_req_status 429;
    }
    server {
        listen 127.0.0.1:$((port + 1)) ssl http2;
        ssl_certificate $work/tls.pem;
        ssl_certificate_key $work/tls.key;
    }
}
CONF
    nginx -p "$work" -e "$work/error.log" -c "$work/conf" 2>"$work/nginx.log" &
    nginx_pid=$!
    started+=("$nginx_pid")
    until curl -fs -o "$work/latest" "http://127.0.0.1:$port/latest"; do
        kill -0 "$nginx_pid"
        sleep 0.1
    done
}

dump "$dir/tree.$records" "$records"
trap 'kill "${started[@]}" 2>/dev/null; rm -rf "$work" "$dir/far.data"' EXIT
serve "$dir/tree.$records"
for at in 0 1; do
    far "$((port + 10 + at))" "127.0.0.1:$((port + at))" "$(awk -v ms="$round_trip" 'BEGIN { print ms * 500 }')us"
done

# once NAME URL: one sync from nothing.
once() {
    rm -rf "$dir/far.data"
    measure "$1" "$target/gosumcheck" sync --jobs "$jobs" --sumdb "$key $2" --data "$dir/far.data"
    for at in "$((port + 10))" "$((port + 11))"; do
        [ ! -s "$work/connections.$at" ] || cp "$work/connections.$at" "$work/$1.connections"
        rm -f "$work/connections.$at"
    done
}

for round in $(seq "$rounds"); do
    # The delay counts the connections since it began: of each way only the first run is told.
    once http1.near "http://127.0.0.1:$port"
    once http1.far "http://127.0.0.1:$((port + 10))"
    once http2.near "https://localhost:$((port + 1))"
    once http2.far "https://localhost:$((port + 11))"
    [ "$round" -gt 1 ] || for way in http1 http2; do cp "$work/$way.far.connections" "$work/$way.first"; done
done

echo "$records records, $jobs requests in flight, $round_trip ms; medians of $rounds alternations; sync includes the index; load $(cut -d' ' -f1 /proc/loadavg)"
for name in http1.near http1.far http2.near http2.far; do
    awk -v name="$name" -v wall="$(of $name.wall)" -v cpu="$(of $name.cpu)" -v mib="$(of $name.mib)" -v records="$records" \
        'BEGIN { printf "%-11s %7.2f s wall %7.2f s cpu %5d MiB   %8.0f records/s\n", name, wall, cpu, mib, records / wall }'
done
for way in http1 http2; do
    awk -v way="$way" -v near="$(of $way.near.wall)" -v far="$(of $way.far.wall)" -v connections="$(cat "$work/$way.first")" \
        'BEGIN { printf "ratio %s, far to near       %5.2f   (%d connections)\n", way, near / far, connections }'
done

rm -rf "$dir/far.data"
measure limited "$target/gosumcheck" sync --jobs "$jobs" --to 76800 --sumdb "$key http://127.0.0.1:$((port + 2))" --data "$dir/far.data"
awk -v learning="$learning" '
    NR == 1 { first = $1 }
    { refused += $2 == 429; times[NR] = $1 }
    END {
        for (n = 1; n <= NR; n++) {
            while (times[n] - times[oldest + 1] >= 1) oldest++
            if (times[n] - first > learning && n - oldest > most) most = n - oldest
        }
        printf "limited to 10 a second: %d requests in %.0f s, %d of them refused; at most %d in a second after the first %d\n",
            NR, times[NR] - first, refused, most, learning
    }' "$work/limited.log"
