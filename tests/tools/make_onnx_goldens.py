#!/usr/bin/env python3
"""make_onnx_goldens.py: writes tests/data/onnx/: small ONNX files, and what they compute
(goldens.json). SPDX-License-Identifier: Apache-2.0

usage: make_onnx_goldens.py [OUT_FOLDER]      (needs Debian's python3-onnx and python3-torch; the
tests need neither)

Graphs of single nodes, as the ONNX project's own node tests have them, are built with python3-onnx;
their outputs come from the formulas of onnx/docs/Operators.md in double precision (rnn() below).
Graphs with the constants and rearrangements of an exporter are written by torch.onnx.export(), and
their outputs are PyTorch's. States are listed as lstmd lists them: c then h of each LSTM, h of each
GRU, the backward direction of a layer behind its forward one.
"""
from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import dataclass, field
from typing import Callable, Optional

import numpy as np
import onnx
import onnx.external_data_helper
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

Array = np.ndarray
FEATURES, UNITS, BATCH, STEPS, OUTPUTS, VOCABULARY = 3, 2, 2, 4, 2, 5

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
    "Relu": lambda x: np.maximum(x, 0),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "HardSigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}


# ---- The formulas of Operators.md ---------------------------------------------------------------

def lstm_step(x: Array, state: list[Array], w: Array, r: Array, b: Array, p: Array,
              names: list[str], reset_after: bool) -> list[Array]:
    f, g, h = (ACTIVATIONS[name] for name in names)
    n = r.shape[1]
    hidden, c = state
    i_in, o_in, f_in, c_in = np.split(x @ w.T + hidden @ r.T + b[:4 * n] + b[4 * n:], 4, -1)
    p_i, p_o, p_f = np.split(p, 3)
    c_next = f(f_in + p_f * c) * c + f(i_in + p_i * c) * g(c_in)
    return [f(o_in + p_o * c_next) * h(c_next), c_next]


def gru_step(x: Array, state: list[Array], w: Array, r: Array, b: Array, p: Array,
             names: list[str], reset_after: bool) -> list[Array]:
    f, g = (ACTIVATIONS[name] for name in names)
    n = r.shape[1]
    hidden = state[0]
    wz, wr, wh = np.split(x @ w.T + b[:3 * n], 3, -1)
    rz, rr, rh = np.split(r, 3)
    bz, br, bh = np.split(b[3 * n:], 3)
    z, reset = f(wz + hidden @ rz.T + bz), f(wr + hidden @ rr.T + br)
    new = g(wh + reset * (hidden @ rh.T + bh)) if reset_after else g(
        wh + (reset * hidden) @ rh.T + bh)
    return [(1 - z) * new + z * hidden]


@dataclass
class Rnn:
    """One node: its weights, and what it computes."""
    op: str
    directions: list[str]
    w: Array
    r: Array
    b: Optional[Array] = None
    p: Optional[Array] = None
    activations: Optional[list[str]] = None
    reset_after: bool = False

    def run(self, x: Array, lengths: Optional[list[int]] = None,
            initial: Optional[list[Array]] = None) -> tuple[Array, list[list[Array]]]:
        """x [B, T, I]; initial [directions, B, H] of h (and c). Gives Y [B, T, directions, H] and,
        for each direction, [h, c] or [h]."""
        step, n_states = (lstm_step, 2) if self.op == "LSTM" else (gru_step, 1)
        units, each = self.r.shape[2], 3 if self.op == "LSTM" else 2
        names = self.activations or ["Sigmoid", "Tanh", "Tanh"][:each] * len(self.directions)
        y = np.zeros((x.shape[0], x.shape[1], len(self.directions), units))
        finals = []
        for d, direction in enumerate(self.directions):
            b = self.b[d] if self.b is not None else np.zeros(2 * self.w.shape[1])
            p = self.p[d] if self.p is not None else np.zeros(3 * units)
            final = [np.zeros((x.shape[0], units)) for _ in range(n_states)]
            for row in range(x.shape[0]):
                state = [s[d, row].astype(float) for s in initial] if initial else [
                    np.zeros(units) for _ in range(n_states)]
                n = lengths[row] if lengths else x.shape[1]
                for t in range(n) if direction == "forward" else reversed(range(n)):
                    state = step(x[row, t], state, self.w[d], self.r[d], b, p,
                                 names[d * each:(d + 1) * each], self.reset_after)
                    y[row, t, d] = state[0]
                for k in range(n_states):
                    final[k][row] = state[k]
            finals.append(final)
        return y, finals


def written(values: Array) -> list[float]:
    """Flat, with digits enough to tell float32 numbers apart."""
    return [round(float(value), 10) for value in np.asarray(values).flatten()]


def listed(finals: list[list[Array]]) -> Array:
    """[B, state_size] in lstmd's order."""
    return np.concatenate([part for final in finals for part in reversed(final)], -1)


# ---- Graphs of single nodes ---------------------------------------------------------------------

@dataclass
class Case:
    """A graph being built, and its golden."""
    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    opset: int = 14
    dtype: type = np.float32
    golden: dict[str, object] = field(default_factory=dict)

    def numbers(self, *shape: int) -> Array:
        values = self.random.uniform(-0.9, 0.9, shape)
        return values.astype(self.dtype).astype(np.float64)

    def constant(self, name: str, value: Array) -> str:
        value = np.asarray(value)
        if value.dtype == np.float64:
            value = value.astype(self.dtype)
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def add(self, op: str, inputs: list[str], outputs: list[str], **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, outputs, **attributes))
        return outputs[0]

    def take(self, name: str, shape: list[object], dtype: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "network", self.inputs, [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.initializers)
        return helper.make_model(graph, producer_name="make_onnx_goldens",
                                 opset_imports=[helper.make_opsetid("", self.opset)])

    def rnn(self, op: str, features: int = FEATURES, directions: tuple[str, ...] = ("forward",),
            bias: bool = True, peepholes: bool = False, **options: object) -> Rnn:
        gates, n = 4 if op == "LSTM" else 3, len(directions)
        return Rnn(op, list(directions), self.numbers(n, gates * UNITS, features),
                   self.numbers(n, gates * UNITS, UNITS),
                   self.numbers(n, 2 * gates * UNITS) if bias else None,
                   self.numbers(n, 3 * UNITS) if peepholes else None, **options)

    def node(self, rnn: Rnn, x: str, outputs: list[str], name: str = "", lengths: str = "",
             initial: tuple[str, ...] = (), **attributes: object) -> None:
        """The node with its weights as initializers."""
        inputs = [x, self.constant(name + "W", rnn.w), self.constant(name + "R", rnn.r),
                  self.constant(name + "B", rnn.b) if rnn.b is not None else "", lengths, *initial]
        if rnn.p is not None:
            inputs += [""] * (7 - len(inputs)) + [self.constant(name + "P", rnn.p)]
        while inputs[-1] == "":
            inputs.pop()
        if len(rnn.directions) == 2:
            attributes["direction"] = "bidirectional"
        elif rnn.directions[0] != "forward":
            attributes["direction"] = rnn.directions[0]
        if rnn.activations:
            attributes["activations"] = rnn.activations
        if rnn.reset_after:
            attributes["linear_before_reset"] = 1
        self.add(rnn.op, inputs, outputs, name=name + rnn.op.lower(), hidden_size=UNITS,
                 **attributes)

    def expect(self, x: Array, outputs: Array, final: Optional[Array] = None,
               initial: Optional[Array] = None, lengths: Optional[list[int]] = None) -> None:
        self.golden = {"steps": x.shape[1], "features": x.shape[2],
                       "values": outputs[0].size, "inputs": written(x),
                       "outputs": written(outputs),
                       "lengths": lengths or [x.shape[1]] * x.shape[0]}
        if final is not None:
            self.golden["final"] = written(final)
        if initial is not None:
            self.golden["initial"] = written(initial)


TIME_FIRST, BATCH_FIRST = ["time", "batch", FEATURES], ["batch", "time", FEATURES]
BOTH = ("forward", "reverse")


def single(case: Case, op: str, whole: bool, directions: tuple[str, ...] = ("forward",),
           **options: object) -> onnx.ModelProto:
    """One node; its output is Y or Y_h with the axis of directions still there."""
    rnn, x = case.rnn(op, directions=directions, **options), case.numbers(BATCH, STEPS, FEATURES)
    y, finals = rnn.run(x)
    case.node(rnn, case.take("X", TIME_FIRST), ["Y", ""] if whole else ["", "Y_h"])
    if len(directions) == 1:
        case.expect(x, y[:, :, 0] if whole else finals[0][0], listed(finals))
        return case.model(["Y" if whole else "Y_h"])
    # The directions side by side, as exporters join them.
    if whole:
        case.add("Transpose", ["Y"], ["turned"], perm=[0, 2, 1, 3])
    else:
        case.add("Transpose", ["Y_h"], ["turned"], perm=[1, 0, 2])
    shape = case.constant("shape", np.array([0, 0, -1] if whole else [0, -1], np.int64))
    case.add("Reshape", ["turned", shape], ["joined"])
    case.expect(x, y.reshape(BATCH, STEPS, -1) if whole else np.concatenate(
        [final[0] for final in finals], -1), listed(finals))
    return case.model(["joined"])


def batchwise(case: Case, op: str) -> onnx.ModelProto:
    rnn, x = case.rnn(op, bias=False), case.numbers(BATCH, STEPS, FEATURES)
    y, finals = rnn.run(x)
    case.node(rnn, case.take("X", BATCH_FIRST), ["Y", "Y_h"], layout=1)
    case.expect(x, y[:, :, 0], listed(finals))
    return case.model(["Y", "Y_h"])


def given_state(case: Case, op: str, peepholes: bool,
                directions: tuple[str, ...] = ("forward",)) -> onnx.ModelProto:
    """Lengths and initial states are inputs of the graph."""
    rnn = case.rnn(op, directions=directions, peepholes=peepholes)
    x, lengths, n = case.numbers(BATCH, STEPS, FEATURES), [STEPS - 2, STEPS], len(directions)
    names = ("initial_h", "initial_c")[:2 if op == "LSTM" else 1]
    initial = [case.numbers(n, BATCH, UNITS) for _ in names]
    y, finals = rnn.run(x, lengths, initial)
    case.take("X", TIME_FIRST)
    case.take("sequence_lens", ["batch"], TensorProto.INT32)
    for name in names:
        case.take(name, [n, "batch", UNITS])
    case.node(rnn, "X", ["Y", "Y_h"], lengths="sequence_lens", initial=names)
    case.add("Transpose", ["Y"], ["turned"], perm=[2, 0, 1, 3])
    case.add("Reshape", ["turned", case.constant("shape", np.array([0, 0, n * UNITS], np.int64))],
             ["joined"])
    case.expect(x, y.reshape(BATCH, STEPS, -1), listed(finals),
                listed([[s[d] for s in initial] for d in range(n)]), lengths)
    return case.model(["joined", "Y_h"])


def halves(case: Case) -> onnx.ModelProto:
    """The final outputs of both directions, taken from Y: the last step of one, the first of the
    other."""
    rnn, x = case.rnn("LSTM", directions=BOTH), case.numbers(BATCH, STEPS, FEATURES)
    _, finals = rnn.run(x)
    case.node(rnn, case.take("X", BATCH_FIRST), ["Y"], layout=1)
    case.add("Flatten", ["X"], ["unused"])
    case.add("Reshape", ["Y", case.constant("shape", np.array([0, 0, 2 * UNITS], np.int64))],
             ["joined"])
    for name, at, begin in (("last", -1, 0), ("first", 0, UNITS)):
        case.add("Gather", ["joined", case.constant(name + "_at", np.array(at, np.int64))],
                 [name + "_step"], axis=1)
        case.add("Slice", [name + "_step"] + [
            case.constant(f"{name}_{k}", np.array([v], np.int64))
            for k, v in (("begin", begin), ("end", begin + UNITS), ("axis", 1))], [name])
    case.add("Concat", ["last", "first"], ["both"], axis=-1)
    case.expect(x, np.concatenate([final[0] for final in finals], -1), listed(finals))
    return case.model(["both"])


def paired(case: Case, op: str, n_layers: int, whole: bool,
           order: tuple[str, str] = BOTH) -> onnx.ModelProto:
    """The directions of each layer as two nodes, in this order, and a Concat, forward first."""
    x = case.numbers(BATCH, STEPS, FEATURES)
    x_name, y, states = case.take("X", TIME_FIRST), x, []
    for k in range(n_layers):
        halves, parts = {}, {}
        for direction in order:
            name = f"{direction}{k}"
            rnn = case.rnn(op, y.shape[2], (direction,))
            halves[direction] = rnn.run(y)
            case.node(rnn, x_name, [name + "_Y", name + "_Y_h"], name=name + "_")
            is_last = k == n_layers - 1 and not whole
            axis = case.constant(name + "_axis", np.array([0 if is_last else 1], np.int64))
            parts[direction] = case.add("Squeeze", [name + ("_Y_h" if is_last else "_Y"), axis],
                                        [name])
        x_name = case.add("Concat", [parts[d] for d in BOTH], [f"joined{k}"], axis=-1)
        y = np.concatenate([halves[d][0][:, :, 0] for d in BOTH], -1)
        states += [halves[d][1][0] for d in BOTH]
    case.expect(x, y if whole else np.concatenate([final[0] for final in states[-2:]], -1),
                listed(states))
    return case.model([x_name])


def merged(case: Case, how: str, opset: int = 14) -> onnx.ModelProto:
    case.opset = opset
    rnn, x = case.rnn("LSTM", directions=BOTH), case.numbers(BATCH, STEPS, FEATURES)
    y, finals = rnn.run(x)
    case.node(rnn, case.take("X", TIME_FIRST), ["Y"])
    if how == "ReduceSum":
        axes = case.constant("axes", np.array([1], np.int64))
        case.add(how, ["Y", axes], ["Z"], keepdims=0)
        case.expect(x, y.sum(2), listed(finals))
        return case.model(["Z"])
    case.add("Split", ["Y"], ["fw", "bw"], axis=1, **{"num_outputs": 2} if opset >= 18 else {})
    case.add("Add" if how == "Div" else how, ["fw", "bw"], ["Z"])
    if how in ("Add", "Div"):
        factor = case.constant("half", np.array(0.5)) if how == "Add" else case.constant("two", np.array(2.0))
        case.add("Mul" if how == "Add" else "Div", ["Z", factor], ["A"])
        case.expect(x, y.mean(2), listed(finals))
        return case.model(["A"])
    case.expect(x, y.prod(2), listed(finals))
    return case.model(["Z"])


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def classifier(case: Case, opset: int = 13) -> onnx.ModelProto:
    """As tf2onnx writes Keras's LSTM and Dense."""
    case.opset = opset
    rnn, x = case.rnn("LSTM"), case.numbers(BATCH, STEPS, FEATURES)
    kernel, bias = case.numbers(UNITS, OUTPUTS), case.numbers(OUTPUTS)
    _, finals = rnn.run(x)
    case.take("X", BATCH_FIRST)
    case.add("Transpose", ["X"], ["turned"], perm=[1, 0, 2])
    case.node(rnn, "turned", ["", "Y_h"])
    if opset < 13:
        case.add("Squeeze", ["Y_h"], ["h"], axes=[0])
    else:
        case.add("Squeeze", ["Y_h", case.constant("axes", np.array([0], np.int64))], ["h"])
    case.add("MatMul", ["h", case.constant("kernel", kernel)], ["product"])
    case.add("Add", ["product", case.constant("bias", bias)], ["logits"])
    case.add("Softmax", ["logits"], ["p"])
    case.expect(x, softmax(finals[0][0] @ kernel + bias), listed(finals))
    return case.model(["p"])


def half(case: Case) -> onnx.ModelProto:
    case.dtype = np.float16
    return classifier(case)


def typed(case: Case) -> onnx.ModelProto:
    """Numbers in float_data, not in raw_data."""
    model = classifier(case)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).flatten().tolist()
            tensor.ClearField("raw_data")
            tensor.float_data.extend(values)
        else:
            values = numpy_helper.to_array(tensor).flatten().tolist()
            tensor.ClearField("raw_data")
            tensor.int64_data.extend(values)
    return model


def rows(case: Case) -> onnx.ModelProto:
    """A dense layer over all rows at once, then an activation of its own, then back."""
    rnn, x = case.rnn("LSTM"), case.numbers(BATCH, STEPS, FEATURES)
    kernel, bias = case.numbers(OUTPUTS, UNITS), case.numbers(OUTPUTS)
    y, finals = rnn.run(x)
    case.node(rnn, case.take("X", ["batch", STEPS, FEATURES]), ["Y"], layout=1)
    case.add("Relu", ["Y"], ["positive"])
    case.add("Reshape", ["positive", case.constant("flat", np.array([-1, UNITS], np.int64))],
             ["rows"])
    case.add("Gemm", ["rows", case.constant("kernel", kernel), case.constant("bias", bias)],
             ["product"], transB=1)
    case.add("HardSigmoid", ["product"], ["hard"])
    case.add("Reshape", ["hard", case.constant("back", np.array([-1, STEPS, OUTPUTS], np.int64))],
             ["Z"])
    case.expect(x, np.clip(0.2 * (np.maximum(y[:, :, 0], 0) @ kernel.T + bias) + 0.5, 0, 1),
                listed(finals))
    return case.model(["Z"])


def embedded(case: Case) -> onnx.ModelProto:
    rnn, table = case.rnn("GRU"), case.numbers(VOCABULARY, FEATURES)
    ids = case.random.integers(0, VOCABULARY, (BATCH, STEPS))
    _, finals = rnn.run(table[ids])
    case.take("ids", ["batch", "time"], TensorProto.INT32)
    case.add("Cast", ["ids"], ["whole"], to=TensorProto.INT64)
    case.add("Gather", [case.constant("table", table), "whole"], ["vectors"])
    case.add("Transpose", ["vectors"], ["turned"], perm=[1, 0, 2])
    case.node(rnn, "turned", ["Y"])
    case.add("Slice", ["Y"] + [case.constant(k, np.array([v], np.int64)) for k, v in (
        ("begin", -1), ("end", 2**63 - 1), ("axis", 0))], ["last"])
    case.add("Squeeze", ["last", case.constant("axes", np.array([0, 1], np.int64))], ["h"])
    case.expect(ids[:, :, None].astype(float), finals[0][0], listed(finals))
    return case.model(["h"])


def branched(case: Case) -> onnx.ModelProto:
    """torch's squeeze(1): an If that asks for the size of the axis."""
    rnn, x = case.rnn("LSTM"), case.numbers(BATCH, STEPS, FEATURES)
    y, finals = rnn.run(x)
    case.node(rnn, case.take("X", TIME_FIRST), ["Y"])
    case.add("Shape", ["Y"], ["shape"])
    case.add("Gather", ["shape", case.constant("at", np.array(1, np.int64))], ["size"])
    case.add("Equal", ["size", case.constant("one", np.array(1, np.int64))], ["is_one"])
    axes = case.constant("axes", np.array([1], np.int64))
    branches = [helper.make_graph([node], name, [], [helper.make_tensor_value_info(
        name + "_out", TensorProto.FLOAT, None)]) for name, node in (
            ("yes", helper.make_node("Squeeze", ["Y", axes], ["yes_out"])),
            ("no", helper.make_node("Identity", ["Y"], ["no_out"])))]
    case.add("If", ["is_one"], ["Z"], then_branch=branches[0], else_branch=branches[1])
    case.expect(x, y[:, :, 0], listed(finals))
    return case.model(["Z"])


def stacked(case: Case) -> onnx.ModelProto:
    """Two layers of both directions, each joined; GRU over LSTM."""
    first = case.rnn("LSTM", directions=BOTH)
    second = case.rnn("GRU", 2 * UNITS, BOTH, reset_after=True)
    x = case.numbers(BATCH, STEPS, FEATURES)
    y, finals = first.run(x)
    y, more = second.run(y.reshape(BATCH, STEPS, -1))
    shape = case.constant("shape", np.array([0, 0, -1], np.int64))
    x_name = case.take("X", TIME_FIRST)
    for k, rnn in enumerate((first, second)):
        case.node(rnn, x_name, [f"Y{k}"], name=f"layer{k}_")
        case.add("Transpose", [f"Y{k}"], [f"turned{k}"], perm=[0, 2, 1, 3])
        x_name = case.add("Reshape", [f"turned{k}", shape], [f"joined{k}"])
    case.expect(x, y.reshape(BATCH, STEPS, -1), listed(finals + more))
    return case.model([x_name])


def states(case: Case) -> onnx.ModelProto:
    """Two layers whose states are outputs, too, the one that predictions are at the end."""
    first, second = case.rnn("LSTM"), case.rnn("GRU", UNITS)
    x = case.numbers(BATCH, STEPS, FEATURES)
    y, finals = first.run(x)
    _, more = second.run(y[:, :, 0])
    case.node(first, case.take("X", TIME_FIRST), ["Y0", "h0", "c0"], name="first_")
    case.add("Squeeze", ["Y0", case.constant("axes", np.array([1], np.int64))], ["y0"])
    case.node(second, "y0", ["", "h1"], name="second_")
    case.expect(x, more[0][0], listed(finals + more))
    return case.model(["h0", "c0", "h1"])


NODES: dict[str, Callable[[Case], onnx.ModelProto]] = {
    "lstm_defaults": lambda c: single(c, "LSTM", False, bias=False),
    "lstm_bias": lambda c: single(c, "LSTM", True),
    "lstm_batchwise": lambda c: batchwise(c, "LSTM"),
    "lstm_state": lambda c: given_state(c, "LSTM", False),
    "lstm_peepholes": lambda c: given_state(c, "LSTM", True),
    "lstm_reverse": lambda c: single(c, "LSTM", False, ("reverse",)),
    "lstm_reverse_sequence": lambda c: single(c, "LSTM", True, ("reverse",)),
    "lstm_bidirectional": lambda c: single(c, "LSTM", True, BOTH),
    "lstm_bidirectional_final": lambda c: single(c, "LSTM", False, BOTH),
    "lstm_bidirectional_state": lambda c: given_state(c, "LSTM", True, BOTH),
    "lstm_halves": halves,
    "lstm_sum": lambda c: merged(c, "ReduceSum"),
    "lstm_product": lambda c: merged(c, "Mul"),
    "lstm_mean": lambda c: merged(c, "Add"),
    "lstm_activations": lambda c: single(c, "LSTM", True, activations=[
        "HardSigmoid", "Softsign", "Softsign"]),
    "gru_defaults": lambda c: single(c, "GRU", False, bias=False),
    "gru_bias": lambda c: single(c, "GRU", True),
    "gru_batchwise": lambda c: batchwise(c, "GRU"),
    "gru_state": lambda c: given_state(c, "GRU", False),
    "gru_reset_after": lambda c: single(c, "GRU", True, reset_after=True),
    "gru_activations": lambda c: single(c, "GRU", True, activations=["HardSigmoid", "Relu"]),
    "gru_bidirectional": lambda c: single(c, "GRU", False, BOTH),
    "classifier": classifier,
    "classifier_opset_9": lambda c: classifier(c, 9),
    "half": half,
    "typed": typed,
    "rows": rows,
    "embedding": embedded,
    "branch": branched,
    "stacked": stacked,
    "pair_lstm": lambda c: paired(c, "LSTM", 1, True),
    "pair_lstm_layers": lambda c: paired(c, "LSTM", 2, False),
    "pair_gru_reverse_first": lambda c: paired(c, "GRU", 2, True, ("reverse", "forward")),
    "classifier_opset_17": lambda c: classifier(c, 17),
    "classifier_opset_24": lambda c: classifier(c, 24),
    "lstm_mean_opset_18": lambda c: merged(c, "Add", 18),
    "states": states,
    "lstm_halved": lambda c: merged(c, "Div"),
}


def make_node_case(folder: str, name: str) -> dict[str, object]:
    case = Case(np.random.default_rng(list(NODES).index(name)))
    onnx.save(NODES[name](case), os.path.join(folder, name + ".onnx"))
    return case.golden


def make_external(folder: str) -> dict[str, object]:
    """Weights in a file beside the model."""
    case = Case(np.random.default_rng(100))
    model = classifier(case)
    onnx.external_data_helper.convert_model_to_external_data(
        model, all_tensors_to_one_file=True, location="external.data", size_threshold=0)
    path = os.path.join(folder, "external.data")
    if os.path.exists(path):
        os.remove(path)
    onnx.save(model, os.path.join(folder, "external.onnx"))
    return case.golden


def make_given(folder: str) -> dict[str, object]:
    """Weights that are inputs of the graph, their values beside it: the form of the node tests of
    the ONNX project."""
    case = Case(np.random.default_rng(101))
    rnn, x = case.rnn("GRU"), case.numbers(BATCH, STEPS, FEATURES)
    _, finals = rnn.run(x)
    values = {"X": x.transpose(1, 0, 2), "W": rnn.w, "R": rnn.r, "B": rnn.b}
    os.makedirs(os.path.join(folder, "given_data"), exist_ok=True)
    for k, (name, value) in enumerate(values.items()):
        case.take(name, list(value.shape))
        with open(os.path.join(folder, "given_data", f"input_{k}.pb"), "wb") as file:
            file.write(numpy_helper.from_array(value.astype(np.float32)).SerializeToString())
    case.add("GRU", list(values), ["", "Y_h"], hidden_size=UNITS)
    onnx.save(case.model(["Y_h"]), os.path.join(folder, "given.onnx"))
    case.expect(x, finals[0][0], listed(finals))
    return case.golden


# ---- Graphs of torch.onnx.export() --------------------------------------------------------------

class Network(nn.Module):
    """A recurrent module and a linear layer over all steps, the last one, the final states, or what pools them."""

    def __init__(self, rnn: nn.Module, reads: str) -> None:
        super().__init__()
        self.rnn, self.reads = rnn, reads
        self.fc = nn.Linear(UNITS * (2 if rnn.bidirectional else 1), OUTPUTS)
        if reads == "norm":
            self.norm, self.out_norm = nn.BatchNorm1d(UNITS), nn.BatchNorm1d(OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        y, state = self.rnn(x)
        h = state[0] if isinstance(state, tuple) else state
        if self.reads == "last":
            y = y[:, -1] if self.rnn.batch_first else y[-1]
        elif self.reads == "states":
            y = torch.cat([h[-2], h[-1]], 1) if self.rnn.bidirectional else h[-1]
        elif self.reads == "halves":
            y = torch.cat([y[:, -1, :UNITS], y[:, 0, UNITS:]], 1)
        elif self.reads == "mean":
            y = y.mean(1 if self.rnn.batch_first else 0)
        elif self.reads == "max":
            y = y.max(1 if self.rnn.batch_first else 0).values
        elif self.reads == "pool":
            y = nn.functional.adaptive_max_pool1d(y.transpose(1, 2), 1).squeeze(2)
        elif self.reads == "average":
            return nn.functional.adaptive_avg_pool1d(torch.tanh(self.fc(y)).transpose(1, 2), 1).squeeze(2)
        elif self.reads == "log":
            return torch.log_softmax(self.fc(h[-1]), 1)
        elif self.reads == "norm":
            return torch.tanh(self.out_norm(self.fc(self.norm(h[-1]))))
        return torch.relu(self.fc(y))


# name: (module, options, what is read, operator set, constants folded, sizes left open)
TORCH: dict[str, tuple[type[nn.Module], dict[str, object], str, int, bool, bool]] = {
    "torch_lstm_9": (nn.LSTM, {}, "last", 9, False, True),
    "torch_lstm_11": (nn.LSTM, {"batch_first": True}, "sequence", 11, False, True),
    "torch_lstm_13": (nn.LSTM, {"batch_first": True}, "states", 13, False, False),
    "torch_lstm_16": (nn.LSTM, {"batch_first": True}, "last", 16, True, True),
    "torch_lstm_layers_11": (nn.LSTM, {"num_layers": 2}, "last", 11, False, True),
    "torch_lstm_layers_16": (nn.LSTM, {"num_layers": 2, "batch_first": True}, "sequence", 16, True,
                             True),
    "torch_gru_9": (nn.GRU, {"batch_first": True}, "last", 9, True, True),
    "torch_gru_13": (nn.GRU, {}, "sequence", 13, False, False),
    "torch_gru_layers_16": (nn.GRU, {"num_layers": 2}, "states", 16, False, True),
    "torch_lstm_both_9": (nn.LSTM, {"bidirectional": True}, "sequence", 9, True, True),
    "torch_lstm_both_13": (nn.LSTM, {"bidirectional": True, "num_layers": 2}, "states", 13, False,
                           True),
    "torch_lstm_halves_16": (nn.LSTM, {"bidirectional": True, "batch_first": True}, "halves", 16,
                             True, True),
    "torch_gru_both_11": (nn.GRU, {"bidirectional": True, "num_layers": 2, "batch_first": True},
                          "states", 11, False, True),
    "torch_lstm_both_last_11": (nn.LSTM, {"bidirectional": True, "batch_first": True}, "last", 11, False, True),
    "torch_gru_mean_9": (nn.GRU, {}, "mean", 9, True, True),
    "torch_lstm_both_max_13": (nn.LSTM, {"bidirectional": True, "num_layers": 2, "batch_first": True}, "max", 13,
                               False, False),
    "torch_gru_pool_16": (nn.GRU, {"batch_first": True}, "pool", 16, True, True),
    "torch_lstm_average_16": (nn.LSTM, {"batch_first": True}, "average", 16, True, False),
    "torch_gru_log_11": (nn.GRU, {"batch_first": True}, "log", 11, True, True),
    "torch_lstm_norm_13": (nn.LSTM, {"batch_first": True}, "norm", 13, False, True),
    "torch_lstm_window_13": (nn.LSTM, {"batch_first": True}, "pool", 13, True, False),
}


def make_torch_case(folder: str, name: str) -> dict[str, object]:
    make, options, reads, opset, folded, is_open = TORCH[name]
    torch.manual_seed(list(TORCH).index(name))
    rnn = make(FEATURES, UNITS, **options)
    network = Network(rnn, reads).eval()
    for parameter in network.parameters():
        parameter.data.uniform_(-0.9, 0.9)
    for module in network.children():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-0.9, 0.9)
            module.running_var.uniform_(0.1, 2)
    x = torch.rand(BATCH, STEPS, FEATURES) * 2 - 1
    shown = x if rnn.batch_first else x.transpose(0, 1)
    axes = {0: "a", 1: "b"} if is_open else None
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, shown, os.path.join(folder, name + ".onnx"), input_names=["x"],
                          output_names=["y"], opset_version=opset, do_constant_folding=folded,
                          dynamic_axes={"x": axes} if axes else None)
        outputs = network.double()(shown.double())
    if reads == "sequence" and not rnn.batch_first:
        outputs = outputs.transpose(0, 1)
    return {"steps": STEPS, "features": FEATURES, "values": outputs[0].numel(),
            "inputs": written(x), "outputs": written(outputs),
            "lengths": [STEPS] * BATCH}


# ---- Graphs that are refused --------------------------------------------------------------------

def refused(case: Case, what: str) -> onnx.ModelProto:
    directions = BOTH if what in ("one_direction", "two_activations", "first_of_both") else (
        "forward",)
    rnn = case.rnn("LSTM", directions=directions, activations={
        "two_activations": ["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Relu", "Relu"],
        "output_activation": ["Sigmoid", "Tanh", "Relu"],
        "leaky": ["Sigmoid", "LeakyRelu", "LeakyRelu"]}.get(what))
    attributes: dict[str, object] = {
        "clip": {"clip": 3.0}, "input_forget": {"input_forget": 1}}.get(what, {})
    x = case.take("X", TIME_FIRST)
    initial: tuple[str, ...] = ()
    if what == "constant_state":
        initial = (case.constant("h0", np.ones((1, 1, UNITS))),
                   case.constant("c0", np.zeros((1, 1, UNITS))))
    if what == "unknown":
        x = case.add("LayerNormalization", [x], ["normal"], name="norm")
    if what == "foreign":
        case.add("Magic", [x], ["normal"], name="spell", domain="com.example")
        x = "normal"
    case.node(rnn, x, ["Y", "Y_h", "Y_c"], initial=initial, **attributes)
    outputs = ["Y"]
    if what == "loop":
        body = helper.make_graph([helper.make_node("Identity", ["go"], ["goes"])], "body", [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, [])], [
                helper.make_tensor_value_info("goes", TensorProto.BOOL, [])])
        case.nodes.clear()
        case.add("Loop", ["", ""], ["Y"], name="unrolled", body=body)
    elif what == "one_direction":
        case.add("Gather", ["Y", case.constant("at", np.array(1, np.int64))], ["Z"], axis=1)
        outputs = ["Z"]
    elif what == "first_of_both":
        case.add("Gather", ["Y", case.constant("at", np.array(0, np.int64))], ["Z"], axis=0)
        outputs = ["Z"]
    elif what in ("merged_again", "merged_mixed", "divided_by"):
        other = case.rnn("LSTM", directions=("reverse",))
        case.node(other, "X", ["Z"], name="back_")
        if what == "merged_again":
            case.add("Add", [case.add("Mul", ["Y", "Z"], ["product"]), "Z"], ["out"], name="again")
        elif what == "merged_mixed":
            mean = case.add("ReduceMean", ["Y"], ["mean"], axes=[0], keepdims=0)
            case.add("Concat", [mean, case.add("ReduceMax", ["Z"], ["max"], axes=[0], keepdims=0)], ["out"], axis=-1)
        else:
            both = case.add("Add", ["Y", "Z"], ["both"])
            case.add("Div", [case.constant("two", np.array(2.0)), both], ["out"], name="two_by")
        outputs = ["out"]
    elif what == "last_with_lengths":
        case.nodes.clear()
        case.initializers.clear()
        lengths = case.take("lengths", ["batch"], TensorProto.INT32)
        case.node(rnn, x, ["Y"], lengths=lengths)
        case.add("Gather", ["Y", case.constant("at", np.array(-1, np.int64))], ["out"], axis=0)
        outputs = ["out"]
    elif what == "normalises_batch":
        case.opset = 9
        case.add("Squeeze", ["Y_h"], ["h"], axes=[0])
        vectors = [case.constant(part, np.ones(UNITS)) for part in ("scale", "shift", "mean", "variance")]
        case.add("BatchNormalization", ["h", *vectors], ["out", "m", "v", "sm", "sv"], name="norm")
        outputs = ["out"]
    elif what == "unequal_pair":
        other = case.rnn("LSTM", directions=("reverse",), activations=["Sigmoid", "Relu", "Relu"])
        case.node(other, "X", ["Z"], name="back_")
        case.add("Concat", ["Y", "Z"], ["both"], axis=-1)
        outputs = ["both"]
    elif what == "opset":
        case.opset = 99
    elif what == "cell_state":
        outputs = ["Y_c"]
    elif what == "two_heads":
        case.add("MatMul", ["Y_h", case.constant("first", case.numbers(UNITS, 2))], ["a"])
        case.add("MatMul", ["Y_h", case.constant("second", case.numbers(UNITS, 2))], ["b"])
        outputs = ["a", "b"]
    elif what == "logits_too":
        case.add("MatMul", ["Y_h", case.constant("kernel", case.numbers(UNITS, 2))], ["logits"])
        case.add("Softmax", ["logits"], ["p"])
        outputs = ["logits", "p"]
    elif what == "residual":
        case.add("Squeeze", ["Y", case.constant("axes", np.array([1], np.int64))], ["y"])
        case.add("MatMul", ["y", case.constant("kernel", case.numbers(UNITS, UNITS))], ["z"])
        case.add("Add", ["y", "z"], ["sum"], name="skip")
        outputs = ["sum"]
    elif what == "no_weights":
        case.initializers = [t for t in case.initializers if t.name != "R"]
        case.take("R", [1, 4 * UNITS, UNITS])
    elif what == "quantized":
        case.initializers = [t for t in case.initializers if t.name != "W"]
        case.constant("W", np.zeros((1, 4 * UNITS, FEATURES), np.int8))
    elif what == "shape":
        case.initializers = [t for t in case.initializers if t.name != "W"]
        case.constant("W", np.zeros((1, 4 * UNITS, FEATURES + 1)))
    elif what == "feed_forward":
        case.nodes.clear()
        case.add("Relu", ["X"], ["Y"])
    elif what == "outside":
        onnx.external_data_helper.set_external_data(case.initializers[0], "../weights.bin")
        case.initializers[0].ClearField("raw_data")
        case.initializers[0].data_location = TensorProto.EXTERNAL
    return case.model(outputs)


REFUSED = ["cell_state", "clip", "constant_state", "feed_forward", "foreign", "input_forget",
           "first_of_both", "leaky", "logits_too", "loop", "no_weights", "one_direction",
           "output_activation", "outside", "quantized", "residual", "shape",
           "two_activations", "two_heads", "unknown", "unequal_pair", "opset",
           "merged_again", "merged_mixed", "divided_by", "last_with_lengths", "normalises_batch"]


def main() -> None:
    if len(sys.argv) > 2 or sys.argv[1:2] == ["--help"]:
        sys.exit(__doc__)
    folder = sys.argv[1] if len(sys.argv) == 2 else "tests/data/onnx"
    os.makedirs(os.path.join(folder, "refused"), exist_ok=True)
    goldens = {name: make_node_case(folder, name) for name in NODES}
    goldens |= {"external": make_external(folder), "given": make_given(folder)}
    goldens |= {name: make_torch_case(folder, name) for name in TORCH}
    for k, name in enumerate(REFUSED):
        model = refused(Case(np.random.default_rng(200 + k)), name)
        with open(os.path.join(folder, "refused", name + ".onnx"), "wb") as file:
            file.write(model.SerializeToString())
    with open(os.path.join(folder, "goldens.json"), "w", encoding="utf-8") as file:
        json.dump(goldens, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
