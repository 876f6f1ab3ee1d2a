#!/bin/sh
# onnx_node_tests.sh [FOLDER]: the ONNX project's own tests of LSTM and GRU nodes, through
# `lstmd convert` and `:state`. FOLDER has test_lstm_* and test_gru_*, as Debian's libonnx-testdata
# (6 MB, 21 MB installed) puts them; without it the script says so and ends well.
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=${1:-/usr/share/libonnx-testdata/data/node}
lstmd=${LSTMD:-build/lstmd}
if [ ! -d "$folder" ]; then
    echo "onnx_node_tests: $folder is not there (apt-get install libonnx-testdata); nothing was tested"
    exit 0
fi
models=$(mktemp -d)
daemon=
finish() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    rm -rf "$models"
}
trap finish EXIT INT TERM

for test in "$folder"/test_lstm_* "$folder"/test_gru_*; do
    "$lstmd" convert "$test/model.onnx" --inputs test_data_set_0 \
        --out "$models/$(basename "$test")" >"$models/convert.log" ||
        { cat "$models/convert.log"; exit 1; }
done
rm -f "$models/convert.log"

mkfifo "$models/.ready"
"$lstmd" serve --models "$models" --port 0 --log-level error >"$models/.ready" &
daemon=$!
read -r ready <"$models/.ready"
python3 tests/tools/onnx_node_tests.py "${ready##* }" "$folder" "$models"/test_*
