#!/usr/bin/env bash
# `gosumcheck audit` of a folder with 1,000 programs of 20 MB that Go built from 146 modules, read from the disk, against `cat` of the
# same files; and once more from memory.
# usage: bench/binaries.sh DIR [COUNT] [rounds]      needs root (to empty the system's memory), cargo, go, openssl; 20 MB of disk for
# each program below DIR. PROGRAMS=DIR has built programs, instead of the release that is built here.
# The project is that of tests/proxy_go; its modules are fetched once, by the go command's ordinary settings, into DIR/modules
# (MODULES=GOMODCACHE names others that are here). DISTINCT (40) programs are linked, each with a number and its padding; the others are copies,
# each a file of its own on the disk. The checksum database is made from the modules, and served beside.
# Prints seconds, peak memory, and what was read from the disk. Bars: no slower than `cat`, and less than 100 MB of memory.
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "${log_pid:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
. bench/static.sh
. bench/lines.sh
count=${2:-1000} rounds=${3:-3} distinct=${DISTINCT:-40} size=$((20 << 20))
modules=${MODULES:-$dir/modules}
target=${PROGRAMS:-}
if [ -z "$target" ]; then
    cargo build --quiet --release --bin gosumcheck --example fakelog
    target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
fi
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

if [ ! -e "$dir/programs/$((count - 1))" ]; then
    cp -r testdata/proxy_go/project "$work/project"
    mkdir -p "$dir/programs" "$dir/distinct"
    for n in $(seq 0 $((distinct - 1))); do
        (cd "$work/project" && GOFLAGS='-modcacherw -buildvcs=false' GOWORK=off GOTOOLCHAIN=local GOMODCACHE=$modules \
            go build -ldflags "-X main.number=$n" -o "$dir/distinct/$n" .)
        # What stands behind a program's own bytes is no part of it.
        have=$(stat -c %s "$dir/distinct/$n")
        if [ "$have" -lt "$size" ]; then head -c $((size - have)) /dev/urandom >>"$dir/distinct/$n"; fi
    done
    for n in $(seq 0 $((count - 1))); do cp --reflink=never "$dir/distinct/$((n % distinct))" "$dir/programs/$n"; done
    rm -r "$dir/distinct"
    sync -f "$dir"
fi
log_lines "$modules/cache/download" >"$work/modules.sum"
log_of "$work/modules.sum" "${PORT:-8872}"
bytes=$(du -sb "$dir/programs" | cut -f 1)
audit=("$target/gosumcheck" audit "$dir/programs" --data "$work/data" --sumdb "$sumdb")
cold() { sync -f "$dir"; echo 3 >/proc/sys/vm/drop_caches; }
# The sectors that were read from the disk that DIR is on.
disk=$(df --output=source "$dir" | tail -n 1)
sectors() { awk -v name="$(basename "$(readlink -f "$disk")")" '$3 == name { print $6 }' /proc/diskstats; }
# counted NAME COMMAND...: measures it, with what is read meanwhile, by whomever.
counted() {
    local before=0
    before=$(sectors)
    measure "$@"
    echo $((($(sectors) - before) / 2048)) >>"$work/$1.read"
}

"${audit[@]}" >/dev/null 2>&1 || true # what the database answers is stored from here on
for _ in $(seq "$rounds"); do
    cold; counted cold "${audit[@]}"
    counted warm "${audit[@]}"
    cold; counted cat sh -c "cat '$dir'/programs/* >/dev/null"
done
"${audit[@]}" | tail -n 1
echo "$count programs, $((bytes >> 20)) MiB; medians of $rounds; load $(cut -d' ' -f1 /proc/loadavg)"
for name in cold warm cat; do
    awk -v name="$name" -v wall="$(median "$work/$name.wall")" -v cpu="$(median "$work/$name.cpu")" -v mib="$(median "$work/$name.mib")" -v read="$(median "$work/$name.read")" \
        'BEGIN { printf "%-5s %7.2f s  %6.2f s of CPU  %4d MiB of memory  %6d MiB read\n", name, wall, cpu, mib, read }'
done
awk -v ours="$(median "$work/cold.wall")" -v theirs="$(median "$work/cat.wall")" 'BEGIN { printf "ratio cold %5.2f of the time of cat\n", ours / theirs }'
