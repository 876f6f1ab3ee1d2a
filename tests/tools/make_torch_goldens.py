#!/usr/bin/env python3
"""make_torch_goldens.py: writes tests/data/torch/: files as torch.save() writes them, what PyTorch
itself answers with these weights (goldens.json), and files that are to be refused (refused/).
SPDX-License-Identifier: Apache-2.0

usage: make_torch_goldens.py [OUT_FOLDER]      (needs Debian's python3-torch; tests need no PyTorch)
"""
from __future__ import annotations

import json
import os
import struct
import sys
import zipfile
from collections import OrderedDict
from typing import Callable

import torch
from torch import Tensor, nn

FEATURES, UNITS, OUTPUTS, BATCH, STEPS, VOCABULARY = 3, 4, 2, 2, 5, 7


class Network(nn.Module):
    """A recurrent module, perhaps behind an embedding, with linear layers behind it. Of two
    directions the final outputs are taken, as h_n has them."""

    def __init__(self, rnn: nn.Module, heads: list[int], embeds: bool = False,
                 sequence: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, FEATURES) if embeds else None
        self.rnn = rnn
        self.sequence = sequence
        size = (rnn.proj_size or rnn.hidden_size) * (2 if rnn.bidirectional else 1)
        self.heads = nn.ModuleList()
        for outputs in heads:
            self.heads.append(nn.Linear(size, outputs))
            size = outputs

    def forward(self, x: Tensor) -> Tensor:
        if self.embedding is not None:
            x = self.embedding(x.long().squeeze(-1))
        y, _ = self.rnn(x)
        if not self.sequence:
            width = self.rnn.proj_size or self.rnn.hidden_size
            y = y[:, -1] if not self.rnn.bidirectional else torch.cat(
                [y[:, -1, :width], y[:, 0, width:]], 1)
        for k, head in enumerate(self.heads):
            y = head(y if k == 0 else torch.relu(y))
        return y


class Cells(nn.Module):
    """Cells stepped by hand, the last output through a linear layer."""

    def __init__(self, cell: type[nn.Module]) -> None:
        super().__init__()
        self.cell1, self.cell2 = cell(FEATURES, UNITS), cell(UNITS, UNITS + 1)
        self.fc = nn.Linear(UNITS + 1, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        state1 = state2 = None
        for t in range(x.shape[1]):
            state1 = self.cell1(x[:, t], state1)
            y = state1[0] if isinstance(state1, tuple) else state1
            state2 = self.cell2(y, state2)
        return self.fc(state2[0] if isinstance(state2, tuple) else state2)


class Doubled(nn.Module):
    """Something to make a program of."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def lstm(**options: object) -> nn.LSTM:
    return nn.LSTM(FEATURES, UNITS, batch_first=True, **options)


def gru(**options: object) -> nn.GRU:
    return nn.GRU(FEATURES, UNITS, batch_first=True, **options)


def save(weights: object, path: str) -> None:
    torch.save(weights, path)


def save_legacy(weights: object, path: str) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=False)


def save_protocol_4(weights: object, path: str) -> None:
    torch.save(weights, path, pickle_protocol=4)


def save_nested(weights: OrderedDict[str, Tensor], path: str) -> None:
    """As training scripts keep it: nn.DataParallel's prefix, optimizer, and figures beside it."""
    parameters = [w.clone().requires_grad_() for w in weights.values()]
    optimizer = torch.optim.Adam(parameters)
    sum(p.sum() for p in parameters).backward()
    optimizer.step()
    torch.save({"epoch": 3, "best": 0.25, "seed": 2**70, "device": torch.device("cpu"),
                "losses": torch.tensor([3.0, 2.0]), "classes": {"a", "b"},
                "model": OrderedDict(("module." + name, w) for name, w in weights.items()),
                "optimizer": optimizer.state_dict()}, path)


def save_parameters(weights: OrderedDict[str, Tensor], path: str) -> None:
    torch.save(OrderedDict((name, nn.Parameter(w)) for name, w in weights.items()), path)


def share(weights: OrderedDict[str, Tensor]) -> OrderedDict[str, Tensor]:
    """The same values in one storage, matrices in it transposed."""
    flat = torch.cat([w.t().reshape(-1) for w in weights.values()])
    at, views = 0, OrderedDict()
    for name, w in weights.items():
        view = flat[at:at + w.numel()]
        views[name] = view.view(w.shape[::-1]).t() if w.dim() == 2 else view
        at += w.numel()
    return views


def save_shared(weights: OrderedDict[str, Tensor], path: str) -> None:
    torch.save(share(weights), path)


def save_shared_legacy(weights: OrderedDict[str, Tensor], path: str) -> None:
    save_legacy(share(weights), path)


def save_safetensors(weights: OrderedDict[str, Tensor], path: str) -> None:
    """Tensors sorted by name, as the safetensors package sorts them: "heads" before "rnn"."""
    header, data = {}, b""
    for name in sorted(weights):
        raw = weights[name].contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(weights[name].shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Cast:
    """A way to save after a conversion, which rounds the weights of the golden, too."""

    def __init__(self, dtype: torch.dtype,
                 write: Callable[[OrderedDict[str, Tensor], str], None] = save) -> None:
        self.dtype, self.write = dtype, write

    def __call__(self, weights: OrderedDict[str, Tensor], path: str) -> None:
        self.write(OrderedDict((name, w.to(self.dtype)) for name, w in weights.items()), path)


# name: (network, how it is saved)
CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[object, str], None]]] = {
    "lstm": (lambda: Network(lstm(), [OUTPUTS]), save),
    "lstm_bare": (lambda: Network(lstm(), []), save),
    "lstm_layers": (lambda: Network(lstm(num_layers=2), [OUTPUTS]), save),
    "lstm_no_bias": (lambda: Network(lstm(bias=False), [OUTPUTS]), save),
    "lstm_sequence": (lambda: Network(lstm(), [OUTPUTS], sequence=True), save),
    "lstm_heads": (lambda: Network(lstm(), [6, OUTPUTS]), save),
    "lstm_embedding": (lambda: Network(lstm(), [OUTPUTS], embeds=True), save),
    "lstm_projection": (lambda: Network(lstm(num_layers=2, proj_size=2), [OUTPUTS]), save),
    "lstm_bidirectional": (
        lambda: Network(lstm(num_layers=2, bidirectional=True), [OUTPUTS]), save),
    "lstm_projection_bidirectional": (
        lambda: Network(lstm(proj_size=2, bidirectional=True), []), save),
    "lstm_cells": (lambda: Cells(nn.LSTMCell), save),
    "gru": (lambda: Network(gru(), [OUTPUTS]), save),
    "gru_layers": (lambda: Network(gru(num_layers=2), [OUTPUTS]), save),
    "gru_bidirectional": (lambda: Network(gru(bidirectional=True), [OUTPUTS], sequence=True), save),
    "gru_cells": (lambda: Cells(nn.GRUCell), save),
    "nested": (lambda: Network(lstm(), [OUTPUTS]), save_nested),
    "parameters": (lambda: Network(lstm(), [OUTPUTS]), save_parameters),
    "protocol_4": (lambda: Network(lstm(), [OUTPUTS]), save_protocol_4),
    "shared": (lambda: Network(lstm(), [OUTPUTS]), save_shared),
    "half": (lambda: Network(lstm(), [OUTPUTS]), Cast(torch.float16)),
    "bfloat16": (lambda: Network(lstm(), [OUTPUTS]), Cast(torch.bfloat16)),
    "double": (lambda: Network(lstm(), [OUTPUTS]), Cast(torch.float64)),
    "legacy": (lambda: Network(lstm(), [OUTPUTS]), save_legacy),
    "legacy_half": (lambda: Network(lstm(), [OUTPUTS]), Cast(torch.float16, save_legacy)),
    "legacy_shared": (lambda: Network(lstm(), [OUTPUTS]), save_shared_legacy),
    "safetensors": (lambda: Network(lstm(), [6, OUTPUTS]), save_safetensors),
}


def save_big_endian(path: str) -> None:
    """As a machine with the other order of bytes says it in its zip files."""
    save(lstm().state_dict(), path)
    with zipfile.ZipFile(path, "a") as archive:
        folder = archive.namelist()[0].split("/")[0]
        archive.writestr(folder + "/byteorder", "big")


def save_traversal(path: str) -> None:
    """The key of a storage leads out of the archive."""
    save({"weight": torch.ones(1)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            key = b"../../../secret"
            archive.writestr(name, data.replace(b"X\1\0\0\0000", b"X\x0f\0\0\0" + key))


def save_two_networks(path: str) -> None:
    save({"best": lstm().state_dict(), "last": lstm().state_dict()}, path)


# name: how such a file is made
REFUSED: dict[str, Callable[[str], None]] = {
    "torchscript": lambda path: torch.jit.script(Doubled()).save(path),
    "traversal": save_traversal,
    "module": lambda path: save(lstm(), path),
    "big_endian": save_big_endian,
    "quantised": lambda path: save(
        {"weight_ih_l0": torch.quantize_per_tensor(torch.ones(8, 3), 0.1, 0, torch.qint8)}, path),
    "complex": lambda path: save(
        {"weight_ih_l0": torch.ones(8, 3, dtype=torch.complex64)}, path),
    "sparse": lambda path: save({"weight_ih_l0": torch.ones(8, 3).to_sparse()}, path),
    "integers": lambda path: save(
        {"weight_ih_l0": torch.ones(8, 3, dtype=torch.int64),
         "weight_hh_l0": torch.ones(8, 2, dtype=torch.int64)}, path),
    "rnn": lambda path: save(nn.RNN(FEATURES, UNITS).state_dict(), path),
    "convolution": lambda path: save(
        nn.ModuleDict({"conv": nn.Conv1d(3, 3, 3), "lstm": lstm()}).state_dict(), path),
    "batch_norm": lambda path: save(
        nn.ModuleDict({"lstm": lstm(), "norm": nn.BatchNorm1d(UNITS)}).state_dict(), path),
    "weight_norm": lambda path: save(nn.utils.weight_norm(lstm(), "weight_hh_l0").state_dict(), path),
    "flattened": lambda path: save(
        nn.ModuleDict({"lstm": lstm(), "fc": nn.Linear(5 * UNITS, 1)}).state_dict(), path),
    "linear": lambda path: save(nn.Linear(3, 2).state_dict(), path),
    "two_networks": save_two_networks,
}


def make_case(folder: str, name: str) -> dict[str, object]:
    """Saves the file of a case; gives its inputs, and the outputs that PyTorch has for them."""
    make, write = CASES[name]
    torch.manual_seed(list(CASES).index(name))
    network = make().eval()
    for parameter in network.parameters():  # small numbers that show which gate they are of
        parameter.data.uniform_(-0.9, 0.9)
    write(network.state_dict(), os.path.join(folder, name))
    if isinstance(write, Cast):
        network.to(write.dtype).to(torch.float32)
    embeds = getattr(network, "embedding", None) is not None
    inputs = (torch.randint(VOCABULARY, (BATCH, STEPS, 1)).float() if embeds
              else torch.rand(BATCH, STEPS, FEATURES) * 2 - 1)
    with torch.no_grad():
        outputs = network.double()(inputs.double())
    return {"steps": STEPS, "features": inputs.shape[2], "values": outputs[0].numel(),
            "inputs": inputs.flatten().tolist(), "outputs": outputs.flatten().tolist()}


def main() -> None:
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    folder = sys.argv[1] if len(sys.argv) == 2 else "tests/data/torch"
    os.makedirs(folder, exist_ok=True)
    goldens = {name: make_case(folder, name) for name in CASES}
    os.makedirs(os.path.join(folder, "refused"), exist_ok=True)
    for name, write in REFUSED.items():
        write(os.path.join(folder, "refused", name))
    with open(os.path.join(folder, "goldens.json"), "w", encoding="utf-8") as file:
        json.dump(goldens, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
