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
LIMITS = re.compile(r"^    timeout (connect|queue|check) \d+s$", re.MULTILINE)


def render(replicas: list[str]) -> str:
    """The configuration with a `server` line for each replica where names were to be resolved."""
    with open(TEMPLATE, encoding="utf-8") as file:
        text = file.read()
    servers = "\n".join(f"    server replica{i} {address}" for i, address in enumerate(replicas, 1))
    rendered, count = SERVERS.subn(servers, text)
    if count != 2:
        raise SystemExit(f"{TEMPLATE}: expected two lines of servers, found {count}")
    rendered, count = LIMITS.subn(r"    timeout \1 60s", rendered)
    if count != 3:
        raise SystemExit(f"{TEMPLATE}: expected three limits, found {count}")
    return rendered


if __name__ == "__main__":
    sys.stdout.write(render(sys.argv[1:]))
