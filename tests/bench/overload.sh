#!/usr/bin/env bash
# overload.sh: 2,000 connections against a queue of 256 sequences, beside what 64 connections get.
# SPDX-License-Identifier: Apache-2.0
#
# Prints the rate of 200s under overload beside that of 64 connections before and after it, how many
# answers had which status, and the most memory that the daemon took. OVERLOAD_SECONDS=20: length of
# the overload. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${OVERLOAD_SECONDS:-20}
ulimit -n 8192
work=$(mktemp -d)
build/lstmd serve --port 0 --log-level error --max-queue 256 --max-connections 4000 \
    >"$work/out" 2>"$work/err" &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q serving "$work/out"; do
    kill -0 $pid
    read -r -t 0.05 <> <(:) || true
done
base=$(sed -n 's/.* on \(http.*\)/\1/p' "$work/out")

codes() {
    curl -s "$base/metrics" | sed -n 's/^lstmd_requests_total{.*route="predict",code="\([0-9]*\)"} \(.*\)/\1 \2/p'
}
load() {
    BODY=tests/data/mnist/digit.bin CT=application/octet-stream \
        wrk -t1 -c"$1" -d"$2s" --timeout 20s --latency -s tests/bench/post.lua \
        "$base/v1/models/mnist:predict?dtype=uint8" >"$work/wrk"
}
count() { awk -v code="$1" '$1 == code { print $2; found = 1 } END { if (!found) print 0 }'; }

answers() { codes | count "$1"; }

# rate CONNECTIONS SECONDS: answers 200 a second.
rate() {
    local before
    before=$(answers 200)
    load "$1" "$2"
    echo $((($(answers 200) - before) / $2))
}

before=$(rate 64 5)
overloaded=$(rate 2000 "$seconds")
cp "$work/wrk" "$work/overloaded"
refused=$(($(answers 503) / seconds))
after=$(rate 64 5)
echo "64 connections: $before answers 200 a second before, $after after"
echo "2,000 connections: $overloaded answers 200 a second, $refused answers 503 a second;" \
    "the rate of 200s is $((200 * overloaded / (before + after))) % of the others'"
echo "statuses: $(codes | tr '\n' ';')"
grep -E 'Socket errors|timeout' "$work/overloaded" || echo "no connection failed or timed out"
sed -n 's/^VmHWM: */most memory: /p' /proc/$pid/status
curl -s -o "$work/answer" -w 'afterwards: %{http_code} in %{time_total} s\n' "$base/v1/models/mnist"
