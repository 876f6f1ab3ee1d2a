"""keras_networks.py: Keras' layers and their formulas, in float64: what the files that
make_keras_goldens.py writes must answer. SPDX-License-Identifier: Apache-2.0"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

FEATURES, UNITS, OUTPUTS, BATCH, STEPS, VOCABULARY = 3, 4, 2, 2, 5, 7
GATES = {"LSTM": "ifco", "GRU": "zrh"}
Array = np.ndarray
random = np.random.default_rng(7)


def weight(*shape: int) -> Array:
    return random.uniform(-0.8, 0.8, shape).astype(np.float32)


# ---- Layers and their formulas -----------------------------------------------------------------

def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "hard_sigmoid_3": lambda x: np.clip(x + 3, 0, 6) / 6,
    "softmax": softmax,
}


@dataclass
class Cell:
    """An LSTM or GRU. gate: the activation of its gates, "_3" being Keras 3's of that name."""
    kind: str
    inputs: int
    gate: str = "sigmoid"
    reset_after: bool = False
    units: int = UNITS
    kernel: Array = field(init=False)
    recurrent: Array = field(init=False)
    bias: Array = field(init=False)

    def __post_init__(self) -> None:
        n = len(GATES[self.kind]) * self.units
        self.kernel, self.recurrent = weight(self.inputs, n), weight(self.units, n)
        self.bias = weight(2, n) if self.reset_after else weight(n)

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        rec = ACTIVATIONS[self.gate]
        k, r, b = (a.astype(np.float64) for a in (self.kernel, self.recurrent, self.bias))
        if self.kind == "LSTM":
            i, f, g, o = np.split(x @ k + h @ r + b, 4, -1)
            c = rec(f) * c + rec(i) * np.tanh(g)
            return rec(o) * np.tanh(c), c
        u = self.units
        bx, bh = (b[0], b[1]) if self.reset_after else (b, 0 * b)
        zr = rec(x @ k[:, :2 * u] + h @ r[:, :2 * u] + bx[:2 * u] + bh[:2 * u])
        z, reset = zr[..., :u], zr[..., u:]
        inner = reset * (h @ r[:, 2 * u:] + bh[2 * u:]) if self.reset_after \
            else (reset * h) @ r[:, 2 * u:]
        return z * h + (1 - z) * np.tanh(x @ k[:, 2 * u:] + bx[2 * u:] + inner), c

    def run(self, xs: Array, mask: Array, backwards: bool) -> Array:
        """[B, T, D] to [B, T, U]; a masked step repeats output and state."""
        h = np.zeros((len(xs), self.units))
        c, out = h, []
        for t in range(xs.shape[1])[::-1 if backwards else 1]:
            h2, c2 = self.step(xs[:, t], h, c)
            keep = mask[:, t, None]
            h, c = np.where(keep, h2, h), np.where(keep, c2, c)
            out.append(h)
        return np.stack(out, 1)

    def config(self, name: str, sequences: bool, backwards: bool = False) -> dict[str, Any]:
        made = {"name": name, "units": self.units, "activation": "tanh", "use_bias": True,
                "recurrent_activation": self.gate.removesuffix("_3"), "unit_forget_bias": True,
                "return_sequences": sequences, "go_backwards": backwards, "stateful": False,
                "dropout": 0.0, "recurrent_dropout": 0.0}
        if self.kind == "GRU":
            made |= {"reset_after": self.reset_after}
        return made


@dataclass
class Layer:
    """A layer: its class and configuration, and its cells or plain weights. reads: which tensor of
    the layer before it is called on, in a functional model."""
    class_name: str
    name: str
    config: dict[str, Any]
    cells: list[Cell] = field(default_factory=list)
    plain: list[tuple[str, Array]] = field(default_factory=list)
    reads: int = 0


def recurrent(name: str, cell: Cell, sequences: bool = False, backwards: bool = False,
              class_name: str = "") -> Layer:
    return Layer(class_name or cell.kind, name, cell.config(name, sequences, backwards), [cell])


def bidirectional(name: str, forward: Cell, backward: Cell, mode: str, sequences: bool) -> Layer:
    inner = {"class_name": forward.kind, "config": forward.config("inner", sequences)}
    return Layer("Bidirectional", name, {"name": name, "layer": inner, "merge_mode": mode},
                 [forward, backward])


def dense(name: str, inputs: int, activation: str, distributed: bool = False) -> Layer:
    config = {"name": name, "units": OUTPUTS, "activation": activation, "use_bias": True}
    plain = [("kernel", weight(inputs, OUTPUTS)), ("bias", weight(OUTPUTS))]
    if distributed:
        return Layer("TimeDistributed", name,
                     {"name": name, "layer": {"class_name": "Dense", "config": config}}, [], plain)
    return Layer("Dense", name, config, [], plain)


def embedding(name: str, mask_zero: bool) -> Layer:
    return Layer("Embedding", name, {"name": name, "input_dim": VOCABULARY, "output_dim": FEATURES,
                                     "mask_zero": mask_zero},
                 [], [("embeddings", weight(VOCABULARY, FEATURES))])


def norm(name: str, n: int, scale: bool = True, center: bool = True) -> Layer:
    plain = [("gamma", weight(n))] if scale else []
    plain += [("beta", weight(n))] if center else []
    plain += [("moving_mean", weight(n)), ("moving_variance", np.abs(weight(n)) + np.float32(0.1))]
    return Layer("BatchNormalization", name,
                 {"name": name, "axis": [-1], "epsilon": 0.01, "scale": scale, "center": center}, [], plain)


def plain_layer(class_name: str, name: str, **config: Any) -> Layer:
    return Layer(class_name, name, {"name": name} | config)


MERGES: dict[str, Callable[[Array, Array], Array]] = {
    "concat": lambda a, b: np.concatenate([a, b], -1), "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b, "ave": lambda a, b: (a + b) / 2}


def answer(layers: list[Layer], xs: Array) -> Array:
    y, mask = xs.astype(np.float64), np.ones(xs.shape[:2], bool)
    for layer in layers:
        config = layer.config
        if layer.reads == 1:  # h, of a layer that gives a sequence
            y = y[:, -1]
        if layer.class_name == "Masking":
            mask = (y != config["mask_value"]).any(-1)
        elif layer.class_name == "Embedding":
            tokens = y[..., 0].astype(int)
            mask = tokens != 0 if config["mask_zero"] else mask
            y = layer.plain[0][1].astype(np.float64)[tokens]
        elif layer.class_name == "Bidirectional":
            outs = [cell.run(y, mask, k == 1) for k, cell in enumerate(layer.cells)]
            merge = MERGES[config["merge_mode"]]
            if config["layer"]["config"]["return_sequences"]:
                y = merge(outs[0], outs[1][:, ::-1])
            else:
                y = merge(outs[0][:, -1], outs[1][:, -1])
        elif layer.cells:
            y = layer.cells[0].run(y, mask, config["go_backwards"])
            y = y if config["return_sequences"] else y[:, -1]
        elif layer.class_name == "BatchNormalization":
            parts = {name: array.astype(np.float64) for name, array in layer.plain}
            y = (y - parts["moving_mean"]) / np.sqrt(parts["moving_variance"] + config["epsilon"])
            y = y * parts.get("gamma", 1) + parts.get("beta", 0)
        elif layer.plain:
            inner = config["layer"]["config"] if "layer" in config else config
            y = ACTIVATIONS[inner["activation"]](y @ layer.plain[0][1] + layer.plain[1][1])
        elif layer.class_name == "GlobalAveragePooling1D":
            y = (y * mask[..., None]).sum(1) / mask.sum(1)[:, None]
        elif layer.class_name == "GlobalMaxPooling1D":
            y = y.max(1)
        elif layer.class_name in ("Activation", "Softmax", "ReLU"):
            y = ACTIVATIONS[config.get("activation", layer.class_name.lower())](y)
    return y
