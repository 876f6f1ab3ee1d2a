#!/bin/sh
# coverage.sh FOLDER: the lines of core and server that a run of the tests in FOLDER (built with
# --coverage) reached: a table, the least covered files first, and the sums. Exit status 1 if core or
# server is below 90 %. With a second argument, a source file, the lines of it that were not.
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1

if [ $# -gt 1 ]; then
    gcov --stdout -o "$folder/obj/$2" "$folder/obj/${2%.c}.gcda" 2>/dev/null | awk -F: -v file="$2" '
        $3 == "Source" { wanted = $4 == file }
        wanted && $1 ~ /#####/ { print }'
    exit
fi

# `File 'core/file.c'` and then `Lines executed:91.30% of 46`. Kernels are compiled once for each
# instruction set; the best counts.
find "$folder/obj/core" "$folder/obj/server" -name '*.gcda' -exec gcov -n {} + 2>/dev/null | awk '
    /^File / { file = substr($2, 2, length($2) - 2) }
    /^Lines executed:/ && file ~ /^(core|server)\/.*\.c$/ {
        split($0, parts, /[:%]/)
        lines = $NF
        reached = int(lines * parts[2] / 100 + 0.5)
        if (reached >= best[file]) { best[file] = reached; total[file] = lines }
        file = ""
    }
    END {
        for (file in total) {
            part = file ~ /^core/ ? "core" : "server"
            all[part] += total[file]; hit[part] += best[file]
            printf "%6.1f %6d %6d  %s\n", 100 * best[file] / total[file], best[file], total[file], file
        }
        for (part in all) {
            percent = 100 * hit[part] / all[part]
            printf "%6.1f %6d %6d  %s\n", percent, hit[part], all[part], "all of " part | "sort -k 4 >&2"
            if (percent < 90) failed = 1
        }
        exit failed
    }' >"$folder/coverage.txt" && failed=0 || failed=1
echo '     %    hit  lines  file'
sort -n "$folder/coverage.txt"
exit $failed
