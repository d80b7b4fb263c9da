#!/usr/bin/env bash
# A store with a limit: `gosumcheck serve` that may keep 200 MB, while 16 clients pull 2 GB of modules through it.
# usage: bench/store.sh DIR [PART...]      needs cargo, nginx, curl, wrk; below DIR some 5 GB
# Parts, all of them by default; each prints its figures and OK or FAILED for each of its bars, and the exit code is 1 where one failed:
#   limit  the disk never above the limit and one download; what is pinned, private or gone upstream is there afterwards; hits at most
#          5 % fewer than with the exact order of removal on the same trace (examples/exactstore.rs)
#   kill   kill -9 in the middle of it, KILLS times (default 10): `verify` finds nothing after each, and what must stay is there
#   warm   the p99 of warm requests (one module that is always stored) while room is made, at most twice that of the same pull without a
#          limit, in ROUNDS (default 3) of both in turn; what the clients that pull wait for their first byte, all misses, stands beside
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/store.sh DIR [PART...]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
shift
parts=${*:-limit kill warm}
kills=${KILLS:-10}
seconds=${SECONDS_EACH:-8}
rounds=${ROUNDS:-3}
port=${PORT:-8790}
limit=200000000
largest=5000000
RANDOM=1

built fakelog fakemodules exactstore
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB
chmod 755 "$work" # nginx's worker is somebody else where this is run by root

data=$dir/data
# ended: what is gone upstream comes back for the next run, and the servers end.
ended() {
    mv "$dir"/gone/* "$dir/tree/example.com/" 2>/dev/null || true
    kill ${nginx_pid:-} ${log_pid:-} ${server_pid:-} ${sizes_pid:-} ${pullers:-} 2>/dev/null || true
    rm -rf "$work"
}
trap ended EXIT
# 2 GB that are pulled; then those that must stay, pinned, gone upstream and private, and one that is always warm.
modules_served "$port" --zips 900x200000 --zips 900x1000000 --zips 180x5000000 \
    --zips 10x300001 --zips 10x300002 --zips 10x300003 --zips 1x50000
pulled() { (cd "$tree" && ls -d example.com/m200000/* example.com/m1000000/* example.com/m5000000/*) | sed 's|$|/@v/v1.0.0.zip|'; }
staying() { (cd "$tree" && ls example.com/m30000[123]/*/@v/*.zip example.com/m30000[123]/*/@v/*.mod); }
staying >"$work/staying"
# shuffled SEED: lines in an order that is the same in every run; `sort -R` would put those together that are the same.
shuffled() { awk -v seed="$1" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' | sort -n | cut -f 2; }
# Each module once, and as often again as Zipf has it.
pulled | shuffled 1 >"$work/once"
awk 'BEGIN { srand(7) } { path[NR] = $0 }
    END {
        for (at = 1; at <= NR; at++) print path[at]
        for (at = 1; at <= 6000; at++) { rank = int((rand() * (NR ^ 0.1 - 1) + 1) ^ 10); print path[rank in path ? rank : NR] }
    }' "$work/once" | shuffled 2 >"$work/trace"

base=http://127.0.0.1:$((port + 2))
gosumcheck=${PROGRAM:-$target/gosumcheck} failed=0

start() { # start [settings]
    "$gosumcheck" serve --sumdb "$sumdb" --proxy "$upstream" --data "$data" --listen "${base#http://}" --read-ahead off \
        --private example.com/m300003 --private-proxy "$upstream" "$@" >/dev/null 2>>"$work/server.txt" &
    server_pid=$!
    until curl -fs -o "$work/alive" "$base/readyz"; do kill -0 "$server_pid"; sleep 0.02; done
}
stop() { kill "$server_pid" && wait "$server_pid" || true; }
# pull FILE [curl's options]: 16 clients ask for the paths in it, each for every 16th.
pull() {
    rm -f "$work"/client.*
    sed "s|.*|url = \"$base/&\"\noutput = \"/dev/null\"|" "$1" | awk -v to="$work/client." '{ print > (to int((NR - 1) / 2) % 16) }'
    for client in "$work"/client.*; do
        stdbuf -oL curl -s "${@:2}" -w '%{http_code} %{time_starttransfer}\n' -K "$client" >"${client/client/codes}" &
        pullers="$pullers $!"
    done
}
pullers=
pulled_all() { wait $pullers || true; pullers=; }
# metric NAME: the sum of it over all labels.
metric() { curl -fs "$base/metrics" | awk -v name="gosumcheck_$1" '$1 ~ "^" name "($|{)" { sum += $2 } END { print sum + 0 }'; }
evicted() { metric store_evicted_files_total; }
verdict() { # verdict TEXT CONDITION: an awk expression
    if awk "BEGIN { exit !($2) }"; then echo "OK      $1"; else echo "FAILED  $1"; failed=1; fi
}
# what_must_stay: how many of the files that must stay are stored and as they were; the private ones stand in their own folder.
what_must_stay() {
    while read -r path; do
        for folder in modules private; do
            if cmp -s "$tree_of_all/$path" "$data/$folder/$path"; then echo "$path"; fi
        done
    done <"$work/staying" | sort -u | wc -l
}
tree_of_all=$work/all
mkdir -p "$tree_of_all/example.com" && cp -r "$tree"/example.com/m30000[123] "$tree_of_all/example.com/"

# fill: a new store that has what must stay; what is gone upstream goes there.
fill() {
    rm -rf "$data"
    start --log-level error
    sed "s|^|$base/|" "$work/staying" | xargs -n 20 curl -fs --remote-name-all --output-dir "$work/alive.d" --create-dirs
    stop
    "$gosumcheck" store pin example.com/m300001 --data "$data" >/dev/null
    mkdir -p "$dir/gone" && mv "$tree/example.com/m300002" "$dir/gone/"
}
come_back() { mv "$dir/gone/m300002" "$tree/example.com/"; }
# taken: what the disk holds of modules; what goes while du looks is counted or not, and is no failure.
taken() { { du -s --block-size=1 "$data/modules" "$data/private" "$data/tmp" 2>/dev/null || true; } | awk '{ sum += $1 } END { print sum }'; }
# sizes: the same, again and again, until sizes_pid is ended.
sizes() {
    (while :; do taken; done >"$work/sizes") &
    sizes_pid=$!
}

limit() {
    echo "== limit: $(wc -l <"$work/trace") requests for $(wc -l <"$work/once") modules of $(du -s --block-size=MB "$tree" | cut -f1)"
    fill
    kept=$(taken)
    : >"$work/server.txt"
    start --store-max-size "$limit" --access-log all --log-format json
    sizes
    pull "$work/trace" && pulled_all
    kill "$sizes_pid" && wait "$sizes_pid" 2>/dev/null || true
    curl -fs "$base/metrics" | grep -E '^gosumcheck_store_(evicted|not_evicted|size|walks|waits)'
    asked_upstream=$(metric module_upstream_requests_total) waits=$(metric store_waits_total)
    questions=$(($(evicted) + $(metric store_not_evicted_files_total))) took=$(cpu "$server_pid")
    stop
    most=$(sort -n "$work/sizes" | tail -n 1)
    codes=$(cat "$work"/codes.* | cut -d ' ' -f 1 | sort | uniq -c | awk '{ printf "%s%d of %s", sep, $1, $2; sep = ", " }')
    verdict "each request is answered: $codes" "$(cat "$work"/codes.* | grep -cv '^200 ') == 0"
    verdict "the disk had at most $most bytes, the limit is $limit, a download $largest ($(wc -l <"$work/sizes") looks)" \
        "$most <= $limit + $largest"
    stayed=$(what_must_stay)
    verdict "$stayed of $(wc -l <"$work/staying") pinned, private and vanished files are there, byte for byte" \
        "$stayed == $(wc -l <"$work/staying")"
    read -r asked hits exact < <("$target/examples/exactstore" "$tree" --limit "$((limit - kept))" <"$work/server.txt")
    verdict "$hits of $asked from the store, $exact with the exact order: $(awk "BEGIN { printf \"%.3f\", $hits / $exact }")" \
        "$hits >= 0.95 * $exact"
    # Each file is asked for before it goes, its first byte; a download that finds no room when it says how long it is lets go of the
    # upstream meanwhile, and begins again. (The server begins anew after `fill`, which counts for nothing here.)
    echo "$((asked - hits)) misses made $asked_upstream requests upstream: $((asked_upstream - questions - waits)) downloads," \
        "$questions questions whether a file can be had again, $waits downloads that had to wait for room and began again; the server took $took CPU seconds"
    come_back
}

kill_9() {
    echo "== kill: $kills times"
    fill
    findings=0 short=0 midway=0 above=0
    for round in $(seq "$kills"); do
        start --store-max-size "$limit" --log-level error
        shuffled "$((round + 2))" <"$work/trace" >"$work/shuffled"
        pull "$work/shuffled"
        # A start finds a full store but the first: room is being made from the first download on.
        until [ "$(evicted)" -gt $((RANDOM % 200 + 10)) ]; do kill -0 "$server_pid"; done
        kill -9 "$server_pid"
        wait "$server_pid" 2>/dev/null || true
        pulled_all
        [ -z "$(find "$data/tmp" -name 'arrival-*' -size +0 2>/dev/null)" ] || midway=$((midway + 1))
        now=$(taken)
        [ "$now" -le $((limit + largest)) ] || above=$((above + 1))
        "$gosumcheck" verify --no-log --sumdb "$sumdb" --private example.com/m300003 --data "$data" >"$work/verdict.txt" 2>&1 ||
            { findings=$((findings + 1)); cat "$work/verdict.txt"; }
        [ "$(what_must_stay)" = "$(wc -l <"$work/staying")" ] || short=$((short + 1))
    done
    verdict "$kills kills, $midway of them with a download under way: verify found something after $findings" "$findings == 0"
    verdict "pinned, private and vanished files were not all there after $short" "$short == 0"
    verdict "the disk held more than the limit and a download after $above" "$above == 0"
    come_back
}

# p99 NAME PATH: in microseconds, of requests for a file that is stored.
p99() {
    wrk -t1 -c4 -d"${seconds}s" --latency "$base/$2" >"$work/wrk.txt"
    awk -v name="$1" '/ 99%/ { number = $2 + 0; p99 = number * ($2 ~ /us$/ ? 1 : $2 ~ /ms$/ ? 1000 : 1000000) } /Requests\/sec/ { rate = $2 }
        END { printf "%-24s %10s requests/s   p99 %d us\n", name, rate, p99 > "/dev/stderr"; print p99 }' "$work/wrk.txt"
}
# pressed NAME SETTINGS...: warm requests while 16 clients pull, with these settings; appends their p99 to $work/NAME.mod and NAME.zip,
# and that of the misses' first bytes to NAME.miss.
pressed() {
    local name=$1
    shift
    rm -rf "$data"
    start --log-level error "$@"
    curl -fs "$base/$warm.zip" -o /dev/null && curl -fs "$base/$warm.mod" -o /dev/null
    for kind in mod zip; do
        # Nothing that is asked for is stored already: half of the modules for each kind, as slowly that it takes longer than wrk. The rate
        # is the same with a limit and without one.
        split -n "l/$([ $kind = mod ] && echo 1 || echo 2)/2" "$work/once" >"$work/half"
        pull "$work/half" --limit-rate 3M
        # Both after as much was pulled: with a limit, room is being made by then.
        until [ "$(taken)" -gt $((limit / 100 * 85)) ]; do kill -0 "$server_pid" && sleep 0.2; done
        [ "$name" = unlimited ] || until [ "$(evicted)" -gt 10 ]; do kill -0 "$server_pid"; done
        p99 "$name, $kind" "$warm.$kind" >>"$work/$name.$kind"
        kill $pullers 2>/dev/null || true
        pulled_all
        cat "$work"/codes.* | awk '$1 == 200 { printf "%d\n", $2 * 1000000 }' | sort -n |
            awk '{ v[NR] = $1 } END { print v[int(NR * 0.99 + 0.5)] }' >>"$work/$name.miss"
    done
    echo "$name: $(evicted) files went, $(metric store_walks_total) looks at the whole store, $(metric store_waits_total) downloads waited"
    stop
}
warm() {
    echo "== warm: p99 beside 16 clients"
    warm=example.com/m50000/n0/@v/v1.0.0
    rm -rf "$data"
    start --log-level error
    curl -fs "$base/$warm.zip" -o /dev/null
    p99 "alone, mod" "$warm.mod" >/dev/null
    p99 "alone, zip" "$warm.zip" >/dev/null
    stop
    for _ in $(seq "$rounds"); do
        pressed unlimited
        pressed limited --store-max-size "$limit"
    done
    echo "first byte of misses, p99: $(median "$work/limited.miss") us, $(median "$work/unlimited.miss") us without a limit"
    for kind in mod zip; do
        with=$(median "$work/limited.$kind") without=$(median "$work/unlimited.$kind")
        verdict "p99 of warm .$kind requests while room is made: $with us, $without us without a limit" "$with <= 2 * $without"
    done
}

for part in $parts; do
    case $part in limit) limit ;; kill) kill_9 ;; warm) warm ;; *) echo "no such part: $part" >&2 && exit 2 ;; esac
done
rm -rf "$data"
exit "$failed"
