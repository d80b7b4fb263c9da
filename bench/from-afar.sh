#!/usr/bin/env bash
# What users wait for who are 50 and 200 ms away from their sources, in parts of what they wait for without us, or with other
# programs, which run in turn in the same run.
# usage: bench/from-afar.sh DIR [PART...]      needs cargo, go, nginx, curl, openssl; the Go peer `delay`; below DIR some 4 GB
# Each part is a script in bench/from-afar/ that also runs alone; its head says what it measures, and its bars. All unless named here.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: bench/from-afar.sh DIR [PART...]}" && cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(cd bench/from-afar && ls -- *.sh | sed 's/\.sh$//' | grep -vx way)
for part in "$@"; do
    echo "== $part"
    # Those that keep something on the disk take a folder for it.
    if grep -q '^# usage: .*DIR' "bench/from-afar/$part.sh"; then
        "bench/from-afar/$part.sh" "$dir/$part"
    else
        "bench/from-afar/$part.sh"
    fi
done
