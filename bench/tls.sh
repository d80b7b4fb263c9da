#!/usr/bin/env bash
# `gosumcheck serve` over TLS against nginx over TLS, with one certificate (ECDSA P-256) and the same modules, warm, in turn.
# usage: bench/tls.sh DIR [alternations]      needs cargo, nginx, curl, openssl, wrk; below DIR some 500 MB
# The server has one core, wrk the other; HTTP/1.1, 32 connections that are kept. CPU is user and system time of the server's process.
# Also what a full handshake costs: connections that carry one request each. Bars: 1.0 of nginx for .mod and for zips of 20 MB.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/tls.sh DIR [alternations]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
rounds=${2:-3}
seconds=${SECONDS_EACH:-5}
port=${PORT:-8780}

built fakelog fakemodules
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB

trap 'kill ${nginx_pid:-} ${tls_pid:-} ${log_pid:-} ${ours_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 100x200000 --zips 12x20000000

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/openssl.txt"

# nginx over TLS: the configuration of `static`, with a certificate.
mkdir -p "$work/nginx.tls"
sed -e "s#$work/nginx.$port#$work/nginx.tls#g" \
    -e "s#listen 127.0.0.1:$port;#listen 127.0.0.1:$((port + 2)) ssl; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; ssl_protocols TLSv1.2 TLSv1.3;#" \
    "$work/nginx.$port/conf" >"$work/nginx.tls/conf"
nginx -p "$work/nginx.tls" -e "$work/nginx.tls/error.log" -c "$work/nginx.tls/conf" &
tls_pid=$!
declare -A base pid
base[nginx]=https://127.0.0.1:$((port + 2)) base[ours]=https://127.0.0.1:$((port + 3))
"$target/gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$work/data" --listen none \
    --tls-listen "${base[ours]#https://}" --tls-cert "$work/cert.pem" --tls-key "$work/key.pem" >"$work/ours.txt" 2>&1 &
ours_pid=$!
for who in nginx ours; do
    until curl -fsk -o "$work/alive" "${base[$who]}/latest"; do
        kill -0 "$tls_pid" "$ours_pid"
        sleep 0.1
    done
done
pid[nginx]=$(pgrep -P "$tls_pid" | head -n 1) pid[ours]=$ours_pid
for who in nginx ours; do taskset -acp 0 "${pid[$who]}" >/dev/null; done

(cd "$tree" && find example.com/m200000 -name '*.mod') | sort >"$work/mod.paths"
(cd "$tree" && find example.com/m200000 -name '*.zip') | sort >"$work/zip200k.paths"
(cd "$tree" && find example.com/m20000000 -name '*.zip') | sort >"$work/zip20m.paths"
for kind in mod zip200k zip20m; do
    while read -r path; do
        curl -fsk -o "$work/got" "${base[ours]}/$path"
        cmp "$work/got" "$tree/$path"
    done <"$work/$kind.paths"
done

# ask NAME WHO PATHS [wrk's options]: appends requests per CPU-second to $work/NAME.percpu.
ask() { percpu "$1" "${pid[$2]}" "${base[$2]}" "$work/$3.paths" 32 "${@:4}"; }

for _ in $(seq "$rounds"); do
    for kind in mod zip200k zip20m; do
        for who in nginx ours; do ask "$who-$kind" "$who" "$kind"; done
    done
    for who in nginx ours; do ask "$who-handshake" "$who" mod -H 'Connection: close'; done
done

echo "TLS; wrk, 32 connections, ${seconds} s each; medians of $rounds alternations"
for kind in mod zip200k zip20m handshake; do
    awk -v kind="$kind" -v ours="$(of "ours-$kind.percpu")" -v theirs="$(of "nginx-$kind.percpu")" \
        'BEGIN { printf "%-10s requests per CPU-second: ours %9.1f  nginx %9.1f  ratio %5.2f\n", kind, ours, theirs, ours / theirs }'
done
