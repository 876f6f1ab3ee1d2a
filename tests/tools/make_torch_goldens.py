#!/usr/bin/env python3
"""make_torch_goldens.py: writes tests/data/torch/: files as torch.save() writes them, what PyTorch
itself answers with these weights (goldens.json), and files that are to be refused (refused/).
SPDX-License-Identifier: Apache-2.0

usage: make_torch_goldens.py [OUT_FOLDER]      (needs Debian's python3-torch; tests need no PyTorch)
"""
from __future__ import annotations

import datetime
import enum
import json
import os
import pathlib
import struct
import sys
import types
import zipfile
from collections import OrderedDict, defaultdict, deque
from typing import Callable

import numpy
import torch
from torch import Tensor, nn

FEATURES, UNITS, OUTPUTS, BATCH, STEPS, VOCABULARY = 3, 4, 2, 2, 5, 7


class Network(nn.Module):
    """A recurrent module, perhaps behind an embedding, with linear layers behind it. Of two
    directions the final outputs are taken, as h_n has them, unless one row of all steps is."""

    def __init__(self, rnn: nn.Module, heads: list[int], embeds: bool = False,
                 sequence: bool = False, pooling: str = "") -> None:
        super().__init__()
        self.pooling = pooling
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
        if self.pooling:
            y = {"mean": y.mean(1), "max": y.max(1).values, "last": y[:, -1]}[self.pooling]
        elif not self.sequence:
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


class Stack(nn.Module):
    """Of modules that would fit in any order, and that the alphabet puts in another."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTM(FEATURES, UNITS, batch_first=True)
        self.lstm2 = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.linear, self.classifier = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, UNITS)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm2(self.lstm1(x)[0])
        return self.classifier(torch.relu(self.linear(y[:, -1])))


class Deep(nn.Module):
    """Linear layers with numbers of two digits."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(FEATURES, 2, batch_first=True)
        hidden = [module for _ in range(5) for module in (nn.Linear(2, 2), nn.ReLU())]
        self.head = nn.Sequential(*hidden, nn.Linear(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class CellList(nn.Module):
    """Eleven cells, one above the other."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList([nn.LSTMCell(FEATURES if k == 0 else 2, 2) for k in range(11)])

    def forward(self, x: Tensor) -> Tensor:
        states: list = [None] * len(self.cells)
        for t in range(x.shape[1]):
            y = x[:, t]
            for k, cell in enumerate(self.cells):
                states[k] = cell(y, states[k])
                y = states[k][0]
        return y


class Language(nn.Module):
    """The decoder's weight alone could be an embedding; it comes first, and in the alphabet, too."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Linear(UNITS, VOCABULARY, bias=False)
        self.embedding = nn.Embedding(VOCABULARY, UNITS)
        self.lstm = nn.LSTM(UNITS, UNITS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.lstm(self.embedding(x.long().squeeze(-1)))[0][:, -1])


class Projected(nn.Module):
    """A linear layer in front of a recurrent one, without an activation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(FEATURES, 6, bias=False)
        self.gru, self.out = nn.GRU(6, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(self.input(x))[0][:, -1])


class Surrounded(nn.Module):
    """Arrays that belong to no layer, as scripts keep them beside the layers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.rnn, self.fc = lstm(), nn.Linear(UNITS, OUTPUTS)
        self.criterion = nn.CrossEntropyLoss(weight=torch.ones(OUTPUTS))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rnn(x)[0][:, -1])


class TwoDirectionsFirst(nn.Module):
    """Both directions of a layer go into another one, whose last step goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = lstm(bidirectional=True)
        self.gru = nn.GRU(2 * UNITS, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(self.lstm(x)[0])[0][:, -1]


class ActorCritic(nn.Module):
    """Two heads, and a normalisation of one of them, of which no chain can be made."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.norm = nn.Linear(UNITS, 1), nn.LayerNorm(UNITS)
        self.policy, self.rnn = nn.Linear(UNITS, OUTPUTS), lstm()

    def forward(self, x: Tensor) -> Tensor:
        return self.policy(self.rnn(x)[0][:, -1])


class Weights(torch.Tensor):
    """A kind of tensor that only its own program can make."""


class Mode(enum.Enum):
    """Something of a script's own, as its configuration is."""
    FAST = 1


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


def save_beside_objects(weights: OrderedDict[str, Tensor], path: str) -> None:
    """Objects that only their own programs can make, beside the weights."""
    torch.save({"path": pathlib.PosixPath("runs/1"), "date": datetime.datetime(2020, 1, 2),
                "mode": Mode.FAST, "losses": deque([3.0, 2.0], maxlen=5),
                "classes": frozenset(["a"]), "counts": defaultdict(int, a=1),
                "score": numpy.float64(0.5), "config": types.SimpleNamespace(layers=[1, 2]),
                "initial": torch.nn.init.xavier_uniform_, "whole": lstm(), "model": weights}, path)


def save_legacy_protocol_4(weights: object, path: str) -> None:
    torch.save(weights, path, pickle_protocol=4, _use_new_zipfile_serialization=False)


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
    "safetensors_stack": (Stack, save_safetensors),
    "safetensors_deep": (Deep, save_safetensors),
    "safetensors_cells": (CellList, save_safetensors),
    "safetensors_language": (Language, save_safetensors),
    "language": (Language, save),
    "projected": (Projected, save),
    "surrounded": (Surrounded, save),
    "actor_critic": (ActorCritic, save),
    "beside_objects": (lambda: Network(lstm(), [OUTPUTS]), save_beside_objects),
    "two_directions_first": (TwoDirectionsFirst, save),
    "legacy_protocol_4": (lambda: Network(lstm(), [OUTPUTS]), save_legacy_protocol_4),
    "lstm_both_last": (lambda: Network(lstm(bidirectional=True), [OUTPUTS], pooling="last"), save),
    "gru_mean": (lambda: Network(gru(num_layers=2), [6, OUTPUTS], pooling="mean"), save),
    "lstm_both_max": (lambda: Network(lstm(bidirectional=True), [OUTPUTS], embeds=True, pooling="max"), save),
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


def state_dict(**modules: nn.Module) -> OrderedDict[str, Tensor]:
    return nn.ModuleDict(modules).state_dict()


def without(weights: OrderedDict[str, Tensor], part: str) -> OrderedDict[str, Tensor]:
    return OrderedDict((name, w) for name, w in weights.items() if part not in name)


def parametrized() -> nn.Module:
    return nn.utils.parametrizations.orthogonal(nn.Linear(UNITS, UNITS))


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
    "missing_layer": lambda path: save(without(lstm(num_layers=3).state_dict(), "_l1"), path),
    "missing_bias": lambda path: save(without(lstm().state_dict(), "bias_ih"), path),
    "missing_weight": lambda path: save(
        without(state_dict(lstm=lstm(), fc=nn.Linear(UNITS, 1)), "fc.weight"), path),
    "parametrized": lambda path: save(state_dict(lstm=lstm(), fc=parametrized()), path),
    "spectral_norm": lambda path: save(
        state_dict(lstm=lstm(), fc=nn.utils.spectral_norm(nn.Linear(UNITS, 1))), path),
    "prelu": lambda path: save(state_dict(lstm=lstm(), act=nn.PReLU()), path),
    "bilinear": lambda path: save(state_dict(lstm=lstm(), fc=nn.Bilinear(UNITS, UNITS, 1)), path),
    "weight_norm_all": lambda path: save(
        nn.utils.weight_norm(lstm(), "weight_ih_l0").state_dict(), path),
    "subclass": lambda path: save(
        dict(lstm().state_dict(), **{"fc.weight": torch.ones(1, UNITS).as_subclass(Weights)}), path),
    "numpy": lambda path: save(
        {name: w.numpy() for name, w in lstm().state_dict().items()}, path),
    "module_in_dict": lambda path: save({"epoch": 1, "model": lstm()}, path),
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
    if len(sys.argv) > 2 or sys.argv[1:2] == ["--help"]:
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
