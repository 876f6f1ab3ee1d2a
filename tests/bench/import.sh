#!/bin/sh
# import.sh [LSTMD]: opens, loads and converts an LSTM of 100 MB from every format, beside a plain copy
# of the same file: seconds (best of five) and peak memory. Writing a model flushes it to disk, so
# its counterpart is a copy with a sync; both are told. PYTHON: one that has h5py and torch, for
# their files. SPDX-License-Identifier: Apache-2.0
set -eu
lstmd=${1:-build/lstmd}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} tests/tools/make_large_lstm.py "$folder" >"$folder/log" 2>&1 || cat "$folder/log"

# best COMMAND...: the shortest wall time, the shortest processor time and the most memory of five
# runs: seconds, seconds, bytes. On a busy machine the second tells more. What the run before wrote
# is removed first, so that each finds as much free memory for its pages.
best() {
    OUT=$folder/out python3 -c 'import os, shutil, subprocess, sys, time
runs = []
for _ in range(5):
    shutil.rmtree(os.environ["OUT"], ignore_errors=True)
    os.mkdir(os.environ["OUT"])
    begin = time.monotonic()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {sys.argv[1:]}")
    runs.append((time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024))
print(*(f"{f(column):.3f}" for f, column in zip((min, min, max), zip(*runs))))' "$@"
}

for data in "$folder"/large.data-* "$folder"/large.safetensors "$folder"/large*.h5 \
    "$folder"/large.keras "$folder"/large*.pt "$folder"/large.onnx; do
    [ -f "$data" ] || continue
    source=${data%.data-*}
    copy=$(best cp "$data" "$folder/out/copy")
    synced=$(best sh -c 'cp "$1" "$2" && sync "$2"' sh "$data" "$folder/out/copy")
    load=$(best "$lstmd" inspect "$source")
    convert=$(best "$lstmd" convert "$source" --out "$folder/out/large")
    python3 -c 'import sys
name, size = sys.argv[1], float(sys.argv[2])
copy, synced, load, convert = (list(map(float, text.split())) for text in sys.argv[3:])
print(f"{name}: {size / 1e6:.0f} MB; cp {copy[0]:.3f} s, with sync {synced[0]:.3f} s; "
      f"open and load {load[0]:.3f} s ({load[0] / copy[0]:.2f} of cp; "
      f"{load[1] / copy[1]:.2f} in processor time); convert to disk {convert[0]:.3f} s "
      f"({convert[0] / synced[0]:.2f} of cp with sync, {convert[0] / copy[0]:.2f} of cp; "
      f"{convert[1] / synced[1]:.2f} of cp with sync in processor time); "
      f"peak memory {convert[2] / size:.2f} of its size")' \
        "${data##*/}" "$(wc -c <"$data")" "$copy" "$synced" "$load" "$convert"
done
