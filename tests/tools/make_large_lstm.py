#!/usr/bin/env python3
"""make_large_lstm.py FOLDER: an LSTM of 100 MB as a TensorFlow checkpoint (large.index and its data)
and as large.safetensors, for timing. The checksum of so much data is put together from that of one
repeated piece. SPDX-License-Identifier: Apache-2.0
"""
import json
import random
import struct
import sys
from pathlib import Path

from make_tf_checkpoints import field, masked, message, table, varint

UNITS, INPUTS = 2048, 1000


def crc_table() -> list[int]:
    out = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        out.append(byte)
    return out


def crc32c_repeated(piece: bytes, times: int) -> int:
    """The CRC of the piece, `times` over: the register after it is an affine map, which is applied
    as a table of 32 columns."""
    lookup = crc_table()

    def run(register: int, data: bytes) -> int:
        for byte in data:
            register = register >> 8 ^ lookup[(register ^ byte) & 255]
        return register

    constant = run(0, piece)
    columns = [run(1 << bit, bytes(len(piece))) for bit in range(32)]
    register = 0xFFFFFFFF
    for _ in range(times):
        moved = 0
        for bit in range(32):
            if register >> bit & 1:
                moved ^= columns[bit]
        register = moved ^ constant
    return register ^ 0xFFFFFFFF


def main() -> None:
    folder = Path(sys.argv[1])
    row = struct.pack(f"<{4 * UNITS}f", *(random.Random(1).gauss(0, 0.02) for _ in range(4 * UNITS)))
    rows = INPUTS + UNITS
    tensors = [("rnn/basic_lstm_cell/bias", [4 * UNITS], 1),
               ("rnn/basic_lstm_cell/kernel", [rows, 4 * UNITS], rows)]
    entries, header, at = [(b"", field(1, 1))], {}, 0
    for name, shape, times in tensors:
        size = len(row) * times
        dims = b"".join(message(2, field(1, n)) for n in shape)
        entries.append((name.encode(), field(1, 1) + message(2, dims) + field(4, at) +
                        field(5, size) + varint(6 << 3 | 5) +
                        struct.pack("<I", masked(crc32c_repeated(row, times)))))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    (folder / "large.index").write_bytes(table(entries))
    text = json.dumps(header).encode()
    with open(folder / "large.data-00000-of-00001", "wb") as data, \
            open(folder / "large.safetensors", "wb") as tensors_file:
        tensors_file.write(struct.pack("<Q", len(text)) + text)
        for file in (data, tensors_file):
            for _ in range(rows + 1):
                file.write(row)


if __name__ == "__main__":
    main()
