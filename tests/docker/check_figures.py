"""check_figures.py: the dashboard and the alerts ask for what lstmd tells, and for all that matters.

SPDX-License-Identifier: Apache-2.0

Every metric, label and value of route and job must be one of lstmd's; the dashboard must have what is in
SHOWN and be where Grafana looks for it; every alert must fire in a test.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

import facts
from documents import metrics, routes
from facts import Table

DASHBOARD = "docker/grafana/dashboards/lstmd.json"
ALERTS = "docker/alerts.yml"
TESTS = "tests/docker/alerts_test.yml"
# What Prometheus adds to what it scrapes.
ADDED = {"instance", "job", "le"}
JOBS = {"lstmd", "lstmd-trainer", "haproxy"}
# What the queries may ask for, beside HAProxy's own.
OURS = r"\b(?:(?:lstmd|process)_\w+|up)\b"
# What must be on the dashboard: requests, latency, batch sizes, queues, sessions, training, replicas, failures, the process.
SHOWN = {"lstmd_requests_total", "lstmd_request_duration_seconds_bucket", "lstmd_batch_size_sum",
         "lstmd_queue_depth", "lstmd_sessions_live", "lstmd_sessions_created_total", "lstmd_session_store_up",
         "lstmd_session_conflicts_total", "lstmd_train_steps_total", "lstmd_train_step_duration_seconds_bucket",
         "lstmd_load_failures_total", "process_resident_memory_bytes", "process_cpu_seconds_total",
         "lstmd_connections", "lstmd_build_info", "up"}
FIRING = {"LstmdNoReplica", "LstmdReplicaDown", "LstmdFewReplicas", "LstmdTrainerDown", "LstmdRefusing",
          "LstmdFailing", "LstmdSlow", "LstmdSessionsAway", "LstmdSessionsRefused", "LstmdLoadFailures",
          "LstmdDoorDown"}
PROVISIONING: dict[str, Table] = {
    "docker/grafana/provisioning/dashboards/lstmd.yaml": {
        "apiVersion": 1, "providers lstmd type": "file",
        # Where compose.yaml mounts the dashboards.
        "providers lstmd options path": "/var/lib/dashboards"},
    "docker/grafana/provisioning/datasources/prometheus.yaml": {
        "apiVersion": 1, "datasources Prometheus uid": "prometheus", "datasources Prometheus type": "prometheus",
        "datasources Prometheus url": "http://prometheus:9090", "datasources Prometheus access": "proxy"},
}


def value_complaints(expression: str) -> Iterator[str]:
    """Values of labels that nothing has."""
    known = {"route": routes(), "job": JOBS}
    for label, operator, text in re.findall(r'(route|job)\s*(=~|!~|!=|=)\s*"([^"]*)"', expression):
        for value in text.split("|") if operator.endswith("~") else [text]:
            if not any(re.fullmatch(value, name) for name in known[label]):
                yield f"no {label} is {value}"


def expression_complaints(expression: str) -> Iterator[str]:
    known = metrics()
    labels = set(ADDED)
    for name in re.findall(r"\b(?:lstmd|process)_\w+", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        histogram = known.get(base, ("", set()))[0] == "histogram"
        if name not in known and not histogram:
            yield f"there is no metric {name}"
        elif name in known and known[name][0] == "histogram":
            yield f"{name} is a histogram; its parts end with _bucket, _sum or _count"
        labels |= known.get(name if name in known else base, ("", set()))[1]
    used = re.findall(r"[{,]\s*(\w+)\s*[=!]~?", expression)
    for group in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression):
        used += [label.strip() for label in group.split(",")]
    for label in used:
        if label not in labels:
            yield f"no metric of {expression!r} has the label {label}"
    if not re.search(OURS, expression):
        yield f"no metric in {expression!r}"
    yield from value_complaints(expression)


def dashboard_complaints(dashboard: dict[str, Any]) -> Iterator[str]:
    panels = dashboard["panels"]
    for key in ("uid", "title", "schemaVersion", "time"):
        if key not in dashboard:
            yield f"no {key}"
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have one id"
    shown = set()
    for panel in panels:
        if not panel["targets"] or panel["datasource"]["uid"] != "prometheus":
            yield f"{panel['title']} asks nobody"
        for target in panel["targets"]:
            shown |= set(re.findall(OURS, target["expr"]))
            for complaint in expression_complaints(target["expr"]):
                yield f"{panel['title']}: {complaint}"
    if not SHOWN <= shown:
        yield f"nothing shows {sorted(SHOWN - shown)}"


def alert_complaints(rules: list[dict[str, Any]]) -> Iterator[str]:
    """Whether there are all of them, and each has a test in which it fires and one in which it does not."""
    with open(TESTS, encoding="utf-8") as file:
        tests = [case for test in yaml.safe_load(file)["tests"] for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in tests if case["exp_alerts"]}
    rests = {case["alertname"] for case in tests if not case["exp_alerts"]}
    names = {rule["alert"] for rule in rules}
    if names != FIRING or fires != FIRING or rests != FIRING:
        yield f"the alerts and their tests are not those of check_figures.py: {sorted(names ^ FIRING | fires ^ FIRING | rests ^ FIRING)}"
    for rule in rules:
        for complaint in expression_complaints(rule["expr"]):
            yield f"{rule['alert']}: {complaint}"


def main() -> int:
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    with open(ALERTS, encoding="utf-8") as file:
        groups = (yaml.safe_load(file) or {}).get("groups") or []
    rules = [rule for group in groups for rule in group["rules"]]
    bad = [f"{DASHBOARD}: {complaint}" for complaint in dashboard_complaints(dashboard)]
    bad += [f"{ALERTS}: {complaint}" for complaint in alert_complaints(rules)]
    for name, table in PROVISIONING.items():
        with open(name, encoding="utf-8") as file:
            bad += [f"{name}: {complaint}" for complaint in facts.complaints(yaml.safe_load(file), table)]
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    print(f"test-docker: figures: {len(dashboard['panels'])} panels and {len(rules)} alerts, against README.md's metrics")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
