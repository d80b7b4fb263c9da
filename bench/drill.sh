#!/usr/bin/env bash
# An outage drill: three upstreams, of which one is killed, one hangs and one sends wrong bytes, under load. Prints what happened
# in each second. usage: bench/drill.sh DIR      needs cargo, nginx, curl; below DIR some 400 MB
# Bars: no failed request of a client; nobody waits longer than one timeout; all is well again by itself.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/drill.sh DIR}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
port=${PORT:-8780}
timeout=2
modules=3000
workers=4

built fakelog fakemodules
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY

[ -s "$dir/good/go.sum" ] || "$target/examples/fakemodules" "$dir/good" --zips ${modules}x50000
[ -s "$dir/wrong/go.sum" ] || "$target/examples/fakemodules" "$dir/wrong" --zips ${modules}x50000 --corrupt
for tree in good wrong; do echo ready >"$dir/$tree/latest"; done

trap 'kill -CONT $(jobs -p) 2>/dev/null; kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
log_of "$dir/good/go.sum" "$port"

declare -A master worker
# mirror NAME TREE: an nginx of that name over that tree; again after it was killed.
declare -A ports=([a]=$((port + 1)) [b]=$((port + 2)) [c]=$((port + 3)))
mirror() {
    static "$dir/$2" "${ports[$1]}"
    master[$1]=$nginx_pid worker[$1]=$static_pid
}
# The master first: it would begin another worker.
end() {
    kill -9 "${master[$1]}" "${worker[$1]}" 2>/dev/null || true
    wait "${master[$1]}" 2>/dev/null || true
    while curl -s -o /dev/null "http://127.0.0.1:${ports[$1]}/"; do sleep 0.05; done
}
for name in a b c; do mirror "$name" good; done

{
    for name in a b c; do
        printf '[upstreams."http://127.0.0.1:%s"]\nconnect_timeout = "1s"\nfirst_byte_timeout = "%ss"\ntries = 1\n' "${ports[$name]}" "$timeout"
    done
} >"$work/settings.toml"
ours=http://127.0.0.1:$((port + 4))
"$target/gosumcheck" serve --config "$work/settings.toml" --sumdb "$sumdb" --data "$work/data" --listen "${ours#http://}" \
    --proxy "http://127.0.0.1:${ports[a]}|http://127.0.0.1:${ports[b]}|http://127.0.0.1:${ports[c]}" >"$work/serve.txt" 2>&1 &
until curl -fs -o "$work/alive" "$ours/healthz"; do sleep 0.1; done

# load WORKER: asks for every module of its share, cold, and tells when each answer came, how long it took, and its status.
load() {
    for n in $(seq "$1" "$workers" $((modules - 1))); do
        for kind in mod zip; do
            printf '%s ' "$(date +%s.%N)"
            curl -s -o /dev/null -w '%{time_total} %{http_code}\n' "$ours/example.com/m50000/n$n/@v/v1.0.0.$kind" || true
        done
        [ -e "$work/over" ] && break
        sleep 0.02
    done
}

began=$(date +%s.%N)
events=$work/events
event() { awk -v a="$began" -v b="$(date +%s.%N)" -v what="$1" 'BEGIN { printf "%d %s\n", b - a, what }' >>"$events"; }
loads=()
for n in $(seq 0 $((workers - 1))); do load "$n" >"$work/load.$n" & loads+=($!); done

event "a, b and c are well; a is asked"
sleep 4; event "a is killed"; end a
sleep 4; event "a is back"; mirror a good
sleep 4; event "a sends wrong bytes"; end a; mirror a wrong
sleep 4; event "a is well again"; end a; mirror a good
sleep 4; event "a hangs"; kill -STOP "${worker[a]}"
sleep 6; event "a goes on"; kill -CONT "${worker[a]}"
sleep 5; event "a sends wrong bytes, b is killed: c is left"; end a; mirror a wrong; end b
sleep 4; event "a and b are well again"; end a; mirror a good; mirror b good
sleep 5; touch "$work/over"
wait "${loads[@]}"

cat "$work"/load.* | awk -v began="$began" -v events="$events" -v timeout="$timeout" '
    BEGIN { while ((getline line < events) > 0) { at = line; sub(/ .*/, "", at); sub(/^[0-9]+ /, "", line); told[at] = told[at] line } }
    { second = int($1 - began); all[second]++; if (second > last) last = second; if ($3 != 200) bad[second]++; if ($2 > slow[second]) slow[second] = $2 }
    END {
        for (s = 0; s <= last; s++) {
            printf "%3d s %5d answers %3d failed, slowest %5.2f s  %s\n", s, all[s], bad[s], slow[s], told[s]
            total += all[s]; failed += bad[s]; if (slow[s] > slowest) slowest = slow[s]
        }
        printf "%d answers, %d failed; the slowest took %.2f s, the timeout is %s s\n", total, failed, slowest, timeout
        exit failed > 0
    }'
cat "$dir/good/example.com/m50000/n7/@v/v1.0.0.zip" | cmp - "$(find "$work/data/modules" -path '*/n7/@v/v1.0.0.zip')"
