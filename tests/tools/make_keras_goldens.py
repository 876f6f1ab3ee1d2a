#!/usr/bin/env python3
"""make_keras_goldens.py: writes tests/data/keras/: files laid out as each generation of Keras lays
them out, and what these networks answer (goldens.json). SPDX-License-Identifier: Apache-2.0

usage: make_keras_goldens.py [OUT_FOLDER]      (needs Debian's python3-h5py; tests need neither)

Keras itself is in no Debian package. The layouts are those of its sources and of files found in the
wild; the answers are computed in float64 by the formulas of its documentation (keras_networks.py).
"""
from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from typing import Any, Callable

import h5py
import numpy as np

from keras_networks import (BATCH, FEATURES, GATES, OUTPUTS, STEPS, UNITS, VOCABULARY, Array, Cell, Layer,
                            answer, bidirectional, dense, embedding, norm, plain_layer, random, recurrent, weight)

# ---- Names of weights --------------------------------------------------------------------------

Named = list[tuple[str, Array]]


def directions(layer: Layer) -> list[tuple[str, Cell]]:
    if layer.class_name != "Bidirectional":
        return [("", layer.cells[0])] if layer.cells else []
    return [("forward_", layer.cells[0]), ("backward_", layer.cells[1])]


def names_keras1(layer: Layer) -> Named:
    """lstm_1_W_i and so on, gate by gate, in the order i, c, f, o."""
    named = []
    for prefix, cell in directions(layer):
        gates = GATES[cell.kind]
        for gate in "icfo" if cell.kind == "LSTM" else gates:
            at = slice(gates.index(gate) * cell.units, (gates.index(gate) + 1) * cell.units)
            named += [(f"{prefix}{layer.name}_{w}_{gate}:0", array[..., at]) for w, array in
                      (("W", cell.kernel), ("U", cell.recurrent), ("b", cell.bias))]
    short = {"kernel": "W", "bias": "b", "embeddings": "W"}
    return named + [(f"{layer.name}_{short[w]}:0", array) for w, array in layer.plain]


def names_after(inner: str, suffix: str) -> Callable[[Layer], Named]:
    """lstm_1/kernel:0 (inner "", suffix ":0"), lstm_1/lstm_cell/kernel:0, and without suffix."""
    def names(layer: Layer) -> Named:
        named = []
        for k, (prefix, cell) in enumerate(directions(layer)):
            scope = layer.name + (f"/{prefix}{cell.kind.lower()}" if prefix else "")
            if inner:
                scope += f"/{cell.kind.lower()}_{inner}" + (f"_{k}" if k else "")
            named += [(f"{scope}/{w}{suffix}", array) for w, array in
                      (("kernel", cell.kernel), ("recurrent_kernel", cell.recurrent),
                       ("bias", cell.bias))]
        return named + [(f"{layer.name}/{w}{suffix}", array) for w, array in layer.plain]
    return names


def names_keras3(layer: Layer) -> Named:
    return [(f"sequential/{name}", array) for name, array in names_after("cell", "")(layer)]


def names_cudnn(layer: Layer) -> Named:
    """As CuDNN has it: each gate's kernel for x is [U, D] in memory, that for h transposed, and two
    biases stand in one row."""
    named = []
    for cell in layer.cells:
        n = len(GATES[cell.kind])
        kernel = np.hstack([to_cudnn(k) for k in np.hsplit(cell.kernel, n)])
        rows = np.hstack([k.T for k in np.hsplit(cell.recurrent, n)])
        if cell.reset_after:
            bias = cell.bias.reshape(-1)
        else:
            half = weight(len(cell.bias))
            bias = np.concatenate([cell.bias - half, half])
        named += [(f"{layer.name}/kernel:0", kernel), (f"{layer.name}/recurrent_kernel:0", rows),
                  (f"{layer.name}/bias:0", bias)]
    return named + [(f"{layer.name}/{w}:0", array) for w, array in layer.plain]


def to_cudnn(kernel: Array) -> Array:
    """The inverse of k.T.reshape(k.shape, order="F"), which loading a CuDNN file applies."""
    made = kernel.reshape(-1, order="F").reshape(kernel.shape)
    assert (made.T.reshape(made.shape, order="F") == kernel).all()
    return made


# ---- Files -------------------------------------------------------------------------------------

def architecture(layers: list[Layer], style: str, steps: int | None,
                 outputs: Any = None) -> dict[str, Any]:
    """style "list": Keras to 2.2.2; "dict"; "functional" (to 2.15); "functional3". outputs: of a
    functional model, if it is not the last layer's."""
    features = None if layers[0].class_name == "Embedding" else FEATURES
    shape = [None, steps] + ([features] if features else [])
    entries = [{"class_name": l.class_name, "config": dict(l.config)} for l in layers]
    if not style.startswith("functional"):
        entries[0]["config"]["batch_input_shape"] = shape
        return {"class_name": "Sequential",
                "config": entries if style == "list" else {"name": "net", "layers": entries}}
    key = "batch_shape" if style == "functional3" else "batch_input_shape"
    entries.insert(0, {"class_name": "InputLayer", "config": {"name": "input_1", key: shape}})
    before = None
    for entry, reads in zip(entries, [0] + [layer.reads for layer in layers]):
        entry["name"] = name = entry["config"]["name"]
        history = {"class_name": "__keras_tensor__",
                   "config": {"shape": shape, "keras_history": [before, 0, reads]}}
        entry["inbound_nodes"] = [] if before is None else \
            [{"args": [history], "kwargs": {"mask": None}}] if style == "functional3" else \
            [[[before, 0, reads, {}]]]
        before = name
    config = entries[1]["config"]
    if style == "functional3" and ("mask_value" in config or config.get("mask_zero")):
        entries += mask_operations(entries)
    # Files list layers by depth, which need not be the order of the data.
    entries.reverse()
    return {"class_name": "Functional",
            "config": {"name": "net", "layers": entries, "input_layers": [["input_1", 0, 0]],
                       "output_layers": outputs or [[before, 0, 0]]}}


def mask_operations(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a functional model of Keras 3 whose second layer masks: the operations that make the mask,
    which the recurrent layers are then called with."""
    def tensor(name: str) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}

    def operation(class_name: str, name: str, *arguments: Any, **config: Any) -> dict[str, Any]:
        return {"class_name": class_name, "name": name, "config": {"name": name} | config,
                "inbound_nodes": [{"args": list(arguments), "kwargs": {}}]}

    value = entries[1]["config"].get("mask_value", 0)
    made = [operation("NotEqual", "not_equal", tensor(entries[0]["name"]), value)]
    if entries[1]["class_name"] == "Masking":
        made.append(operation("Any", "any", tensor("not_equal"), axis=-1, keepdims=False))
    for entry in entries[2:]:
        if entry["class_name"] in ("LSTM", "GRU", "Bidirectional"):
            entry["inbound_nodes"][0]["kwargs"]["mask"] = tensor(made[-1]["name"])
    return made


def texts(values: list[str], variable: bool) -> Any:
    if variable:
        return np.array(values, dtype=h5py.string_dtype())
    return np.array([v.encode() for v in values]) if values else np.zeros(0)


def write_h5(path: str, layers: list[Layer], version: str, names: Callable[[Layer], Named],
             style: str = "dict", full: bool = True, variable: bool = False, split: bool = False,
             steps: int | None = STEPS, **dataset: Any) -> None:
    big_endian, outputs = dataset.pop("big_endian", False), dataset.pop("outputs", None)
    with h5py.File(path, "w") as file:
        if full:
            config = json.dumps(architecture(layers, style, steps, outputs))
            file.attrs["model_config"] = config if variable else config.encode()
            file.attrs["keras_version"] = version if variable else version.encode()
            state = file.create_group("optimizer_weights")
            state.create_dataset("Adam/iterations:0", data=np.int64(3))
        root = file.create_group("model_weights") if full else file
        root.attrs["keras_version"] = version.encode()
        names_of_layers = [layer.name for layer in layers]
        if split:
            for k, part in enumerate(np.array_split(names_of_layers, 2)):
                root.attrs[f"layer_names{k}"] = texts(list(part), variable)
        else:
            root.attrs["layer_names"] = texts(names_of_layers, variable)
        for layer in layers:
            group, named = root.create_group(layer.name), names(layer)
            group.attrs["weight_names"] = texts([name for name, _ in named], variable)
            for name, array in named:
                group.create_dataset(name, data=array.astype(">f4") if big_endian else array,
                                     **dataset)


def snake(name: str) -> str:
    return {"TimeDistributed": "time_distributed",
            "BatchNormalization": "batch_normalization"}.get(name, name.lower())


def write_vars(file: h5py.File, layers: list[Layer]) -> None:
    """Keras 3's tree: layers under the names of their classes, numbered."""
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.class_name] = n = counts.get(layer.class_name, -1) + 1
        scope = f"layers/{snake(layer.class_name)}" + (f"_{n}" if n else "")
        parts: dict[str, list[Array]] = {}
        for prefix, cell in directions(layer):
            inner = f"/{prefix}layer/cell" if prefix else "/cell"
            parts[scope + inner] = [cell.kernel, cell.recurrent, cell.bias]
        if layer.plain:
            inner = "/layer" if layer.class_name == "TimeDistributed" else ""
            parts[scope + inner] = [array for _, array in layer.plain]
        for at, arrays in parts.items():
            group = file.create_group(at + "/vars", track_order=True)
            group.attrs["name"] = layer.name
            for k, array in enumerate(arrays):
                group.create_dataset(str(k), data=array)
        if layer.class_name == "Dropout":
            seed = file.create_group(scope + "/seed_generator/vars")
            seed.create_dataset("0", data=np.array([1, 2], np.uint32))
    file.create_group("optimizer/vars").create_dataset("0", data=np.int64(3))


def write_keras(path: str, layers: list[Layer], style: str, method: int) -> None:
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        write_vars(file, layers)
    config = architecture(layers, style, STEPS) | {"module": "keras", "registered_name": None}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in (("metadata.json", json.dumps({"keras_version": "3.3.3"})),
                           ("config.json", json.dumps(config)),
                           ("model.weights.h5", weights.getvalue())):
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)


# ---- Cases -------------------------------------------------------------------------------------

def main() -> None:
    if len(sys.argv) > 2 or sys.argv[1:2] == ["--help"]:
        sys.exit(__doc__)
    out = sys.argv[1] if len(sys.argv) > 1 else "tests/data/keras"
    os.makedirs(out, exist_ok=True)
    goldens: dict[str, Any] = {}
    keras2, tf2 = names_after("", ":0"), names_after("cell", ":0")

    def add(name: str, layers: list[Layer], write: Callable[..., None], *arguments: Any,
            **options: Any) -> None:
        if layers[0].class_name == "Embedding":
            xs = random.integers(1, VOCABULARY, (BATCH, STEPS, 1)).astype(np.float32)
            xs[0, :2] = 0
        else:
            xs = random.uniform(-1, 1, (BATCH, STEPS, FEATURES)).astype(np.float32)
        if layers[0].class_name == "Masking":
            xs[1, :2], xs[0, 3] = -1, -1
        write(os.path.join(out, name), layers, *arguments, **options)
        ys = answer(layers, xs)
        goldens[name] = {"steps": STEPS, "features": xs.shape[-1], "values": ys[0].size,
                         "inputs": xs.ravel().tolist(), "outputs": ys.ravel().tolist()}

    def plain(kind: str, gate: str = "sigmoid", reset_after: bool = False) -> list[Layer]:
        return [recurrent("rnn", Cell(kind, FEATURES, gate, reset_after)),
                dense("out", UNITS, "softmax")]

    def two(kind: str, gate: str = "sigmoid", units: int = UNITS) -> list[Layer]:
        return [recurrent("z_first", Cell(kind, FEATURES, gate, units=units), True),
                plain_layer("Dropout", "drop", rate=0.5),
                recurrent("a_second", Cell(kind, units, gate)), dense("out", UNITS, "linear")]

    add("keras1_lstm", plain("LSTM", "hard_sigmoid"), write_h5, "1.2.2", names_keras1, "list")
    add("keras1_gru", plain("GRU", "hard_sigmoid"), write_h5, "1.2.2", names_keras1, "list")
    add("keras2_lstm_layers", two("LSTM", "hard_sigmoid"), write_h5, "2.1.6", keras2, "list")
    add("keras2_sigmoid", two("LSTM"), write_h5, "2.2.4", keras2)
    add("cntk_gru_weights", plain("GRU", "hard_sigmoid"), write_h5, "2.0.6",
        names_after("", ""), full=False)
    add("weights_only", two("LSTM", units=6), write_h5, "2.4.0", tf2, full=False)
    add("cudnn_lstm", [recurrent("rnn", Cell("LSTM", FEATURES), class_name="CuDNNLSTM"),
                       dense("out", UNITS, "softmax")], write_h5, "2.2.4-tf", names_cudnn)
    add("cudnn_gru", [recurrent("rnn", Cell("GRU", FEATURES, reset_after=True),
                                class_name="CuDNNGRU"), dense("out", UNITS, "softmax")],
        write_h5, "2.2.4-tf", names_cudnn)
    add("tf_functional_masking",
        [plain_layer("Masking", "masking", mask_value=-1.0), *plain("LSTM")],
        write_h5, "2.11.0", tf2, "functional", variable=True)
    for name, mask_zero in (("tf_gru_reset_after", False), ("tf_embedding_masked", True)):
        add(name, [embedding("words", mask_zero), *plain("GRU", reset_after=True)],
            write_h5, "2.4.0", tf2)
    add("tf_gru_reset_before", plain("GRU"), write_h5, "2.4.0", tf2)
    add("tf_bidirectional",
        [bidirectional("both", Cell("LSTM", FEATURES), Cell("LSTM", FEATURES), "concat", True),
         dense("each", 2 * UNITS, "relu", distributed=True)], write_h5, "2.9.0", tf2)
    add("tf_backwards", [recurrent("rnn", Cell("LSTM", FEATURES), backwards=True)],
        write_h5, "2.9.0", tf2)
    add("tf_activation_layer", [recurrent("rnn", Cell("LSTM", FEATURES)),
                                dense("out", UNITS, "linear"), plain_layer("Softmax", "soft")],
        write_h5, "2.9.0", tf2)
    add("keras3_h5_split", two("LSTM", "hard_sigmoid_3"), write_h5, "3.3.3", names_keras3,
        variable=True, split=True)
    add("packed_big_endian", two("LSTM"), write_h5, "2.4.0", tf2, compression="gzip",
        shuffle=True, big_endian=True)
    add("keras3.keras", two("LSTM"), write_keras, "dict", zipfile.ZIP_STORED)
    add("keras3_deflated.keras",
        [bidirectional("both", Cell("GRU", FEATURES, reset_after=True),
                       Cell("GRU", FEATURES, reset_after=True), "sum", False),
         dense("out", UNITS, "softmax")], write_keras, "functional3", zipfile.ZIP_DEFLATED)

    def write_weights(path: str, layers: list[Layer]) -> None:
        with h5py.File(path, "w") as file:
            write_vars(file, layers)

    add("keras3_weights", two("LSTM"), write_weights)

    def with_states(cell: Cell, reads: int) -> list[Layer]:
        first, head = recurrent("rnn", cell, True), dense("out", UNITS, "softmax")
        first.config["return_state"], head.reads = True, reads
        return [first, head]

    add("tf_state_h", with_states(Cell("LSTM", FEATURES), 1), write_h5, "2.11.0", tf2,
        "functional")
    add("keras3_state_h", with_states(Cell("GRU", FEATURES, reset_after=True), 1), write_h5,
        "3.3.3", names_keras3, "functional3", variable=True, outputs={"classes": ["out", 0, 0]})
    add("tf_outputs_states", with_states(Cell("LSTM", FEATURES), 0)[:1], write_h5, "2.11.0", tf2,
        "functional", outputs=[["rnn", 0, k] for k in range(3)])
    add("tf_noise", [recurrent("rnn", Cell("LSTM", FEATURES), True),
                     plain_layer("SpatialDropout1D", "channels", rate=0.2),
                     recurrent("second", Cell("LSTM", UNITS)),
                     plain_layer("GaussianNoise", "noise", stddev=0.1),
                     plain_layer("GaussianDropout", "factors", rate=0.1),
                     plain_layer("AlphaDropout", "alpha", rate=0.1),
                     plain_layer("ActivityRegularization", "cost", l2=0.1),
                     plain_layer("Dropout", "groups", rate=0.1, noise_shape=[2, 1]),
                     dense("out", UNITS, "softmax")], write_h5, "2.9.0", tf2)
    # Names that inner parts of a path have elsewhere.
    for name, full in (("tf_names", True), ("tf_names_weights", False)):
        add(name, [recurrent("forward_lstm", Cell("LSTM", FEATURES), True),
                   bidirectional("cell", Cell("LSTM", UNITS), Cell("LSTM", UNITS), "concat", True),
                   recurrent("seed_generator_1", Cell("LSTM", 2 * UNITS), True),
                   recurrent("optimizer", Cell("LSTM", UNITS)),
                   dense("layer", UNITS, "linear")], write_h5, "2.9.0", tf2, full=full)

    def sizes(*layers: tuple[str, str, int, int]) -> list[Layer]:
        """Layers of a name, a class and sizes."""
        made = []
        for name, kind, inputs, outputs in layers:
            if kind == "Dense":
                made.append(dense(name, inputs, "linear"))
                made[-1].plain = [("kernel", weight(inputs, outputs)), ("bias", weight(outputs))]
            else:
                made.append(recurrent(name, Cell(kind, inputs, reset_after=kind == "GRU",
                                                 units=outputs), True))
        [layer for layer in made if layer.cells][-1].config["return_sequences"] = False
        return made

    # Of weights alone: each layer follows the others in every order; in two; in one.
    add("keras3_weights_cycle", sizes(("l", "LSTM", FEATURES, 6), ("d", "Dense", 6, FEATURES)),
        write_weights)
    add("keras3_weights_open", sizes(("l", "LSTM", FEATURES, FEATURES),
                                     ("g", "GRU", FEATURES, FEATURES)), write_weights)
    add("keras3_weights_mixed", sizes(("l", "LSTM", FEATURES, 6), ("g", "GRU", 6, UNITS),
                                      ("l1", "LSTM", UNITS, UNITS)), write_weights)
    for name, names in (("tf_gru_no_bias", tf2), ("keras2_gru_no_bias", keras2)):
        layers = sizes(("rnn", "GRU", FEATURES, UNITS))
        layers[0].cells[0].reset_after = names is tf2
        layers[0].cells[0].bias = np.zeros((2, 3 * UNITS) if names is tf2 else 3 * UNITS)
        add(name, layers, write_h5, "2.4.0" if names is tf2 else "2.3.1",
            lambda l, names=names: [(n, a) for n, a in names(l) if "bias" not in n], full=False)
    add("keras3_mask_zero", [embedding("words", True), *plain("LSTM")], write_h5, "3.3.3",
        names_keras3, "functional3", variable=True)
    add("keras3_masking", [
        plain_layer("Masking", "masking", mask_value=-1.0),
        bidirectional("both", Cell("LSTM", FEATURES), Cell("LSTM", FEATURES), "concat", True),
        recurrent("second", Cell("GRU", 2 * UNITS, reset_after=True)),
        dense("out", UNITS, "softmax")], write_h5, "3.3.3", names_keras3, "functional3",
        variable=True)
    add("tf_max_pooling", [
        bidirectional("both", Cell("LSTM", FEATURES), Cell("LSTM", FEATURES), "concat", True),
        plain_layer("GlobalMaxPooling1D", "pool", data_format="channels_last", keepdims=False),
        dense("out", 2 * UNITS, "softmax")], write_h5, "2.11.0", tf2)
    add("keras3_average_pooling", [
        plain_layer("Masking", "masking", mask_value=-1.0),
        recurrent("rnn", Cell("GRU", FEATURES, reset_after=True), True),
        dense("mid", UNITS, "relu", True),
        plain_layer("GlobalAveragePooling1D", "pool", data_format="channels_last", keepdims=False),
        dense("out", OUTPUTS, "sigmoid")], write_h5, "3.3.3", names_keras3, "functional3", variable=True)
    add("tf_norm", [
        recurrent("rnn", Cell("LSTM", FEATURES)), norm("norm", UNITS), dense("mid", UNITS, "linear"),
        norm("norm_1", OUTPUTS), plain_layer("Activation", "act", activation="relu"),
        dense("out", OUTPUTS, "sigmoid")], write_h5, "2.11.0", tf2)
    add("keras3_norm.keras", [
        norm("in", FEATURES, scale=False), recurrent("rnn", Cell("GRU", FEATURES, reset_after=True), True),
        norm("steps", UNITS, center=False), recurrent("last", Cell("LSTM", UNITS)),
        dense("out", UNITS, "softmax")], write_keras, "dict", zipfile.ZIP_DEFLATED)
    with h5py.File(os.path.join(out, "no_keras"), "w") as file:
        file["values"] = np.zeros((3, 4), "<f4")
    with open(os.path.join(out, "goldens.json"), "w", encoding="ascii") as file:
        json.dump(goldens, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
