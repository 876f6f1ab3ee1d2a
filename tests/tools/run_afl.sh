#!/bin/sh
# run_afl.sh FUZZER CORPUS SECONDS: AFL++ on one fuzzer that long, from its committed corpus. Exit
# status 1 if it finds a crash or an input that hangs; they are left in FUZZER-found.
# SPDX-License-Identifier: Apache-2.0
set -eu
fuzzer=$1
corpus=$2
seconds=$3
found=$fuzzer-found

rm -rf "$found"
# The machine's settings for core files and clocks are not this script's to change; files longer
# than AFL++ likes are left out by itself.
AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
    afl-fuzz -i "$corpus" -o "$found" -V "$seconds" -t 5000 -m none -- "$fuzzer" >"$fuzzer.log" 2>&1 || {
    tail -n 40 "$fuzzer.log"
    exit 1
}
statistics=$found/default/fuzzer_stats
figure() {
    sed -n "s/^$1 *: *//p" "$statistics"
}
echo "$(basename "$fuzzer"): $(figure execs_done) inputs, $(figure corpus_count) kept," \
    "$(figure saved_crashes) crashes, $(figure saved_hangs) hangs"
[ "$(figure saved_crashes)" = 0 ] && [ "$(figure saved_hangs)" = 0 ]
