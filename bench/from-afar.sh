#!/usr/bin/env bash
# What users wait for who are 50 and 200 ms away from their sources, in parts of what they wait for without us, or with other
# programs, which run in turn in the same run.
# usage: bench/from-afar.sh [PART...]      needs cargo, go, nginx, curl, openssl; the Go peer `delay`
# Each part is a script in bench/from-afar/ that also runs alone; its head says what it measures, and its bars. All unless told.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(cd bench/from-afar && ls -- *.sh | sed 's/\.sh$//' | grep -vx way)
for part in "$@"; do
    echo "== $part"
    "bench/from-afar/$part.sh"
done
