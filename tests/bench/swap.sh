#!/usr/bin/env bash
# swap.sh: ten new versions of a model published under full load, beside the same load in peace.
# SPDX-License-Identifier: Apache-2.0
#
# Prints rate and latency of both, and how many answers were no 200. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
mkdir -p "$work/models"
cp -r models/mnist "$work/models/"
build/lstmd serve --models "$work/models" --port 0 --log-level error >"$work/out" 2>"$work/err" &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q serving "$work/out"; do
    kill -0 $pid
    read -r -t 0.05 <> <(:) || true
done
base=$(sed -n 's/.* on \(http.*\)/\1/p' "$work/out")

load() {
    BODY=tests/data/mnist/digit.bin CT=application/octet-stream \
        wrk -t1 -c64 -d8s --latency -s tests/bench/post.lua "$base/v1/models/mnist:predict?dtype=uint8"
}
show() { awk -v name="$1" '$1 == "50%" { a = $2 } $1 == "99%" { b = $2 } /Requests\/sec/ { r = $2 }
    END { printf "%-12s %8.0f requests/s, p50 %s, p99 %s\n", name, r, a, b }' "$work/wrk"; }

load >"$work/wrk"
show "in peace:"
load >"$work/wrk" &
running=$!
for version in $(seq 2 11); do
    cp -r "$work/models/mnist/1" "$work/models/mnist/.new"
    mv "$work/models/mnist/.new" "$work/models/mnist/$version"
    curl -s -o /dev/null -X POST "$base/v1/models/mnist:load"
    read -r -t 0.4 <> <(:) || true
done
wait $running
show "ten swaps:"
grep -E 'Non-2xx|Socket errors' "$work/wrk" || echo "no request failed"
curl -s "$base/v1/models/mnist"
echo
