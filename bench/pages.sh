#!/usr/bin/env bash
# What the pages and the API take for what is large: a module with 2,000 versions, and one with 10,000 files in its zip.
# usage: bench/pages.sh       needs cargo and curl; some 100 MB below TMPDIR
# For each path: the median and the longest of 20 requests in milliseconds, and the size of the answer. Bar: a median of 200. Then 200 requests,
# 16 at once, and what the server's memory came to: its peak in MiB before them and after.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/static.sh
cargo build --quiet --release --bin gosumcheck --example fakelog --example fakemodules
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
work=$(mktemp -d)
trap 'kill ${log_pid:-} ${server_pid:-} 2>/dev/null; rm -rf "$work"' EXIT

"$target/examples/fakemodules" "$work/modules" --zips 1x1000 --files 1x10000
log_served --from-gosum "$work/modules/go.sum"

# Versions as an older release stored them.
many=$work/data/modules/example.com/many/@v
mkdir -p "$many"
hash=$(sed -n 's|.* v1.0.0 h1:|h1:|p' "$work/modules/go.sum" | head -n 1)
for ((version = 0; version < 2000; version++)); do
    printf zip >"$many/v1.$version.0.zip"
    printf %s "$hash" >"$many/v1.$version.0.ziphash"
    printf '%s\nrecord %s of %s\n' "$hash" "$version" "${sumdb% *}" >"$many/v1.$version.0.zipproof"
done

"$target/gosumcheck" serve --listen 127.0.0.1:0 --data "$work/data" --sumdb "$sumdb" --proxy "file://$work/modules" \
    >"$work/served" 2>"$work/said" &
server_pid=$!
until grep -q '^listening: ' "$work/served"; do kill -0 "$server_pid"; sleep 0.1; done
server=$(sed -n 's/^listening: //p' "$work/served")
for file in mod zip; do curl -sf -o "$work/out" "$server/example.com/f10000/n0/@v/v1.0.0.$file"; done
peak() { awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$server_pid/status"; }

paths=(
    / /modules '/modules?contains=many' /incidents
    /modules/example.com/many '/modules/example.com/many?cursor=v1.1000.0'
    /modules/example.com/f10000/n0@v1.0.0 '/modules/example.com/f10000/n0@v1.0.0?file=m.go'
    '/api/v1/modules/example.com/many?limit=2000' '/api/v1/modules/example.com/f10000/n0@v1.0.0/files?limit=10000'
    '/api/v1/modules/example.com/f10000/n0@v1.0.0/file?path=m.go' /badge/example.com/f10000/n0@v1.0.0.svg
)
slow=0
for path in "${paths[@]}"; do
    for ((time = 0; time < 20; time++)); do
        curl -sf -o "$work/out" -H 'Accept: text/html' -w '%{time_total}\n' "$server$path"
    done | sort -n >"$work/times"
    read -r middle longest < <(awk '{ t[NR] = $1 * 1000 } END { printf "%.1f %.1f\n", t[int((NR + 1) / 2)], t[NR] }' "$work/times")
    printf '%7.1f ms %7.1f ms %9s bytes  %s\n' "$middle" "$longest" "$(stat -c %s "$work/out")" "$path"
    awk -v middle="$middle" 'BEGIN { exit middle < 200 }' && slow=1
done
before=$(peak)
for ((time = 0; time < 100; time++)); do
    echo "url=\"$server/modules/example.com/many\""
    echo "url=\"$server/api/v1/modules/example.com/f10000/n0@v1.0.0/files?limit=10000\""
done >"$work/urls"
curl -s --parallel --parallel-max 16 --config "$work/urls" >"$work/out" 2>"$work/progress"
echo "peak of memory: $before MiB one by one, $(peak) MiB with 16 at once"
((slow == 0)) || { echo "slower than 200 ms" >&2; exit 1; }
