#!/bin/sh
# evaluate.sh DATA [MODELS]: starts the daemon on a repository (models) and prints the accuracy of
# its model `mnist` on the 10,000 test images and on a distorted copy, asked through HTTP.
# SPDX-License-Identifier: Apache-2.0
set -eu
log=$(mktemp)
build/lstmd serve --models "${2:-models}" --port 0 --log-level error >"$log" &
pid=$!
trap 'kill $pid 2>/dev/null; rm -f "$log"' EXIT
tries=0
until grep -q serving "$log"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] && kill -0 $pid
    sleep 0.05
done
build/evaluate "$(sed -n 's/.* on \(http.*\)/\1/p' "$log")" mnist "$1"
