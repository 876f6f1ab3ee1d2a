#!/usr/bin/env python3
"""make_cell_goldens.py: writes tests/data/golden/cell_golden.json: what PyTorch computes for the
cells beyond BasicLSTMCell and GRUCell. SPDX-License-Identifier: Apache-2.0

usage: make_cell_goldens.py [OUT_FILE]      (needs Debian's python3-torch; tests need no PyTorch)

nn.LSTM with proj_size and nn.GRU are PyTorch's own, called below their modules so that the weights
can be ours. Peepholes and clips it does not have: those cells are TensorFlow 1's LSTMCell.call,
written down here and differentiated by PyTorch, whose clamp has the gradient of clip_by_value.
Everything is float64; weights and inputs are float32 values.
"""
from __future__ import annotations

import json
import sys
from typing import Callable

import torch
from torch import Tensor

FEATURES, UNITS, BATCH, TIME = 3, 4, 3, 4
LENGTHS = [4, 2, 3]
Tensors = dict[str, Tensor]
# One step: x [D], c [U], h [H] to the new c and h.
Step = Callable[[Tensors, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def uniform(*shape: int) -> Tensor:
    return (torch.rand(*shape) * 2 - 1).float().double()


def lstm_step(keys: dict) -> Step:
    """TensorFlow 1 python/ops/rnn_cell_impl.py, LSTMCell.call."""
    def step(w: Tensors, x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        i, j, f, o = (torch.cat([x, h]) @ w["kernel"] + w["bias"]).split(UNITS)
        f = f + keys["forget_bias"]
        if "use_peepholes" in keys:
            i, f = i + w["w_i_diag"] * c, f + w["w_f_diag"] * c
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(j)
        if "cell_clip" in keys:
            c = c.clamp(-keys["cell_clip"], keys["cell_clip"])
        if "use_peepholes" in keys:
            o = o + w["w_o_diag"] * c
        m = torch.sigmoid(o) * torch.tanh(c)
        if "num_proj" in keys:
            m = m @ w["projection/kernel"]
        if "proj_clip" in keys:
            m = m.clamp(-keys["proj_clip"], keys["proj_clip"])
        return c, m
    return step


def blocks(w: Tensor, order: list[int]) -> Tensor:
    """The gates, which lie one behind the other in the first dimension, in another order."""
    parts = w.split(UNITS)
    return torch.cat([parts[k] for k in order])


def torch_lstm_step(keys: dict) -> Step:
    """nn.LSTM's gates are i, f, g, o in rows; ours i, j, f, o in columns."""
    def step(w: Tensors, x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        order = [0, 2, 1, 3]
        weights = [blocks(w["kernel"][:FEATURES].T, order), blocks(w["kernel"][FEATURES:].T, order),
                   blocks(w["bias"], order), torch.zeros(4 * UNITS), w["projection/kernel"].T]
        y, _, c = torch._VF.lstm(x[None, None], (h[None, None], c[None, None]), weights, True, 1,
                                 0.0, False, False, False)
        return c[0, 0], y[0, 0]
    return step


def torch_gru_step(keys: dict) -> Step:
    """nn.GRU's gates are r, z, n; z is our u. Its two biases of r and z add up."""
    def step(w: Tensors, x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        gates, inputs = w["gates/kernel"], "candidate/input_projection/"
        hidden = "candidate/hidden_projection/"
        weights = [torch.cat([gates[:FEATURES].T, w[inputs + "kernel"].T]),
                   torch.cat([gates[FEATURES:].T, w[hidden + "kernel"].T]),
                   torch.cat([w["gates/bias"], w[inputs + "bias"]]),
                   torch.cat([torch.zeros(2 * UNITS), w[hidden + "bias"]])]
        y, _ = torch._VF.gru(x[None, None], h[None, None], weights, True, 1, 0.0, False, False,
                             False)
        return c, y[0, 0]
    return step


def lstm_tensors(keys: dict) -> Tensors:
    outputs = keys.get("num_proj", UNITS)
    tensors = {"kernel": uniform(FEATURES + outputs, 4 * UNITS), "bias": uniform(4 * UNITS)}
    if "use_peepholes" in keys:
        tensors |= {name: uniform(UNITS) for name in ("w_i_diag", "w_f_diag", "w_o_diag")}
    if "num_proj" in keys:
        tensors["projection/kernel"] = uniform(UNITS, outputs)
    return tensors


def gru_tensors(keys: dict) -> Tensors:
    return {"gates/kernel": uniform(FEATURES + UNITS, 2 * UNITS), "gates/bias": uniform(2 * UNITS),
            "candidate/input_projection/kernel": uniform(FEATURES, UNITS),
            "candidate/input_projection/bias": uniform(UNITS),
            "candidate/hidden_projection/kernel": uniform(UNITS, UNITS),
            "candidate/hidden_projection/bias": uniform(UNITS)}


def flat(values: Tensor) -> list[float]:
    return [float(v) for v in values.detach().reshape(-1)]


def make_case(name: str, keys: dict, make_step: Callable[[dict], Step]) -> dict:
    """Outputs (zero past a sequence's length), final states and the gradients of the mean squared
    error of the final h."""
    is_lstm = keys["type"] == "lstm"
    outputs = keys.get("num_proj", UNITS)
    tensors = lstm_tensors(keys) if is_lstm else gru_tensors(keys)
    for tensor in tensors.values():
        tensor.requires_grad_()
    x, step = uniform(BATCH, TIME, FEATURES), make_step(keys)
    c0, h0, targets = uniform(BATCH, UNITS), uniform(BATCH, outputs), uniform(BATCH, outputs)
    y, states, loss = torch.zeros(BATCH, TIME, outputs), [], torch.zeros(())
    for b in range(BATCH):
        c, h = c0[b], h0[b]
        for t in range(LENGTHS[b]):
            c, h = step(tensors, x[b, t], c, h)
            y[b, t] = h.detach()
        states.append(torch.cat([c, h]) if is_lstm else h)
        loss = loss + ((h - targets[b]) ** 2).mean() / BATCH
    loss.backward()
    initial = torch.cat([c0, h0], 1) if is_lstm else h0
    return {"name": name, "layer": keys, "x": flat(x), "initial_state": flat(initial),
            "targets": flat(targets), "tensors": {k: flat(v) for k, v in tensors.items()},
            "outputs": flat(y), "final_state": flat(torch.stack(states)), "loss": float(loss),
            "gradients": {k: flat(v.grad) for k, v in tensors.items()}}


def main() -> None:
    torch.manual_seed(6)
    torch.set_default_dtype(torch.float64)
    lstm = {"type": "lstm", "forget_bias": 0.0}
    full = {"use_peepholes": True, "num_proj": 3, "cell_clip": 0.5, "proj_clip": 0.25}
    cases = [
        make_case("torch_lstm_proj_size", lstm | {"num_proj": 2}, torch_lstm_step),
        make_case("torch_gru", {"type": "gru", "reset_after": True}, torch_gru_step),
        make_case("peepholes", lstm | {"forget_bias": 1.0, "use_peepholes": True}, lstm_step),
        make_case("everything", lstm | full | {"forget_bias": 1.0}, lstm_step),
    ]
    golden = {"generator": f"make_cell_goldens.py with PyTorch {torch.__version__}, float64",
              "features": FEATURES, "units": UNITS, "batch": BATCH, "time": TIME,
              "lengths": LENGTHS, "cases": cases}
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/golden/cell_golden.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
