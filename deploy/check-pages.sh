#!/usr/bin/env bash
# The pages of the server as people see them: the demo in headless Chromium at two widths, light and dark, without scripts. axe-core
# finds nothing serious, nothing is wider than the window, nothing shifts, the policy blocks nothing of ours; vnu finds valid HTML; the
# OpenAPI document validates, and a generated client reads each of its routes; examples/verify.html verifies from another origin.
# What is missing is installed: into TOOLS (a folder) from npm and PyPI, and as root by apt. It needs cargo and python3.
# usage: deploy/check-pages.sh TOOLS [PICTURES]     (PICTURES: a folder for screenshots)
set -euo pipefail
tools=$(mkdir -p "$1" && cd "$1" && pwd)/pages
pictures=${2:+$(mkdir -p "$2" && cd "$2" && pwd)}
cd "$(dirname "$0")/.."
have() { command -v "$1" >/dev/null 2>&1; }
say() { printf -- '-- %s\n' "$*"; }

packages=()
have chromium || packages+=(chromium)
have java || packages+=(default-jre-headless)
have node || packages+=(nodejs)
have npm || packages+=(npm)
if ((${#packages[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${packages[@]}"
fi
npm_packages=(vnu-jar@26.9.27 axe-core@4.14.1 puppeteer-core@24.43.1)
pip_packages=(openapi-spec-validator==0.9.0 openapi-python-client==0.29.1 httpx==0.28.1 attrs==26.1.0 python-dateutil==2.9.0.post0)
# A folder that was left half filled, or filled with other versions, is filled anew.
wanted="${npm_packages[*]} ${pip_packages[*]}"
if [[ "$(cat "$tools/installed" 2>/dev/null)" != "$wanted" ]]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "${pip_packages[@]}"
    npm install --prefix "$tools" --silent --no-audit --no-fund "${npm_packages[@]}"
    printf '%s\n' "$wanted" >"$tools/installed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The build that `cargo test` makes too.
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
node deploy/check-pages.mjs "$tools" "$url" "$key" "$work" "$pictures"

say "HTML"
java -jar "$(find "$tools/node_modules/vnu-jar" -name vnu.jar)" --errors-only "$work"/*.html examples/verify.html

say "OpenAPI"
"$tools/bin/openapi-spec-validator" src/server/api/openapi.json
# It formats what it writes with ruff, which stands beside it.
PATH="$tools/bin:$PATH" "$tools/bin/openapi-python-client" generate --path src/server/api/openapi.json \
    --output-path "$work/client" --meta none >"$work/generated" || { cat "$work/generated"; exit 1; }
PYTHONPATH="$work" "$tools/bin/python" deploy/check-pages.py "$url"
