#!/bin/sh
# web_embed.sh FILE...: prints the table of web.h with the files' contents, as C.
# SPDX-License-Identifier: Apache-2.0
set -eu
echo '#include "server/web.h"'
for file; do
    echo "static const unsigned char data_$(basename "$file" | tr -c 'a-zA-Z0-9\n' _)[] = {"
    od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '};'
done
echo 'const struct web_file web_files[] = {'
for file; do
    name=$(basename "$file")
    data=data_$(echo "$name" | tr -c 'a-zA-Z0-9\n' _)
    etag=$(sha256sum "$file" | cut -c 1-16)
    echo "    {\"$name\", \"\\\"$etag\\\"\", $data, sizeof $data},"
done
echo '    {0, 0, 0, 0}};'
