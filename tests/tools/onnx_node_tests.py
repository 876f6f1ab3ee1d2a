#!/usr/bin/env python3
"""onnx_node_tests.py: asks a daemon that serves converted node tests of the ONNX project, and
compares what `:state` answers with their data sets. SPDX-License-Identifier: Apache-2.0

usage: onnx_node_tests.py URL FOLDER MODEL...     (run by onnx_node_tests.sh; plain Python)
"""
from __future__ import annotations

import array
import json
import os
import sys
import urllib.request
from dataclasses import dataclass
from typing import Iterator, Union

TOLERANCE = 1e-5
FLOAT, INT32 = 1, 6  # TensorProto.DataType


@dataclass
class Tensor:
    name: str
    shape: list[int]
    values: list[float]

    def rows(self, axis: int) -> list["Tensor"]:
        """The tensor cut along an axis, which goes."""
        shape = self.shape[:axis] + self.shape[axis + 1:]
        inner = 1
        for size in self.shape[axis + 1:]:
            inner *= size
        cut: list[list[float]] = [[] for _ in range(self.shape[axis])]
        for k in range(0, len(self.values), inner):
            cut[k // inner % self.shape[axis]] += self.values[k:k + inner]
        return [Tensor(self.name, shape, values) for values in cut]

    def nested(self) -> object:
        if not self.shape:
            return self.values[0]
        return [row.nested() for row in self.rows(0)]


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, Union[int, bytes]]]:
    """Field numbers and values of a protocol buffer of varints and bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            yield tag >> 3, data[at:at + value]
            at += value
        else:
            yield tag >> 3, value


def read_tensor(path: str) -> Tensor:
    with open(path, "rb") as file:
        found = list(fields(file.read()))
    kind = next(value for number, value in found if number == 2)
    raw = next(value for number, value in found if number == 9)
    name = next((value.decode() for number, value in found if number == 8), "")
    values = array.array({FLOAT: "f", INT32: "i"}[kind], raw)
    return Tensor(name, [value for number, value in found if number == 1], list(values))


def data_set(folder: str, kind: str) -> dict[str, Tensor]:
    """Tensors by the name of the graph's input or output."""
    found = {}
    for k in range(16):
        path = os.path.join(folder, "test_data_set_0", f"{kind}_{k}.pb")
        if os.path.exists(path):
            tensor = read_tensor(path)
            found[tensor.name] = tensor
    return found


def instances(inputs: dict[str, Tensor], batch_first: bool) -> list[object]:
    """A request's instances: each with its length, and its state if the test gives one."""
    rows = inputs["X"].rows(0 if batch_first else 1)
    lengths = inputs["sequence_lens"].values if "sequence_lens" in inputs else None
    made: list[object] = []
    for k, row in enumerate(rows):
        steps = row.nested()[:int(lengths[k]) if lengths else None]
        state = {name[-1]: inputs[name].rows(0)[0].rows(0)[k].nested()
                 for name in ("initial_c", "initial_h") if name in inputs}
        made.append({"input": steps, "initial_state": state} if state else steps)
    return made


def flat(value: object) -> list[float]:
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


def check(url: str, test: str, name: str) -> float:
    """The largest difference of a node test."""
    inputs, wanted = data_set(test, "input"), data_set(test, "output")
    batch_first = name.endswith("batchwise")
    body = json.dumps({"instances": instances(inputs, batch_first)}).encode()
    with urllib.request.urlopen(f"{url}/v1/models/{name}:state", body) as answer:
        found = json.load(answer)
    if not wanted:
        sys.exit(f"{name}: its data set has no output")
    worst = 0.0
    for output, tensor in wanted.items():
        got = flat(found["outputs"] if output == "Y" else found["state"]["h"])
        if len(got) != len(tensor.values):
            sys.exit(f"{name}: {output}: {len(got)} values, expected {len(tensor.values)}")
        worst = max([worst] + [abs(a - b) for a, b in zip(got, tensor.values)])
    return worst


def main() -> None:
    url, folder, models = sys.argv[1], sys.argv[2], sys.argv[3:]
    failed = False
    for model in models:
        name = os.path.basename(model)
        worst = check(url, os.path.join(folder, name), name)
        print(f"{name}: {'ok' if worst <= TOLERANCE else 'FAILED'}, largest difference {worst:.2g}")
        failed |= worst > TOLERANCE
    sys.exit(1 if failed or not models else 0)


if __name__ == "__main__":
    main()
