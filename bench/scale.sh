#!/usr/bin/env bash
# A mirror of logs of different sizes, from tiles that nginx serves: what sync, index and verify cost, one row a size.
# usage: bench/scale.sh DIR RECORDS...      needs cargo, nginx, curl; below DIR some 500 bytes a record of the largest
# For example bench/scale.sh DIR 500000 5000000 50000000. The dumped tree of each size is deleted after its row; the mirror is
# kept as DIR/data.RECORDS with KEEP=1.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/scale.sh DIR RECORDS...}" && cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh

built fakelog
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY
trap 'kill ${nginx_pid:-} 2>/dev/null; rm -rf "$work"' EXIT

printf '%11s %9s %11s %8s %9s %8s %9s %9s %8s %8s %9s\n' \
    records sync/s records/s MiB verify/s MiB bytes/rec index/rec index/s MiB warm-ver
for records in "$@"; do
    needed=$((records * 500 / 1024))
    free=$(df --output=avail "$dir" | tail -n 1)
    [ "$free" -gt "$needed" ] || { echo "$dir has $free KiB free, $records records need $needed" >&2; exit 1; }
    dump "$dir/tree.$records" "$records"
    static "$dir/tree.$records" "${PORT:-8765}"
    data=$dir/data.$records
    rm -rf "$data"
    rm -f "$work"/*.wall "$work"/*.cpu "$work"/*.mib
    measure sync "$target/gosumcheck" sync --sumdb "$key $url" --data "$data"
    static_stop
    log=$(echo "$data"/log/*)
    measure index "$target/gosumcheck" index --rebuild --sumdb "$key" --data "$data"
    evict "$log"
    measure verify "$target/gosumcheck" verify --sumdb "$key" --data "$data"
    measure warm "$target/gosumcheck" verify --sumdb "$key" --data "$data"
    bytes=$(cat "$log"/records "$log"/offsets "$log"/hashes.* | wc -c)
    index=$(stat -c %s "$log/index.sqlite" 2>/dev/null || echo 0)
    awk -v n="$records" -v sync="$(of sync.wall)" -v smib="$(of sync.mib)" -v verify="$(of verify.wall)" -v vmib="$(of verify.mib)" \
        -v bytes="$bytes" -v ibytes="$index" -v isec="$(of index.wall)" -v imib="$(of index.mib)" -v warm="$(of warm.wall)" \
        'BEGIN { printf "%11d %9.1f %11.0f %8d %9.2f %8d %9.1f %9.1f %8.1f %8d %9.2f\n",
            n, sync, n / sync, smib, verify, vmib, bytes / n, ibytes / n, isec, imib, warm }'
    rm -rf "$dir/tree.$records"
    [ -n "${KEEP:-}" ] || rm -rf "$data"
done
