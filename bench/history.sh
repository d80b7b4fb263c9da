#!/usr/bin/env bash
# `gosumcheck audit --history` of a repository whose commits have had many distinct go.sum lines, from a full mirror, offline.
# usage: bench/history.sh DIR [LINES]      needs cargo and git; below DIR some 900 bytes a line
# LINES (1,000,000) lines of a synthetic log stand in LINES / 1000 commits, each with 1,000 that no other has.
# Bar: 1,000,000 lines in less than 60 s.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/history.sh DIR [LINES]}" && cd "$1" && pwd)
lines=${2:-1000000}
cd "$(dirname "$0")/.."
. bench/peer.sh
. bench/static.sh

built fakelog
export GOENV=off HOME=$work GIT_CONFIG_NOSYSTEM=1
unset GOPRIVATE GOSUMDB GOPROXY

# By turns both lines of a record, and one of the next.
dump "$dir/tree.$lines" $((lines * 2 / 3 + 2)) --gosum "$dir/lines.$lines" --lines "$lines"
data=$dir/data.$lines
[ -d "$data/log" ] || "$target/gosumcheck" sync --sumdb "$key file://$dir/tree.$lines" --data "$data" >"$work/sync.txt"

repository=$dir/repository.$lines
if [ ! -d "$repository" ]; then
    git init --quiet --bare "$repository.part"
    awk '
        function flush() {
            if (text == "") return
            printf "commit refs/heads/main\ncommitter dev <dev@a.example> %d +0000\ndata 1\nx\n", 1767225600 + 60 * ++commits
            printf "M 100644 inline go.sum\ndata %d\n%s\n", length(text), text
            text = ""
        }
        { text = text $0 "\n" }
        NR % 1000 == 0 { flush() }
        END { flush() }
    ' "$dir/lines.$lines" | git -C "$repository.part" fast-import --quiet
    mv "$repository.part" "$repository"
fi

audit() {
    "$target/gosumcheck" audit --history --sumdb "$key" --data "$data" --offline --private none "$repository" "$@"
}
for _ in 1 2 3; do
    TIMEFORMAT='%3R %3U %3S'
    { time audit >"$work/out.txt"; } 2>"$work/time.txt" || { cat "$work/out.txt" "$work/time.txt" >&2; exit 1; }
    tail -n 1 "$work/out.txt"
    awk '{ printf "wall %.1f s, CPU %.1f s\n", $1, $2 + $3 }' "$work/time.txt"
done
