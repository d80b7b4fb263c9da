#!/usr/bin/env bash
# The pages of the server as people see them: the demo in headless Chromium at two widths, light and dark, without scripts. axe-core
# finds nothing serious, nothing is wider than the window, nothing shifts, the policy blocks nothing of ours; vnu finds valid HTML; the
# OpenAPI document validates, and a generated client reads each of its routes; examples/verify.html verifies from another origin.
# What is missing is installed into TOOLS (a folder), which needs cargo, node, npm and python3, and as root apt.
# usage: deploy/check-pages.sh TOOLS [PICTURES]     (PICTURES: a folder for screenshots)
set -euo pipefail
tools=$(mkdir -p "$1" && cd "$1" && pwd)
pictures=${2:+$(mkdir -p "$2" && cd "$2" && pwd)}
cd "$(dirname "$0")/.."
export PATH="$tools/pages/bin:$PATH"
have() { command -v "$1" >/dev/null 2>&1; }
say() { printf -- '-- %s\n' "$*"; }

packages=()
have chromium || packages+=(chromium)
have java || packages+=(default-jre-headless)
if ((${#packages[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${packages[@]}"
fi
if ! [[ -d "$tools/pages/node_modules/axe-core" ]]; then
    mkdir -p "$tools/pages"
    (cd "$tools/pages" && npm install --silent --no-audit --no-fund vnu-jar@26 axe-core@4 puppeteer-core@24)
fi
if ! [[ -x "$tools/pages/bin/openapi-python-client" ]]; then
    python3 -m venv "$tools/pages"
    "$tools/pages/bin/pip" install --quiet 'openapi-spec-validator>=0.7' 'openapi-python-client>=0.26' httpx attrs python-dateutil
fi

work=$(mktemp -d)
cargo build --quiet --locked --example demo
TMPDIR="$work" "${CARGO_TARGET_DIR:-target}/debug/examples/demo" >"$work/lines" &
demo=$!
trap 'kill -INT "$demo" 2>/dev/null; wait "$demo"; rm -rf "$work"' EXIT
until grep -q '^lie:' "$work/lines"; do
    kill -0 "$demo"
    sleep 0.2
done
url=$(sed -n 's|^page: *\(.*\)/$|\1|p' "$work/lines")
key=$(sed -n "s|.*GOSUMDB='\([^ ]*\) .*|\1|p" "$work/lines")
for path in greeting/@v/v1.2.0.mod greeting/@v/v1.2.0.zip wallet/@v/v0.9.1.mod wallet/@v/v0.9.1.zip; do
    curl -s -o "$work/out" "$url/demo.example/$path"
done

say "pages in Chromium"
node deploy/check-pages.mjs "$tools/pages" "$url" "$key" "$work" "$pictures"

say "HTML"
java -jar "$(find "$tools/pages/node_modules/vnu-jar" -name vnu.jar)" --errors-only "$work"/*.html examples/verify.html

say "OpenAPI"
openapi-spec-validator src/server/api/openapi.json
openapi-python-client generate --path src/server/api/openapi.json --output-path "$work/client" --meta none >"$work/generated" ||
    { cat "$work/generated"; exit 1; }
PYTHONPATH="$work" python3 deploy/check-pages.py "$url"
