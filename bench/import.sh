#!/usr/bin/env bash
# `gosumcheck import` of a module cache into an empty data folder, against `unzip -t` of the same zips, as many at a time as there are
# processors, and sha256sum of them; then the same once more, where all of it is held.
# usage: bench/import.sh GOMODCACHE [DIR] [rounds]      needs cargo, openssl, unzip; room for the cache below DIR, target/import unless
# told. PROGRAMS=DIR has built programs, instead of the release that is built here. The checksum database is made from the cache, and
# served beside.
# Prints the wall and CPU seconds of each (medians), the bytes a second, and the calls that wait for the disk: with strace, for each
# file. What is read comes from the system's memory: with COLD=1, as root, from the disk.
# Bar: disk or hash speed, whichever is less.
set -euo pipefail
cache=$(cd "$1/cache/download" && pwd)
given=${2:+$(mkdir -p "$2" && cd "$2" && pwd)}
cd "$(dirname "$0")/.."
dir=${given:-$PWD/target/import}
mkdir -p "$dir"
work=$(mktemp -d)
trap 'kill "${log_pid:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work" "$dir"/data.*' EXIT
. bench/static.sh
. bench/lines.sh
rounds=${3:-3}
target=${PROGRAMS:-}
if [ -z "$target" ]; then
    cargo build --quiet --release --bin gosumcheck --example fakelog
    target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
fi
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

log_lines "$cache" >"$work/modules.sum"
log_of "$work/modules.sum" "${PORT:-8870}"
find "$cache" -path '*/@v/*' \( -name '*.zip' -o -name '*.mod' -o -name '*.info' \) >"$work/files"
grep '\.zip$' "$work/files" >"$work/zips"
bytes=$(xargs -d '\n' stat -c %s <"$work/files" | awk '{ sum += $1 } END { print sum }')
files=$(wc -l <"$work/files")
# into NUMBER: an import into a new folder, which stays until the end: for half a minute ext4 looks through what was deleted for each file
# that it makes.
into() { import=("$target/gosumcheck" import "${cache%/cache/download}" --data "$dir/data.$1" --sumdb "$sumdb"); }
cold() { [ -z "${COLD:-}" ] || { sync; echo 3 >/proc/sys/vm/drop_caches; }; }

for round in $(seq "$rounds"); do
    into "$round"
    sync -f "$dir"
    cold; measure import "${import[@]}"
    grep -q "files proven and stored" "$work/out.txt"
    cold; measure again "${import[@]}"
    grep -q ": 0 files proven and stored" "$work/out.txt" || cat "$work/out.txt"
    cold; measure unzip xargs -a "$work/zips" -d '\n' -n 8 -P "$(nproc)" sh -c 'for zip; do unzip -qqt "$zip"; done' sh
    cold; measure sha256sum xargs -a "$work/files" -d '\n' -n 64 -P "$(nproc)" sha256sum
done
echo "$files files, $((bytes >> 20)) MiB; medians of $rounds; load $(cut -d' ' -f1 /proc/loadavg)"
for name in import again unzip sha256sum; do
    awk -v name="$name" -v bytes="$bytes" -v wall="$(median "$work/$name.wall")" -v cpu="$(median "$work/$name.cpu")" -v mib="$(median "$work/$name.mib")" \
        'BEGIN { printf "%-10s %6.2f s  %6.2f s of CPU  %4d MiB  %7.1f MB/s\n", name, wall, cpu, mib, bytes / 1e6 / wall }'
done
if command -v strace >/dev/null; then
    into calls
    strace -f -c -S name -o "$work/calls" "${import[@]}" >/dev/null
    awk -v files="$files" '$NF ~ /^(fsync|fdatasync|syncfs|openat|openat2|rename|pread64|pwrite64|read|write|statx)$/ { printf "%-10s %6.2f a file\n", $NF, $4 / files }' "$work/calls"
fi
