"""dashboard_rules.py: the dashboard's queries as recording rules on stdout, so that promtool can judge them.

SPDX-License-Identifier: Apache-2.0

Grafana fills in its variables before it asks; any duration does for a judge of grammar.
"""

import json
import re

DASHBOARD = "docker/grafana/dashboards/lstmd.json"

with open(DASHBOARD, encoding="utf-8") as file:
    panels = json.load(file)["panels"]
rules = [{"record": f"panel:{panel['id']}:{target['refId']}", "expr": re.sub(r"\$__\w+", "1m", target["expr"])}
         for panel in panels for target in panel["targets"]]
# JSON is YAML.
print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}, indent=2))
