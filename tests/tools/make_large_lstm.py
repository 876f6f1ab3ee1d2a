#!/usr/bin/env python3
"""make_large_lstm.py FOLDER: an LSTM of 100 MB for timing: as a TensorFlow checkpoint (large.index
and its data) and as large.safetensors; if this Python has h5py, as large.h5 and large.keras; if it
has torch, as large.pt, large_legacy.pt and large.onnx. The checksum of so much data is put together
from that of one repeated piece. SPDX-License-Identifier: Apache-2.0
"""
import json
import random
import struct
import sys
import zipfile
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


def keras_files(folder: Path) -> None:
    import h5py
    import numpy
    layer = {"class_name": "LSTM", "config": {
        "name": "lstm", "units": UNITS, "activation": "tanh", "recurrent_activation": "sigmoid",
        "use_bias": True, "batch_input_shape": [None, None, INPUTS]}}
    config = json.dumps({"class_name": "Sequential",
                         "config": {"name": "large", "layers": [layer]}})
    shapes = {"kernel": (INPUTS, 4 * UNITS), "recurrent_kernel": (UNITS, 4 * UNITS),
              "bias": (4 * UNITS,)}
    random_values = numpy.random.default_rng(1)
    values = {name: random_values.normal(0, 0.02, shape).astype("<f4")
              for name, shape in shapes.items()}
    with h5py.File(folder / "large.h5", "w") as file:
        file.attrs["keras_version"] = b"2.11.0"
        file.attrs["model_config"] = config.encode()
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"lstm"]
        group = weights.create_group("lstm")
        group.attrs["weight_names"] = [f"lstm/lstm_cell/{name}:0".encode() for name in shapes]
        for name, array in values.items():
            group[f"lstm/lstm_cell/{name}:0"] = array
    with h5py.File(folder / "model.weights.h5", "w") as file:
        for number, array in enumerate(values.values()):
            file[f"layers/lstm/cell/vars/{number}"] = array
    with zipfile.ZipFile(folder / "large.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.write(folder / "model.weights.h5", "model.weights.h5")
    (folder / "model.weights.h5").unlink()


def torch_files(folder: Path) -> None:
    import torch
    lstm = torch.nn.LSTM(INPUTS, UNITS, batch_first=True)
    torch.save(lstm.state_dict(), folder / "large.pt")
    torch.save(lstm.state_dict(), folder / "large_legacy.pt",
               _use_new_zipfile_serialization=False)
    torch.onnx.export(lstm, torch.zeros(1, 3, INPUTS), str(folder / "large.onnx"))


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
    for make in (keras_files, torch_files):
        try:
            make(folder)
        except ImportError as missing:
            print(f"left out: {missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
