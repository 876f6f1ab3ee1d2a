#!/bin/sh
# check_hardening.sh LSTMD: the binary has what release builds are to be hardened with.
# SPDX-License-Identifier: Apache-2.0
set -eu
binary=$1
failed=0
# expect <what> <pattern> <readelf's options>
expect() {
    readelf -W $3 "$binary" 2>/dev/null | grep -q "$2" || {
        echo "check_hardening: $binary has no $1" >&2
        failed=1
    }
}
expect "position independence (PIE)" 'Type: *DYN' -h
expect "read-only relocations (RELRO)" 'GNU_RELRO' -l
expect "immediate binding, which full RELRO needs" 'BIND_NOW\|FLAGS.*NOW' -d
expect "stack protector" '__stack_chk_fail' -s
expect "fortified libc calls" '__snprintf_chk\|__memcpy_chk\|__printf_chk' -s
if readelf -W -l "$binary" | grep -q 'GNU_STACK.*RWE'; then
    echo "check_hardening: $binary has an executable stack" >&2
    failed=1
fi
if [ "$(uname -m)" = x86_64 ]; then
    objdump -d --no-show-raw-insn "$binary" | grep -q 'endbr64' || {
        echo "check_hardening: $binary has no landing pads (CET)" >&2
        failed=1
    }
fi
exit $failed
