"""render_haproxy.py REPLICA...: docker/haproxy.cfg with these replicas, HOST:PORT each, on stdout.

SPDX-License-Identifier: Apache-2.0

The shipped file finds replicas by one name that has many addresses; on one machine they are told
apart by ports. Limits that a busy machine would miss are longer: a server that is gone refuses
connections, which is seen at once. Everything else stays as it is shipped; its other addresses are
environment.
"""

import re
import sys

TEMPLATE = "docker/haproxy.cfg"
SERVERS = re.compile(r'^    server-template replica \d+ "\$\{LSTMD_REPLICAS\}".*$', re.MULTILINE)
LIMITS = re.compile(r"^    timeout (connect|queue) \d+s$", re.MULTILINE)
CHECK = re.compile(r"^    timeout check 1s$", re.MULTILINE)

HUNG = re.compile(r"^    timeout server 35s$", re.MULTILINE)


def render(replicas: list[str], check: str = "60s", hung: str = "35s") -> str:
    """The configuration with a `server` line for each replica where names were to be resolved. A check that
    takes longer than `check` has failed, and a replica that answers nothing for as long as `hung` hangs."""
    with open(TEMPLATE, encoding="utf-8") as file:
        text = file.read()
    servers = "\n".join(f"    server replica{i} {address}" for i, address in enumerate(replicas, 1))
    rendered, count = SERVERS.subn(servers, text)
    if count != 2:
        raise SystemExit(f"{TEMPLATE}: expected two lines of servers, found {count}")
    for pattern, limit, expected in ((LIMITS, r"    timeout \1 60s", 2), (CHECK, f"    timeout check {check}", 1),
                                     (HUNG, f"    timeout server {hung}", 1)):
        rendered, count = pattern.subn(limit, rendered)
        if count != expected:
            raise SystemExit(f"{TEMPLATE}: {count} lines are as {pattern.pattern}, not {expected}")
    return rendered


if __name__ == "__main__":
    sys.stdout.write(render(sys.argv[1:]))
