#!/bin/sh
# run_fuzzers.sh FOLDER SECONDS: runs every fuzzer of FOLDER that long, two at a time, from its
# committed corpus. Exit status 1 if one finds something; its input is then left in FOLDER.
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
seconds=$2

run_one() {
    name=$(basename "$1")
    found=$folder/corpus/$name
    mkdir -p "$found"
    if "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$folder/$name-" "$found" "tests/fuzz/corpus/${name#fuzz_}" \
        >"$folder/$name.log" 2>&1; then
        executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log")
        echo "$name: clean after $executed inputs"
    else
        tail -n 40 "$folder/$name.log"
        echo "$name: FAILED"
        return 1
    fi
}

failed=0
pid=
previous=
for fuzzer in "$folder"/fuzz_*; do
    case $fuzzer in *.log | *-crash-* | *-timeout-* | *-oom-* | *-leak-*) continue ;; esac
    run_one "$fuzzer" &
    pid=$!
    if [ -n "$previous" ]; then
        wait "$previous" || failed=1
        wait "$pid" || failed=1
        previous=
    else
        previous=$pid
    fi
done
[ -z "$previous" ] || wait "$previous" || failed=1
exit $failed
