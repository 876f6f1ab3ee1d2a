"""check_figures.py: every metric and label in the dashboard and the alerts is one of lstmd's.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import sys

import yaml

from documents import metrics

DASHBOARD = "docker/grafana/dashboards/lstmd.json"
ALERTS = "docker/alerts.yml"
# What Prometheus adds to what it scrapes.
ADDED = {"instance", "job", "le"}


def complaints(expression: str, where: str) -> list[str]:
    """What is wrong with an expression, a sentence each."""
    known = metrics()
    bad = []
    labels = set(ADDED)
    for name in re.findall(r"\blstmd_\w+", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        histogram = known.get(base, ("", set()))[0] == "histogram"
        if name not in known and not histogram:
            bad.append(f"{where}: there is no metric {name}")
        elif name in known and known[name][0] == "histogram":
            bad.append(f"{where}: {name} is a histogram; its parts end with _bucket, _sum or _count")
        labels |= known.get(name if name in known else base, ("", set()))[1]
    used = re.findall(r"[{,]\s*(\w+)\s*[=!]~?", expression)
    for group in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression):
        used += [label.strip() for label in group.split(",")]
    bad += [f"{where}: no metric of {expression!r} has the label {label}"
            for label in used if label not in labels]
    if not re.search(r"\b(lstmd_\w+|up)\b", expression):
        bad.append(f"{where}: no metric in {expression!r}")
    return bad


def main() -> int:
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    with open(ALERTS, encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    panels = dashboard["panels"]
    bad = []
    for key in ("uid", "title", "schemaVersion", "time"):
        if key not in dashboard:
            bad.append(f"{DASHBOARD}: no {key}")
    if len({panel["id"] for panel in panels}) != len(panels):
        bad.append(f"{DASHBOARD}: two panels have one id")
    for panel in panels:
        if not panel["targets"] or panel["datasource"]["uid"] != "prometheus":
            bad.append(f"{DASHBOARD}: {panel['title']} asks nobody")
        for target in panel["targets"]:
            bad += complaints(target["expr"], f"{DASHBOARD}: {panel['title']}")
    rules = [rule for group in groups for rule in group["rules"]]
    for rule in rules:
        bad += complaints(rule["expr"], f"{ALERTS}: {rule['alert']}")
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    print(f"test-docker: figures: {len(panels)} panels and {len(rules)} alerts, against README.md's metrics")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
