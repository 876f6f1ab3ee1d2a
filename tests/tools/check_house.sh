#!/bin/sh
# check_house.sh: rules of the house that no compiler knows. SPDX-License-Identifier: Apache-2.0
#
# Dependencies point one way, one file per foreign library, no file over 500 lines, nothing that
# core must not do, tables of documents in step with the program, every header complete in itself.
set -eu
failed=0
complain() {
    echo "check_house: $*" >&2
    failed=1
}

# Only tests may look inside core: server sees the public header, how an error is made, how a
# file is written, and how JSON is read.
bad=$(grep -nE '#include "core/' server/*.[ch] | grep -vE '"core/(lstm|status|file|json_memory)\.h"' || true)
[ -z "$bad" ] || complain "server includes more of core than lstm.h, status.h, file.h and json_memory.h:
$bad"
bad=$(grep -nE '#include "(server|tests)/' core/*.[ch] core/*/*.[ch] || true)
[ -z "$bad" ] || complain "core reaches up:
$bad"
bad=$(grep -nE '#include "core/import/' core/*.[ch] || true)
[ -z "$bad" ] || complain "the mathematics must not need the importers:
$bad"
bad=$(grep -nE '#include "tests/' server/*.[ch] || true)
[ -z "$bad" ] || complain "server reaches up:
$bad"

# <header>: the files of core and server that may include it.
while read -r header files; do
    for file in $(grep -lE "#include <$header>" core/*.[ch] core/*/*.[ch] server/*.[ch] 2>/dev/null || true); do
        case " $files " in *" $file "*) ;; *) complain "$file includes <$header>; only $files may" ;; esac
    done
done <<END
cblas.h core/blas.c
curl/curl.h server/http_client.c
zlib.h core/gzip.c
jansson.h core/json_doc.c core/json_memory.c server/json.c
microhttpd.h server/http.c server/http_exchange.c server/http_exchange.h server/http_header.c server/http_header.h
hiredis/hiredis.h server/redis.c
gnutls/abstract.h server/tls.c
gnutls/crypto.h server/sha256.c
gnutls/gnutls.h server/tls.c
seccomp.h server/sandbox.c
spng.h server/png.c
END

# Core computes; it does not talk, end the process or start threads.
bad=$(grep -nE '\b(printf|puts|perror|exit|abort|_exit)\(|#include <(pthread|threads|sys/socket)\.h>' core/*.c core/*/*.c |
    grep -vE '(sn|vsn|f)printf\(' || true)
[ -z "$bad" ] || complain "core must not print, exit, thread or talk:
$bad"
bad=$(grep -nE '\b(atoi|sprintf|strcpy|strcat|strncpy|strtok|gets|alloca)\(' core/*.[ch] core/*/*.[ch] server/*.[ch] || true)
[ -z "$bad" ] || complain "banned functions:
$bad"

for file in core/*.[ch] core/*/*.[ch] server/*.[ch]; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 500 ] || complain "$file has $lines lines; 500 is the limit"
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier' || complain "$file has no licence line"
done

# The table of files leaves none out; a name may end in *.
named=$(grep '^|' ARCHITECTURE.md | grep -o '`[^`]*`' | tr -d '`' | sed 's,.*/,,')
set -f
for file in $(git ls-files core server clients/c clients/javascript clients/python/lstmd clients/web 2>/dev/null); do
    name=${file##*/}
    case $name in *_internal.h | *_config.h | README.md | package.json | __init__.py | py.typed) continue ;; esac
    for known in $named; do
        # shellcheck disable=SC2254 # a pattern
        case $name in $known) continue 2 ;; esac
        case ${name%.*} in $known) continue 2 ;; esac
    done
    complain "ARCHITECTURE.md does not name $file"
done
set +f

# Each header compiles alone.
for header in core/*.h core/*/*.h server/*.h; do
    ${CC:-gcc} -std=c11 -D_GNU_SOURCE -I. -fsyntax-only -x c "$header" 2>/dev/null ||
        complain "$header does not compile by itself"
done

# What the program says of itself, the documents' tables say, too.
python3 tests/tools/option_table.py --check README.md models/README.md CONTRIBUTING.md || failed=1
for test_target in $(sed -n 's/^## \([a-z-]*\):.*/\1/p' Makefile); do
    grep -q "make $test_target" CONTRIBUTING.md README.md || complain "no document names make $test_target"
done
exit $failed
