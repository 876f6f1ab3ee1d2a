#!/bin/sh
# check_install.sh: `make install` into an empty folder gives what it should, in order, and `make
# uninstall` takes all of it away. SPDX-License-Identifier: Apache-2.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
complain() {
    echo "check_install: $*" >&2
    failed=1
}

make --no-print-directory install DESTDIR="$folder" PREFIX=/usr >/dev/null
for file in bin/lstmd lib/liblstm.a include/lstm.h include/lstm_data.h include/lstm_import.h share/man/man8/lstmd.8 \
    share/lstmd/models/mnist/1/model.json share/lstmd/models/mnist/1/weights.safetensors \
    share/bash-completion/completions/lstmd share/fish/vendor_completions.d/lstmd.fish \
    share/zsh/site-functions/_lstmd lib/systemd/system/lstmd.service; do
    [ -s "$folder/usr/$file" ] || complain "no $file"
done
[ -x "$folder/usr/bin/lstmd" ] || complain "lstmd is not executable"
"$folder/usr/bin/lstmd" serve --models "$folder/usr/share/lstmd/models" --print-config |
    grep -q "\"models\": {\"value\": \"$folder/usr/share/lstmd/models\", \"source\": \"flag\"}" ||
    complain "the installed lstmd does not print its config"

# Whatever can judge these files, and is installed here, does.
bash -n "$folder/usr/share/bash-completion/completions/lstmd" || complain "bash cannot read its completion"
if command -v groff >/dev/null; then
    said=$(groff -man -Tutf8 -ww "$folder/usr/share/man/man8/lstmd.8" 2>&1 >/dev/null)
    [ -z "$said" ] || complain "groff of lstmd.8: $said"
fi
unit=$folder/usr/lib/systemd/system/lstmd.service
grep -q '^ExecStart=/usr/bin/lstmd serve$' "$unit" || complain "the unit does not start /usr/bin/lstmd"
if command -v systemd-analyze >/dev/null; then
    sed -i "s,/usr/bin/lstmd,$folder&," "$unit"
    systemd-analyze verify --man=no "$unit" || complain "systemd does not like the unit"
    # In tenths: 0 is closed, 100 open.
    systemd-analyze security --offline=yes --threshold=20 "$unit" >/dev/null 2>&1 ||
        complain "systemd finds the unit more exposed than 2.0"
fi

# What completion gives for a command line, by the script itself.
completed() {
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _lstmd; echo "${COMPREPLY[*]}"' \
        "$folder/usr/share/bash-completion/completions/lstmd" "$@"
}
[ "$(completed lstmd se)" = serve ] || complain "bash does not complete commands"
[ "$(completed lstmd serve --max-ba)" = --max-batch ] || complain "bash does not complete options"
[ "$(completed lstmd serve --log-format j)" = json ] || complain "bash does not complete values"
[ "$(completed lstmd completion z)" = zsh ] || complain "bash does not complete arguments"

make --no-print-directory uninstall DESTDIR="$folder" PREFIX=/usr
left=$(find "$folder" ! -type d)
[ -z "$left" ] || complain "uninstall left $left"
exit $failed
