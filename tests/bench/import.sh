#!/bin/sh
# import.sh [LSTMD]: converts and loads an LSTM of 100 MB, as a TensorFlow checkpoint and as
# safetensors, beside a plain copy of the file: seconds (best of three) and peak memory.
# SPDX-License-Identifier: Apache-2.0
set -eu
lstmd=${1:-build/lstmd}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 tests/tools/make_large_lstm.py "$folder"

# best COMMAND...: the shortest wall time of three runs, in seconds.
best() {
    for _ in 1 2 3; do
        python3 -c 'import subprocess, sys, time
begin = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(f"{time.monotonic() - begin:.3f}")' "$@"
    done | sort -n | head -n 1
}

# peak COMMAND...: the largest resident memory, in bytes.
peak() {
    python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)' "$@"
}

for data in large.data-00000-of-00001 large.safetensors; do
    source=$folder/${data%.data-*}
    bytes=$(wc -c <"$folder/$data")
    copy=$(best cp "$folder/$data" "$folder/copy")
    synced=$(best sh -c 'cp "$1" "$2" && sync "$2"' sh "$folder/$data" "$folder/copy")
    convert=$(best "$lstmd" convert "$source" --out "$folder/models/large")
    load=$(best "$lstmd" inspect "$source")
    memory=$(peak "$lstmd" convert "$source" --out "$folder/models/large")
    python3 -c 'import sys
name, size, copy, synced, convert, load, memory = sys.argv[1], *map(float, sys.argv[2:])
print(f"{name}: {size / 1e6:.0f} MB; cp {copy:.3f} s, with sync {synced:.3f} s; "
      f"open and load {load:.3f} s ({load / copy:.2f} of cp); convert to disk {convert:.3f} s "
      f"({convert / synced:.2f} of cp with sync); peak memory {memory / size:.2f} of its size")' \
        "${data%%.*} ${data#*.}" "$bytes" "$copy" "$synced" "$convert" "$load" "$memory"
    rm -rf "$folder/models" "$folder/copy"
done
