#!/bin/sh
# validate.sh: the files of docker/, each by what judges its kind; says what that was.
# SPDX-License-Identifier: Apache-2.0
#
# `make deps-docker` installs the judges. What is not there is said and passed over, but for what
# python3 with its yaml module checks, which is enough to catch names that do not fit each other.
set -eu
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
failed=0
say() { echo "test-docker: $*"; }
has() { command -v "$1" >/dev/null; }
# judge WHAT BY COMMAND...: runs it; its output only if it fails.
judge() {
    what=$1 by=$2
    shift 2
    if said=$("$@" 2>&1); then
        say "$what: passed $by"
    else
        say "$what: failed $by:"
        echo "$said"
        failed=1
    fi
}

judge Dockerfile "the classic builder's syntax, and what the image must say" python3 tests/docker/classic_dockerfile.py docker/Dockerfile

if docker compose version >/dev/null 2>&1; then
    judge compose.yaml "docker compose config" docker compose -f docker/compose.yaml config -q
elif has docker-compose; then
    judge compose.yaml "docker-compose config" docker-compose -f docker/compose.yaml config -q
else
    say "compose.yaml: no docker compose here to judge its form"
fi

if has haproxy; then
    judge haproxy.cfg "haproxy -c" haproxy -c -f docker/haproxy.cfg
else
    say "haproxy.cfg: no haproxy here to judge it"
fi

if has promtool; then
    judge prometheus.yml "promtool check config" promtool check config docker/prometheus.yml
    judge alerts.yml "promtool test rules" promtool test rules tests/docker/alerts_test.yml
    mkdir -p build/docker-check
    python3 tests/docker/dashboard_rules.py >build/docker-check/dashboard.yml
    judge "Grafana's queries" "promtool check rules" promtool check rules build/docker-check/dashboard.yml
else
    say "prometheus.yml, alerts.yml, Grafana's queries: no promtool here to judge them"
fi

if python3 -c 'import yaml' 2>/dev/null; then
    judge "compose.yaml, prometheus.yml, haproxy.cfg" "what they must say" python3 tests/docker/check_compose.py
    python3 tests/docker/check_figures.py || failed=1
    python3 tests/docker/check_kubernetes.py build/docker-check || failed=1
else
    say "names in compose, Grafana and Kubernetes files: python3 has no yaml module (make deps-docker)"
fi
exit $failed
