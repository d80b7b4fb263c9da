#!/usr/bin/env bash
# What it costs to ask who asks: requests per CPU-second of a server with access control, beside one without, over the same modules, in turn.
# usage: bench/tokens.sh DIR [alternations]      needs cargo, nginx, curl, wrk; below DIR some 1 GB
# The servers have one core, wrk the other; HTTP/1.1, 32 connections that are kept. A token comes as Bearer, and as the password of Basic, as go
# sends it. The rules are those of docs/access.md. CPU is user and system time of the server's process.
# Bars: 0.90 of the server without, for each kind of answer.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/tokens.sh DIR [alternations]}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh
. bench/load.sh
rounds=${2:-3}
seconds=${SECONDS_EACH:-3}
port=${PORT:-8840}

built fakelog fakemodules
program=${PROGRAM:-$target/gosumcheck}
export GOENV=off HOME=$work
unset GOPRIVATE GOSUMDB GOPROXY GONOSUMDB

trap 'kill ${nginx_pid:-} ${log_pid:-} ${open_pid:-} ${tokens_pid:-} 2>/dev/null; rm -rf "$work"' EXIT
modules_served "$port" --zips 100x200000 --zips 12x20000000

cat >"$work/tokens.toml" <<'TOML'
[access.groups]
team-a = ["token:team-a-ci", "user:alice"]
team-b = ["token:team-b-ci"]

[[access.rule]]
who = "group:team-a"
modules = "corp.example/team-a"

[[access.rule]]
who = "group:team-b"
modules = "corp.example/team-b"

[[access.rule]]
who = "anyone"
modules = ["corp.example/team-a", "corp.example/team-b"]
refuse = "ask the team that owns it: #goproxy"

[[access.rule]]
who = "signed-in"
may = ["read", "page"]
TOML
: >"$work/open.toml"
token=$("$program" token create team-a-ci --data "$work/tokens.data" 2>"$work/token.txt")
declare -A base pid
base[open]=http://127.0.0.1:$((port + 2)) base[tokens]=http://127.0.0.1:$((port + 3))
for who in open tokens; do
    "$program" serve --config "$work/$who.toml" --sumdb "$sumdb" --proxy "$upstream" --data "$work/$who.data" --listen "${base[$who]#http://}" \
        >"$work/$who.txt" 2>&1 &
    pid[$who]=$!
    until curl -fs -o "$work/alive" "${base[$who]}/healthz"; do kill -0 "${pid[$who]}"; sleep 0.1; done
    taskset -acp 0 "${pid[$who]}" >/dev/null
done
open_pid=${pid[open]} tokens_pid=${pid[tokens]}

(cd "$tree" && find example.com/m200000 -name '*.mod') | sort >"$work/mod.paths"
(cd "$tree" && find example.com/m200000 -name '*.info') | sort >"$work/info.paths"
(cd "$tree" && find example.com/m200000 -name '*.zip') | sort >"$work/zip200k.paths"
(cd "$tree" && find example.com/m20000000 -name '*.zip') | sort >"$work/zip20m.paths"
sed 's#^\(.*\)/@v/\(.*\).mod$#lookup/\1@\2#' "$work/mod.paths" >"$work/lookup.paths"
echo "tile/8/0/000.p/$(wc -l <"$tree/go.sum" | awk '{ print $1 / 2 }')" >"$work/tile.paths"
kinds="mod info lookup tile zip200k zip20m"
for kind in $kinds; do
    while read -r path; do
        curl -fs -o "$work/got" "${base[open]}/$path"
        curl -fs -o "$work/same" -u "any:$token" "${base[tokens]}/$path"
        cmp "$work/got" "$work/same"
    done <"$work/$kind.paths"
done
curl -s -o "$work/refused" -w '%{http_code}\n' "${base[tokens]}/$(head -n 1 "$work/mod.paths")" | grep -q 401

# ask NAME WHO PATHS [wrk's options]: appends requests per CPU-second to $work/NAME.percpu.
ask() { percpu "$1" "${pid[$2]}" "${base[$2]}" "$work/$3.paths" 32 "${@:4}"; }

basic=$(printf 'any:%s' "$token" | base64 -w 0)
for _ in $(seq "$rounds"); do
    for kind in ${KINDS:-$kinds}; do
        ask "open-$kind" open "$kind"
        ask "bearer-$kind" tokens "$kind" -H "Authorization: Bearer $token"
        ask "basic-$kind" tokens "$kind" -H "Authorization: Basic $basic"
    done
done

echo "wrk, 32 connections, ${seconds} s each; medians of $rounds alternations; requests per CPU-second"
for kind in ${KINDS:-$kinds}; do
    awk -v kind="$kind" -v open="$(of "open-$kind.percpu")" -v bearer="$(of "bearer-$kind.percpu")" -v basic="$(of "basic-$kind.percpu")" 'BEGIN {
        printf "%-8s without %9.1f   Bearer %9.1f (%.2f)   Basic %9.1f (%.2f)   us each: %.2f %.2f %.2f\n", kind, open, bearer, bearer / open, basic, basic / open, 1e6 / open, 1e6 / bearer, 1e6 / basic }'
done
