#!/bin/sh
# gather.sh PROGRAM FOLDER: what PROGRAM needs in order to run, as a file system in FOLDER.
# SPDX-License-Identifier: Apache-2.0
#
# The program, the libraries that the dynamic loader says it needs and the loader itself, each where
# it lies here, the licences of their packages, and how host names are looked up. libcurl is left
# out: only `lstmd predict`, `state` and `top` load it, and they run where the user is.
set -eu
program=$1
folder=$2
install -D -m 755 "$program" "$folder/usr/local/bin/$(basename "$program")"
install -d "$folder/etc"
echo 'hosts: files dns' >"$folder/etc/nsswitch.conf"

for library in $(ldd "$program" | grep -o '/[^ ]*'); do
    install -D -m "$(stat -Lc %a "$library")" "$library" "$folder$library"
    # The loader names a library by its link, dpkg by its file, before or after /lib became /usr/lib.
    file=$(readlink -f "$library")
    package=$(dpkg-query -S "$file" "${file#/usr}" 2>/dev/null | sed -n '1s/:.*//p')
    copyright=/usr/share/doc/$package/copyright
    [ ! -f "$copyright" ] || install -D -m 644 "$copyright" "$folder$copyright"
done
