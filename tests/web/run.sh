#!/bin/sh
# run.sh [browser]: the tests of the demo page: its modules under Node, then the page in a browser.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
if ! command -v node >/dev/null; then
    echo "test-web: no tests of the page: node is not installed"
    exit 0
fi
node --test --test-reporter=tap tests/web/*.test.mjs >build/test-web.log 2>&1 || {
    cat build/test-web.log
    exit 1
}
sed -n 's/^# pass /test-web: tests passed: /p' build/test-web.log
[ "${1:-}" != browser ] || node tests/web/browser.mjs
