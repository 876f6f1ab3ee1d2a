#!/bin/sh
# stack.sh [LSTMD]: docker/haproxy.cfg before three replicas and a trainer, and Redis, as processes.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
for tool in haproxy redis-server; do
    command -v $tool >/dev/null || {
        echo "test-docker: stack: not tried: $tool is not installed (make deps-docker)"
        exit 0
    }
done
PYTHONDONTWRITEBYTECODE=1 exec python3 tests/docker/stack.py "${1:-build/lstmd}"
