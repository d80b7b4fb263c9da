#!/usr/bin/env bash
# Audits of go.sum files, ours against x/mod's clients in turn, all asking one local server.
# usage: bench/audit.sh [alternations] [records]      needs cargo and go (golang.org/x/mod is fetched by name)
# Kept answers are below TMPDIR: a folder in memory (TMPDIR=/dev/shm) leaves the disk out of it.
# The server is the fakelog example with that many records (5,000,000 unless told otherwise), on this machine, so that it has
# its part of the processors in all cold runs alike.
#   cold: 1,000 lines, nothing kept from before, wall seconds; against x/mod's gosumcheck. Bar: 4.
#   warm: 5,000 lines, all kept from before, CPU seconds (user and system); against x/mod's client with a cache. Bar: 15.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/peer.sh
rounds=${1:-7}
records=${2:-5000000}

built fakelog
go_peer sumclient
GOBIN=$work go install golang.org/x/mod/gosumcheck@latest 2>"$work/install.log" || { cat "$work/install.log" >&2; exit 1; }
mv "$work/gosumcheck" "$work/theirs"

# serve LINES: starts fakelog, which writes $work/LINES.sum; sets server, key and url.
serve() {
    : >"$work/fakelog.txt"
    "$target/examples/fakelog" --records "$records" --gosum "$work/$1.sum" --lines "$1" >>"$work/fakelog.txt" &
    server=$!
    trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
    until grep -q '^built' "$work/fakelog.txt"; do
        kill -0 $server
        sleep 0.1
    done
    key=$(sed -n 's/^vkey: //p' "$work/fakelog.txt")
    url=$(sed -n 's/^url: //p' "$work/fakelog.txt")
    printf %s "$key" >"$work/key"
}

serve 1000
kill $server
serve 5000

# Neither has settings of the machine's; theirs need not run `go env` to learn that.
export GOENV=off GONOSUMDB=none GOPATH=$work/gopath GOMODCACHE=$work/modcache HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY

# measure NAME COMMAND...: appends the wall and CPU seconds of the command to $work/NAME.wall and $work/NAME.cpu.
measure() {
    local name=$1 TIMEFORMAT='%3R %3U %3S'
    shift
    { time "$@" >"$work/out.txt" 2>"$work/err.txt" || echo failed; } 2>"$work/time.txt" >"$work/status.txt"
    if [ -s "$work/status.txt" ]; then
        echo "$name failed" >&2
        cat "$work/out.txt" "$work/err.txt" >&2
        exit 1
    fi
    awk '{ print $1 }' "$work/time.txt" >>"$work/$name.wall"
    awk '{ print $2 + $3 }' "$work/time.txt" >>"$work/$name.cpu"
}
ours() { "$target/gosumcheck" audit --sumdb "$key $url" --data "$work/$1" "$work/$2.sum" "${@:3}"; }
theirs_cold() { "$work/theirs" -k "$key" -u "$url" "$work/1000.sum"; }
theirs_warm() { "$work/sumclient/peer" cache "$url" "$work/key" "$work/5000.sum" "$work/cache"; }

ours data.5000 5000 >/dev/null
ours data.5000 5000 --offline >/dev/null
theirs_warm >/dev/null
for round in $(seq "$rounds"); do
    # A new folder each time, none deleted before the end: ext4 without a journal searches long for an inode that was not
    # freed in the last seconds.
    measure ours-cold ours "data.1000.$round" 1000
    measure theirs-cold theirs_cold
    [ ! -s "$work/out.txt" ] || { echo "x/mod's gosumcheck found something:" >&2; cat "$work/out.txt" >&2; exit 1; }
    measure ours-warm ours data.5000 5000
    measure theirs-warm theirs_warm
    grep -q 'requests 0, .* bad 0$' "$work/out.txt" || { cat "$work/out.txt" >&2; exit 1; }
done

# faster NAME UNIT: how many times ours goes into theirs, by their medians.
faster() {
    awk -v name="$1-$2" -v ours="$(median "$work/ours-$1.$2")" -v theirs="$(median "$work/theirs-$1.$2")" \
        'BEGIN { printf "ratio %-28s %5.2f   (ours %.3f s, x/mod %.3f s)\n", name, theirs / ours, ours, theirs }'
}
echo "$records records; seconds; medians of $rounds alternations; cold is 1,000 lines, warm is 5,000"
for what in "cold wall" "cold cpu" "warm cpu" "warm wall"; do
    # shellcheck disable=SC2086
    faster $what
done
