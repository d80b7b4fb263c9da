#!/usr/bin/env bash
# The limits of clients, against the real server: whether a rate holds while more is asked, by address and by token; and what another client
# waits for beside 1,000 silent and 1,000 slow connections of one address.
# usage: bench/limits.sh DIR [SECONDS of each]      needs cargo, nginx, curl; below DIR some 100 MB
# The many connections come from 127.0.0.1, the other client from 127.0.0.2, with a new connection for each request, every 10 ms. Slow is:
# a header section that comes byte by byte, and a zip that is read byte by byte; what the server closes is opened again at once.
# Bars: of what is asked, the server takes its rate within 5 %, and refuses the rest with 429; the other client's p99 beside each attack is
# within 10 ms, and no request of its fails. The last line, where clients that come again without a pause have taken all of 500 slots, has no
# bar but that none fails.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/limits.sh DIR [SECONDS]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
seconds=${2:-35}
load=${LOAD_SECONDS:-10}
port=${PORT:-8830}
bad=0

built fakelog fakemodules hostile
export GOENV=off HOME=$work
unset GOPRIVATE GONOPROXY GONOSUMDB GOSUMDB GOPROXY
ulimit -Sn "$(ulimit -Hn)"

trap 'kill ${nginx_pid:-} ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 2x20000000
to=127.0.0.1:$((port + 2))
mod=/example.com/m20000000/n0/@v/v1.0.0.mod
zip=/example.com/m20000000/n0/@v/v1.0.0.zip

# server SETTINGS [OPTIONS...]: a fresh server with these lines in its settings; it has the files.
server() {
    [ -z "${server_pid:-}" ] || { kill "$server_pid" && wait "$server_pid" || true; }
    echo "$1" >"$work/gosumcheck.toml"
    "$target/gosumcheck" serve --config "$work/gosumcheck.toml" --sumdb "$sumdb" --proxy "$upstream" --data "$work/data" --listen "$to" "${@:2}" \
        >>"$work/server.txt" 2>&1 &
    server_pid=$!
    until curl -fs -o "$work/alive" "http://$to/healthz"; do kill -0 "$server_pid"; sleep 0.1; done
}

hostile() { "$target/examples/hostile" --to "$to" "$@"; }

# fail WHY: told, and remembered.
fail() { echo "  MISSED: $1"; bad=$((bad + 1)); }

# held NAME RATE BURST SECONDS FILE: whether what was accepted is what the rate and the burst let in.
held() {
    awk -v name="$1" -v rate="$2" -v burst="$3" -v seconds="$4" '{
        due = rate * seconds + burst - 1
        printf "%s: %d accepted where %d are due (%+.2f %%), %d refused, %d others; %.1f times the rate was asked\n", name, $1, due, 100 * ($1 / due - 1), $2, $3, ($1 + $2) / due
        exit !($1 > due * 0.95 && $1 < due * 1.05 && $3 == 0 && $1 + $2 > 1.5 * due) }' "$5" || fail "the rate did not hold, or too little was asked"
}

server ''
for path in "$mod" "$zip"; do curl -fs -o "$work/warm" "http://$to$path"; done
for rate in 50 500 5000; do
    burst=$((rate / 5))
    server $'[access]\n'"client_rate = $rate"$'\n'"burst = $burst"
    hostile --from 127.0.0.1 flood "$mod" 8 "$load" >"$work/one.flood" &
    one=$!
    hostile --from 127.0.0.2 flood "$mod" 8 "$load" >"$work/two.flood"
    wait "$one"
    for who in one two; do held "$rate a second for each address, address $who" "$rate" "$burst" "$load" "$work/$who.flood"; done
done
for name in one two; do "$target/gosumcheck" token create "$name" --data "$work/data" >"$work/$name.token" 2>"$work/token.txt"; done
for rate in 50 500 5000; do
    burst=$((rate / 5))
    server $'[access]\n'"credential_rate = $rate"$'\n'"burst = $burst"$'\n[[access.rule]]\nwho = "signed-in"'
    hostile flood "$mod" 8 "$load" --authorization "Bearer $(cat "$work/one.token")" >"$work/one.flood" &
    one=$!
    hostile flood "$mod" 8 "$load" --authorization "Bearer $(cat "$work/two.token")" >"$work/two.flood"
    wait "$one"
    for who in one two; do held "$rate a second for each token, token $who" "$rate" "$burst" "$load" "$work/$who.flood"; done
done

# beside NAME MILLISECONDS COMMAND...: what the other client waits for, while COMMAND holds its connections.
beside() {
    "${@:3}" >"$work/attack.txt" &
    local attack=$! open
    sleep 5 # the system takes some of a thousand connections that come at once only when they come again
    open=$(awk '$4 == "01"' /proc/net/tcp | grep -c " 0100007F:$(printf '%04X' "$((port + 2))") 0100007F:" || true)
    hostile --from 127.0.0.2 wait "$mod" "$((seconds - 6))" >"$work/wait.txt"
    wait "$attack"
    awk -v name="$1" -v most="$2" -v open="$open" -v attack="$(tr '\n' ' ' <"$work/attack.txt")" '{
        printf "%s (%d open; %s): %d asked, %d failed, p50 %.1f p99 %.1f max %.1f ms\n", name, open, attack, $2, $3, 1000 * $4, 1000 * $5, 1000 * $6
        exit !($3 == 0 && 1000 * $5 <= most) }' "$work/wait.txt" || fail "another client waited"
}

all() {
    hostile idle 1000 "$seconds" & local first=$!
    hostile trickle 500 "$seconds" & local second=$!
    hostile sip 500 "$zip" "$seconds"
    wait "$first" "$second"
}

server ''
beside "alone" 10 true
beside "1,000 silent connections" 10 hostile idle 1000 "$seconds"
beside "1,000 header sections byte by byte" 10 hostile trickle 1000 "$seconds"
beside "1,000 zips byte by byte" 10 hostile sip 1000 "$zip" "$seconds"
beside "1,000 silent and 1,000 slow ones" 10 all
echo "memory: $(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$server_pid/status") MB at its peak"
server '' --connections 500
beside "1,000 silent and 1,000 slow ones for 500 slots" 600000 all
echo "$bad bars missed"
((bad == 0))
