"""check_compose.py: docker/compose.yaml, prometheus.yml and haproxy.cfg say what they must, and fit each other.

SPDX-License-Identifier: Apache-2.0

Their form is for docker compose, promtool and haproxy to judge; this looks at what those cannot know.
"""

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

import facts
from documents import serve_defaults
from facts import MISSING, Table, seconds

FOLDER = "docker"
DRAIN = int(serve_defaults()["LSTMD_DRAIN_SECONDS"])
FIXED = re.compile(r"[\w./-]+:v?\d[\w.-]*")

# Every service; some have more to say of themselves.
LOCKED: Table = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
                 "restart": "unless-stopped", "privileged": MISSING, "network_mode": MISSING, "pid": MISSING}
SERVICES: dict[str, Table] = {
    "haproxy": {
        "image": FIXED, "stop_signal": "SIGUSR1", "ports": ["${LSTMD_DOOR:-127.0.0.1}:8501:8501"],
        "volumes": ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]},
    "lstmd": {
        "image": "lstmd:latest", "ports": MISSING, "deploy replicas": range(3, 17), "stop_signal": MISSING,
        "environment": {"LSTMD_LOG_LEVEL": "warn", "LSTMD_TRAINING": "off", "LSTMD_STATE_DIR": "",
                        "LSTMD_SESSION_STORE": "redis://redis:6379"},
        "volumes": ["models:/models:ro"], "tmpfs": ["/var/lib/lstmd"]},
    "trainer": {
        "image": "lstmd:latest", "ports": MISSING, "environment": MISSING, "deploy": MISSING, "stop_signal": MISSING,
        "volumes": ["models:/models", "learned:/var/lib/lstmd"]},
    "redis": {
        "image": FIXED, "ports": MISSING, "user": "999:999", "volumes": MISSING,
        "command": ["redis-server", "--protected-mode", "no", "--save", "", "--appendonly", "no",
                    "--maxmemory", "512mb", "--maxmemory-policy", "noeviction"]},
    "prometheus": {
        "image": FIXED, "ports": ["127.0.0.1:9090:9090"],
        "command": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus",
                    "--storage.tsdb.retention.time=15d"],
        "volumes": ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro",
                    "./alerts.yml:/etc/prometheus/alerts.yml:ro", "figures:/prometheus"]},
    "grafana": {
        "image": FIXED, "ports": ["127.0.0.1:3000:3000"],
        "environment GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "environment GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "environment GF_AUTH_BASIC_ENABLED": "false",
        "environment GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/var/lib/dashboards/lstmd.json",
        "volumes": ["./grafana/provisioning:/etc/grafana/provisioning:ro",
                    "./grafana/dashboards:/var/lib/dashboards:ro", "dashboards:/var/lib/grafana"]},
}
# How long each may take to stop, at least.
GRACE = {"haproxy": 36, "lstmd": DRAIN + 5, "trainer": DRAIN + 5}

PROMETHEUS: Table = {
    "rule_files": ["alerts.yml"],
    "scrape_configs": [
        {"job_name": "lstmd",
         "dns_sd_configs": [{"names": ["lstmd"], "type": "A", "port": 8501, "refresh_interval": "5s"}]},
        {"job_name": "lstmd-trainer", "static_configs": [{"targets": ["trainer:8501"]}]},
        {"job_name": "haproxy", "static_configs": [{"targets": ["haproxy:8404"]}]}]}

# What haproxy.cfg must have, by section; what follows from it is tried by stack.py.
HAPROXY: dict[str, list[str]] = {
    "global": ["presetenv LSTMD_REPLICAS lstmd:8501", "presetenv LSTMD_TRAINER trainer:8501", "hard-stop-after 35s"],
    "defaults": ["timeout check 1s", "option httpchk", "http-check send meth GET uri /v2/health/ready",
                 "http-check expect status 200",
                 "default-server check inter 500ms fastinter 200ms fall 2 rise 1 observe layer4 error-limit 2"
                 " on-error mark-down"],
    "backend inner": ["option http-server-close", "option http-buffer-request", "retries 0", "retry-on none"],
    "backend replicas": ["http-reuse always", "option http-buffer-request",
                         "retry-on conn-failure empty-response response-timeout 503", "timeout server 35s"],
    "backend sessions": ["option http-server-close", "option http-buffer-request", "retry-on conn-failure 503"],
    "backend trainer": ["option http-server-close", "retries 0", "retry-on none"],
}


def read(name: str) -> Any:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def compose_complaints() -> Iterator[str]:
    compose = read("compose.yaml")
    services = compose["services"]
    if set(services) != set(SERVICES):
        yield f"compose.yaml: services differ from those of check_compose.py: {sorted(set(services) ^ set(SERVICES))}"
    for name, table in SERVICES.items():
        service = services.get(name, {})
        for complaint in facts.complaints(service, LOCKED | table):
            yield f"compose.yaml: {name}: {complaint}"
        if seconds(service.get("stop_grace_period", "10s")) < GRACE.get(name, 0):
            yield f"compose.yaml: {name}: stop_grace_period is less than {GRACE[name]} s"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not os.path.exists(os.path.join(FOLDER, source)):
                yield f"compose.yaml: {name}: mounts {source}, which is not there"
            if not source.startswith(".") and source not in compose["volumes"]:
                yield f"compose.yaml: {name}: mounts {source}, which is no volume"


def haproxy_complaints() -> Iterator[str]:
    with open(os.path.join(FOLDER, "haproxy.cfg"), encoding="utf-8") as file:
        sections = re.split(r"^(?=\w)", file.read(), flags=re.MULTILINE)
    lines = {text.splitlines()[0]: [line.strip() for line in text.splitlines()[1:]] for text in sections}
    for section, expected in HAPROXY.items():
        for line in expected:
            if line not in lines.get(section, []):
                yield f"haproxy.cfg: {section}: expected {line!r}"
        for word in ("retries", "retry-on"):
            if sum(line.startswith(f"{word} ") for line in lines.get(section, [])) > 1:
                yield f"haproxy.cfg: {section}: {word} twice"


def main() -> int:
    bad = [*compose_complaints(), *haproxy_complaints(),
           *(f"prometheus.yml: {complaint}" for complaint in facts.complaints(read("prometheus.yml"), PROMETHEUS))]
    for complaint in bad:
        print(f"{FOLDER}/{complaint}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
