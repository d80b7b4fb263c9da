#!/usr/bin/env bash
# Attacks a server on loopback, one way after the other, and measures what another client waits meanwhile: for a file that the
# server has, and for modules that it does not have yet.
# usage: bench/hostile.sh DIR [SECONDS of each attack]      needs cargo, nginx, curl; below DIR some 1 GB
# The attackers come from 127.0.0.1, the other client from 127.0.0.2. The server has `ulimit -Sn 1024`, as most have by default.
# Bars: a warm file within 1 s and a new module within 10 s at the 99th percentile, failed ones counted as ten minutes; the server's memory below
# --memory (64 MiB) + 100 MB; 35 s after each attack (the write timeout is 30 s) a new module comes within a second.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/hostile.sh DIR [SECONDS]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
seconds=${2:-40}
port=${PORT:-8800}
memory_bar=$((64 + 100))
profile=${PROFILE:-release}

cargo build --quiet --profile "$profile" --bin gosumcheck --example fakelog --example fakemodules --example hostile
folder=${profile/dev/debug}
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/$folder
export GOENV=off HOME=$work
unset GOPRIVATE GONOPROXY GONOSUMDB GOSUMDB GOPROXY

tree=$dir/tree
[ -s "$tree/go.sum" ] || "$target/examples/fakemodules" "$tree" --zips 2000x50000 --zips 1x20000000 --files 8x800000
echo ready >"$tree/latest"
static "$tree" "$port"
upstream=$url
trap 'kill $nginx_pid ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
# The database takes its time with modules that it does not know.
log_of "$tree/go.sum" "$((port + 1))" --fault 'slow:10000:lookup/evil.example*'
to=127.0.0.1:$((port + 2))
warm=/example.com/m20000000/n0/@v/v1.0.0.mod
zip=/example.com/m20000000/n0/@v/v1.0.0.zip
new=/example.com/m50000/n
next=0
bad=0

# server OPTIONS...: a fresh server that has the warm files.
server() {
    [ -z "${server_pid:-}" ] || { kill "$server_pid" && wait "$server_pid" || true; }
    rm -rf "$work/data"
    (ulimit -Sn 1024 && exec "$target/gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$work/data" --listen "$to" --memory 64MiB "$@") \
        >>"$work/server.txt" 2>&1 &
    server_pid=$!
    until curl -fs -o "$work/alive" "http://$to/healthz"; do kill -0 "$server_pid"; sleep 0.1; done
    for path in "$warm" "$zip"; do curl -fs -o "$work/warm" "http://$to$path"; done
}

hostile() { "$target/examples/hostile" --to "$to" "$@"; }

# fail WHY: told, and remembered.
fail() { echo "  MISSED: $1"; bad=$((bad + 1)); }

# under NAME COMMAND...: the other client, while COMMAND attacks.
under() {
    local name=$1 peak
    shift
    hostile --from 127.0.0.2 probe "$warm" "$new" "$next" "$((seconds + 10))" >"$work/probe.txt" &
    local probing=$!
    sleep 1
    "$@" >"$work/attack.txt" || true
    wait "$probing"
    next=$((next + (seconds + 10) + 2))
    peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$server_pid/status")
    awk -v name="$name" -v attack="$(head -n 1 "$work/attack.txt")" -v peak="$peak" '
        { said[$1] = sprintf("%d asked, %d failed, p50 %.3f p99 %.3f max %.3f s", $2, $3, $4, $5, $6) }
        END { printf "%s: %s; peak %d MB\n  warm: %s\n  new:  %s\n", name, attack, peak, said["warm"], said["new"] }' "$work/probe.txt"
    # A request that failed counts as one that took ten minutes.
    awk '$1 == "warm" && $5 > 1 || $1 == "new" && $5 > 10 { exit 1 }' "$work/probe.txt" || fail "another client waited"
    ((peak < memory_bar)) || fail "$peak MB of memory, where $memory_bar are the bar"
    sleep 35
    local took
    took=$(curl -fs --interface 127.0.0.2 -m 10 -o "$work/after" -w '%{time_total}' "http://$to$new$next/@v/v1.0.0.mod") || took=10
    next=$((next + 1))
    awk -v took="$took" 'BEGIN { printf "  35 s later: a new module after %.3f s\n", took; exit took > 1 }' || fail "it is not free again"
}

# big: eight clients ask for zips of 800,000 files.
big() {
    local asking=() n
    for n in $(seq 0 7); do
        curl -s -m "$seconds" -o "$work/big.$n" -w '%{http_code}\n' "http://$to/example.com/f800000/n$n/@v/v1.0.0.zip" >>"$work/big.codes" &
        asking+=($!)
    done
    wait "${asking[@]}" || true
    echo "zips of 800,000 files: answered $(sort "$work/big.codes" | uniq -c | awk '{ printf "%s times %s ", $1, $2 }')"
}

server; under "10,000 abandoned requests for unknown modules" hostile abandon 10000
server; under "70,000 absent paths of 1,900 bytes" hostile absent 70000 1900
server; under "200 HTTP/2 clients with window 0" hostile windows 200 128 0 "$zip" "$seconds"
server; under "200 HTTP/2 clients with window 1" hostile windows 200 128 1 "$zip" "$seconds"
server --connections 20; under "60 byte-wise senders for 20 slots" hostile trickle 60 "$seconds"
server; under "zips of 800,000 files" big
echo "$bad bars missed"
((bad == 0))
