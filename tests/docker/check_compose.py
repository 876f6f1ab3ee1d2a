"""check_compose.py: docker/compose.yaml fits lstmd and the files beside it.

SPDX-License-Identifier: Apache-2.0

Its form is for docker compose to judge; this looks at what that cannot know.
"""

import os
import re
import sys
from typing import Any

import yaml

from documents import serve_variables

FOLDER = "docker"


def mounts(service: dict[str, Any]) -> list[str]:
    """The files of this folder that a service mounts."""
    sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
    return [source for source in sources if source.startswith(".")]


def complaints(compose: dict[str, Any]) -> list[str]:
    """What is wrong, a sentence each."""
    services = compose["services"]
    known = serve_variables()
    bad = []
    for name, service in services.items():
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            bad.append(f"{name}: can write to its root or keeps capabilities")
        for source in mounts(service):
            if not os.path.exists(os.path.join(FOLDER, source)):
                bad.append(f"{name}: mounts {source}, which is not there")
        if "build" not in service:
            if not re.search(r":[\w.-]+$", service["image"]) or service["image"].endswith(":latest"):
                bad.append(f"{name}: {service['image']} has no fixed version")
            continue
        environment = service.get("environment", {})
        if environment.get("LSTMD_TRAINING") == "off" and environment.get("LSTMD_STATE_DIR") != "":
            bad.append(f"{name}: does not train, so the image's LSTMD_STATE_DIR must be emptied")
        for variable, value in environment.items():
            if variable not in known:
                bad.append(f"{name}: lstmd has no option {variable}")
            if not isinstance(value, str):
                bad.append(f"{name}: {variable} is {value!r} in YAML; quote it")
    for file, pattern in (("haproxy.cfg", r"presetenv LSTMD_\w+ (\w+):\d"),
                          ("prometheus.yml", r'"(\w+):\d+"|names: \[(\w+)\]'),
                          ("grafana/provisioning/datasources/prometheus.yaml", r"http://(\w+):")):
        with open(os.path.join(FOLDER, file), encoding="utf-8") as opened:
            named = {next(filter(None, found.groups())) for found in re.finditer(pattern, opened.read())}
        if not named or not named <= set(services):
            bad.append(f"{file}: speaks to {sorted(named)}; there are {sorted(services)}")
    return bad


def main() -> int:
    with open(os.path.join(FOLDER, "compose.yaml"), encoding="utf-8") as file:
        bad = complaints(yaml.safe_load(file))
    for complaint in bad:
        print(f"{FOLDER}/compose.yaml: {complaint}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
