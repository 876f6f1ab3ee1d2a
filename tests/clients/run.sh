#!/bin/sh
# run.sh: the clients in Python and JavaScript, and the documents' lines, against the daemon.
# SPDX-License-Identifier: Apache-2.0
#
# The C client is a suite of build/run_tests.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1

if command -v openssl >/dev/null; then
    export CERTIFICATE="$scratch/certificate.pem" CERTIFICATE_KEY="$scratch/key.pem"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=lstmd -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$CERTIFICATE_KEY" -out "$CERTIFICATE" 2>/dev/null
else
    echo "test-clients: no tests over TLS: openssl is not installed"
fi

# Runs a command; its output only if it fails.
quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        exit 1
    }
}

# Most of its time is pip's.
python3 tests/clients/readme.py >"$scratch/readme" 2>&1 &
reading=$!

# Debian's Python is the one that may have numpy.
python=python3
! /usr/bin/python3 -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
"$python" -c 'import numpy' 2>/dev/null || echo "test-clients: no tests with numpy: it is not installed"
quietly "$python" -W error::ResourceWarning tests/clients/test_python.py
sed -n 's/^Ran \([0-9]*\) tests.*/test-clients: tests of the Python client passed: \1/p' "$scratch/log"

if command -v node >/dev/null; then
    quietly env NODE_EXTRA_CA_CERTS="${CERTIFICATE:-}" \
        node --test --test-reporter=tap tests/clients/javascript.test.mjs
    sed -n 's/^# pass /test-clients: tests of the JavaScript client passed: /p' "$scratch/log"
else
    echo "test-clients: no tests of the JavaScript client: node is not installed"
fi

python3 tests/clients/wire.py
failed=0
wait $reading || failed=1
cat "$scratch/readme"
exit $failed
