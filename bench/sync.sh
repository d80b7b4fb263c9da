#!/usr/bin/env bash
# `sync` of a whole log from tiles that nginx serves on this machine, against `verify` and against a clone over x/mod in one Go
# process, in turn.
# usage: bench/sync.sh DIR RECORDS [alternations]      needs cargo, go, nginx, curl; below DIR some 600 bytes a record
# Bars: 0.5 of verify's records/s; 10 times the clone.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/sync.sh DIR RECORDS [alternations]}" && cd "$1" && pwd)
records=${2:?usage: bench/sync.sh DIR RECORDS [alternations]}
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
rounds=${3:-3}

built fakelog
(cd bench/go && go build -o "$work/peer" ./clone)
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY

dump "$dir/tree.$records" "$records"
echo "$key" >"$work/vkey"
static "$dir/tree.$records" "${PORT:-8765}"
trap 'kill $nginx_pid 2>/dev/null; rm -rf "$work" "$dir/sync.data" "$dir/clone.records"' EXIT

for _ in $(seq "$rounds"); do
    rm -rf "$dir/sync.data"
    measure sync "$target/gosumcheck" sync --sumdb "$key $url" --data "$dir/sync.data"
    log=$(echo "$dir"/sync.data/log/*)
    evict "$log"
    measure verify "$target/gosumcheck" verify --sumdb "$key" --data "$dir/sync.data"
    measure clone "$work/peer" "$url" "$work/vkey" "$dir/clone.records"
    cmp "$log/records" "$dir/clone.records"
done

echo "$records records; medians of $rounds alternations; sync includes the index"
for name in sync verify clone; do
    awk -v name="$name" -v wall="$(of $name.wall)" -v cpu="$(of $name.cpu)" -v mib="$(of $name.mib)" -v records="$records" \
        'BEGIN { printf "%-7s %8.2f s wall %8.2f s cpu %6d MiB   %8.0f records/s\n", name, wall, cpu, mib, records / wall }'
done
awk -v sync="$(of sync.wall)" -v verify="$(of verify.wall)" -v clone="$(of clone.wall)" 'BEGIN {
    printf "ratio sync to verify           %5.2f\n", verify / sync
    printf "ratio sync to clone            %5.2f\n", clone / sync
}'
