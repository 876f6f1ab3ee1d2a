"""import_seeds.py: weights and networks of other programs: archives, checkpoints, arrays by name.
SPDX-License-Identifier: Apache-2.0"""
from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from typing import Iterator

from onnx_seeds import message, varint

DATA = "tests/data"


def read(path: str) -> bytes:
    with open(os.path.join(DATA, path), "rb") as file:
        return file.read()


# ---- Arrays by name, in a safetensors file ------------------------------------------------------

Shapes = dict[str, tuple[int, ...]]


def safetensors(shapes: Shapes, dtype: str = "F32", width: int = 4) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        n = width
        for size in shape:
            n *= size
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + n]}
        at += n
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def gru(scope: str, units: int = 1, inputs: int = 1) -> Shapes:
    return {f"{scope}/gates/kernel": (inputs + units, 2 * units), f"{scope}/gates/bias": (2 * units,),
            f"{scope}/candidate/kernel": (inputs + units, units), f"{scope}/candidate/bias": (units,)}


def lstm(scope: str, units: int = 1, inputs: int = 1) -> Shapes:
    return {f"{scope}/kernel": (inputs + units, 4 * units), f"{scope}/bias": (4 * units,)}


def keras(scope: str, inputs: int, units: int, gates: int = 4) -> Shapes:
    return {f"{scope}/kernel": (inputs, gates * units), f"{scope}/recurrent_kernel": (units, gates * units),
            f"{scope}/bias": (gates * units,)}


def torch(name: str, inputs: int, units: int, gates: int = 4) -> Shapes:
    return {f"{name}.weight_ih_l0": (gates * units, inputs), f"{name}.weight_hh_l0": (gates * units, units)}


def arrays() -> Iterator[tuple[str, bytes]]:
    cudnn = gru("rnn/cudnn_compatible_gru_cell", 2, 3)
    for part in ("kernel", "bias"):
        del cudnn[f"rnn/cudnn_compatible_gru_cell/candidate/{part}"]
    candidate = "rnn/cudnn_compatible_gru_cell/candidate/"
    cudnn |= {candidate + "input_projection/kernel": (3, 2), candidate + "input_projection/bias": (2,),
              candidate + "hidden_projection/kernel": (2, 2), candidate + "hidden_projection/bias": (2,)}
    basic, bidirectional = "rnn/basic_lstm_cell", "bidirectional_rnn/%s/multi_rnn_cell/cell_0/lstm_cell"
    cases: dict[str, Shapes] = {
        "tf1_cudnn_gru": cudnn,
        "tf1_few_rows": {f"{basic}/kernel": (1, 8), f"{basic}/bias": (8,)},
        "tf1_few_rows_gru": gru("rnn/gru_cell", 2, 0),
        "tf1_stack_each_way": lstm(bidirectional % "fw") | lstm(bidirectional % "bw"),
        "tf1_backward_alone": lstm("bidirectional_rnn/bw/lstm_cell"),
        "tf1_embedding": lstm(basic, 2, 2) | {"word_embedding": (5, 2), "dense/kernel": (2, 2),
                                              "dense/bias": (2,)},
        "tf1_zeros_in_names": lstm("rnn/multi_rnn_cell/cell_007/lstm_cell") |
        lstm("rnn/multi_rnn_cell/cell_07/lstm_cell"),
        "tf1_two_sizes": lstm("rnn/multi_rnn_cell/cell_0/lstm_cell") |
        lstm("rnn/multi_rnn_cell/cell_1/lstm_cell", 2, 7),
        "keras_dense": keras("lstm", 2, 1) | {"dense/kernel": (1, 3), "dense/bias": (3,),
                                              "dense_1/kernel": (3, 2), "dense_1/bias": (2,)},
        "keras_embedding": {"embedding/kernel": (5, 2)} | keras("lstm", 2, 1),
        "keras_embeddings": {"embedding/embeddings": (5, 2)} | keras("lstm", 2, 1),
        "keras_flat": {"lstm/kernel": (8,), "lstm/recurrent_kernel": (1, 4), "lstm/bias": (4,)},
        "keras_flat_recurrent": {"lstm/kernel": (2, 4), "lstm/recurrent_kernel": (4,), "lstm/bias": (4,)},
        "keras_no_units": {"lstm/kernel": (2, 0), "lstm/recurrent_kernel": (0, 0), "lstm/bias": (0,)},
        "keras_no_gates": {"lstm/kernel": (2, 5), "lstm/recurrent_kernel": (1, 5), "lstm/bias": (5,)},
        "keras_bias_rank": {"lstm/kernel": (2, 4), "lstm/recurrent_kernel": (1, 4), "lstm/bias": (1, 1, 4)},
        "keras_twice": keras("lstm", 2, 1) | {"lstm/lstm_cell/kernel": (2, 4)},
        "keras_one_order": keras("gru", 3, 2, 3) | keras("lstm", 5, 3) | keras("lstm_1", 2, 2) |
        {"optimizer/vars/0": (1,), "dense/kernel": (2, 5), "dense/bias": (5,)},
        "keras_two_orders": keras("gru", 2, 2, 3) | keras("lstm", 2, 2),
        # --layers as the fuzzers have it: a and b, which are the second and the first; a, twice.
        "keras_named": {"a.x": ()} | keras("b", 2, 2) | keras("z/a", 2, 2),
        "keras_named_twice": {"a.x": ()} | keras("z/a", 2, 2) | keras("z/b", 2, 2),
        "keras_no_bias": {"gru/gru_cell/kernel": (2, 3), "gru/gru_cell/recurrent_kernel": (1, 3)},
        "keras_both_ways": keras("both/forward_lstm/lstm_cell", 2, 1) |
        keras("both/backward_lstm/lstm_cell", 2, 1) | {"both/seed_generator/seed": (2,)},
        "keras_strangers": keras("a", 2, 1) | keras("b", 5, 1),
        "keras_many": {name: shape for k in range(66) for name, shape in keras(f"l{k}", 1, 1).items()},
        "torch_gates": torch("rnn", 2, 1, 5),
        "torch_gru": torch("gru", 2, 1, 3),
        "torch_half": {"rnn.weight_ih_l0": (4, 2)},
        "torch_half_back": torch("rnn", 2, 1) | {"rnn.weight_ih_l0_reverse": (4, 2)},
        "torch_strangers": torch("a", 2, 1) | torch("b", 7, 3),
        "torch_order": torch("a", 3, 1) | torch("b", 2, 3),
        "torch_bias": torch("rnn", 2, 1) | {"rnn.bias_ih_l0": (5,), "rnn.bias_hh_l0": (4,)},
        "torch_no_order": torch("a", 2, 3) | torch("b", 5, 7) | torch("c", 4, 6),
        "torch_dots": torch("encoder.deep.rnn", 2, 1) | {"fc.weight": (2, 1), "fc.bias": (2,)},
        "torch_many": {name: shape for k in range(66) for name, shape in torch(f"r{k}", 1, 1).items()},
        "torch_long": {"r" * 120 + ".weight_ih_l0": (4, 2), "r" * 120 + ".weight_hh_l0": (4, 1)},
        "torch_sorted": {"cells.0.weight_hh": (4, 1), "cells.0.weight_ih": (4, 2), "cells.10.weight_hh": (4, 1),
                         "cells.10.weight_ih": (4, 1), "cells.2.weight_hh": (4, 1), "cells.2.weight_ih": (4, 1),
                         "fc_out.bias": (1,), "fc_out.weight": (1, 1), "fc_word.weight": (1, 1), "z.weight": (3, 2)},
        "torch_emb_last": {"fc_1.weight": (3, 1)} | {"rnn.weight_hh": (4, 1), "rnn.weight_ih": (4, 1), "wte.weight": (3, 1)},
        "torch_zeros_in_names": {"r.0.weight_hh": (4, 1), "r.0.weight_ih": (4, 1), "r.00.weight_hh": (4, 1),
                                 "r.00.weight_ih": (4, 1)},
        "torch_matrices": {"head.weight": (3, 1)} | torch("rnn", 1, 1) | {"emb.weight": (3, 1)},
        "torch_misnamed": {"emb.weight": (3, 1)} | torch("rnn", 2, 1),
        "torch_front": {"fc.weight": (2, 3), "fc.bias": (2,)} | torch("rnn", 2, 1),
        "torch_two_linear": {"a.weight": (1, 1), "a.bias": (1,), "b.weight": (1, 1), "b.bias": (1,)} | torch("rnn", 1, 1),
        "torch_loose": {"mean": (2,), "h0": (1,), "c0": (1,), "x": (1,), "criterion.weight": (2,)} | torch("rnn", 2, 1),
        "torch_parametrized": torch("rnn", 2, 1) | {"fc.bias": (1,), "fc.parametrizations.weight.original0": (1, 1)},
        "torch_stranger": torch("rnn", 2, 1) | {"crf.transitions": (2, 2)},
        "torch_bias_alone": torch("rnn", 2, 1) | {"fc.bias": (1,)},
        "torch_missing_layer": torch("rnn", 2, 1) | {"rnn.weight_ih_l2": (4, 1)},
        "torch_missing_reverse": torch("rnn", 2, 1) | {"rnn.weight_ih_l1_reverse": (4, 1), "rnn.weight_ih_l1": (4, 1)},
        "torch_missing_projection": torch("rnn", 2, 1) | {"rnn.weight_ih_l1": (4, 1), "rnn.weight_hr_l1": (1, 1)},
        "torch_missing_bias": torch("rnn", 2, 1) | {"rnn.bias_hh_l0": (4,)},
        "torch_missing_bias_of_cell": {"rnn.weight_ih": (4, 2), "rnn.weight_hh": (4, 1), "rnn.bias_hh": (4,)},
        "torch_number": torch("rnn", 2, 1) | {"rnn.weight_ih_l01": (4, 1)},
        "torch_layers_short": {"rnn": (1,)} | torch("model.rnn", 2, 1) | torch("module.rnn", 2, 1),
        "torch_layers_twice": torch("model.rnn", 2, 1) | {"rnn": (1,)},
        "rank": {"lstm/kernel": (1,) * 9}, "overflow": {"lstm/kernel": (0, 1 << 40, 1 << 40)},
        "nothing": {"x": (1,)},
    }
    for name, shapes in cases.items():
        yield name, safetensors(shapes)
    yield "dtype", safetensors(keras("lstm", 2, 1), "C64", 8)
    yield "torch_dtype", safetensors(torch("rnn", 2, 1), "C64", 8)
    yield "spaces", struct.pack("<Q", 4) + b" \t{}"


# ---- Several files ------------------------------------------------------------------------------

def files(*parts: tuple[str, bytes | None]) -> bytes:
    """As fuzz_import_files.c wants them; None: a folder."""
    out = b""
    for path, content in parts:
        out += bytes([len(path)]) + path.encode() + struct.pack(
            "<I", 0xffffffff if content is None else len(content)) + (content or b"")
    return out


def folders() -> Iterator[tuple[str, bytes]]:
    model = (b'{"format":"lstmd-model-1","input":{"features":1},"layers":[{"type":"lstm","name":"a",'
             b'"units":1}]}')
    weights = safetensors({"a/kernel": (2, 4), "a/bias": (4,)})
    index, values = read("import/tf1/example.index"), read("import/tf1/example.data-00000-of-00001")
    yield "lstmd", files(("m", None), ("m/model.json", model), ("m/weights.safetensors", weights))
    yield "lstmd_bad", files(("m", None), ("m/model.json", b"{}"), ("m/weights.safetensors", weights))
    yield "empty_folder", files(("m", None))
    yield "empty", files(("m", b""))
    yield "tflite", files(("m.tflite", b"TFL3"))
    lists = {"list": b'model_checkpoint_path: "C:\\a\\example"', "list_open": b'model_checkpoint_path: "a',
             "list_nul": b'model_checkpoint_path: "a\0b"', "list_long": b'model_checkpoint_path: "%s"' %
             (b"a" * 300), "list_out": b'model_checkpoint_path: ".."', "list_none": b""}
    for name, text in lists.items():
        content = [("m/example.index", index), ("m/example.data-00000-of-00001", values)]
        yield name, files(("m", None), ("m/checkpoint", text), *(content if name == "list" else []))
    yield "pickle", files(("weights.pt", b"\x80\x02}q\0X\1\0\0\0aq\1K\1s."))
    yield "onnx_out", files(("a/m.onnx", b""), ("m", b"x"))
    yield "text", files(("m.txt", b"no model at all"))


# ---- TensorFlow's tables ------------------------------------------------------------------------

def entry(key: str, value: bytes) -> bytes:
    return varint(0) + varint(len(key)) + varint(len(value)) + key.encode() + value


def block(*entries: bytes) -> bytes:
    """Its checksum is mended by the fuzzer."""
    return b"".join(entries) + struct.pack("<II", 0, 1) + bytes(5)


def checkpoint(*tensors: tuple[str, bytes], data: bytes = bytes(64),
               header: bytes = message((1, 1)), blocks: int = 1) -> bytes:
    body = block(entry("", header), *(entry(name, value) for name, value in tensors))
    place = varint(0) + varint(len(body) - 5)
    index = block(*(entry(f"k{k}", place) for k in range(blocks)))
    footer = varint(0) + varint(0) + varint(len(body)) + varint(len(index) - 5)
    whole = body + index + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    return struct.pack("<I", len(whole)) + whole + data


def shape(*sizes: int, unknown: bool = False) -> bytes:
    return message(*((2, message((1, size))) for size in sizes), *([(3, 1)] if unknown else []))


def checkpoints() -> Iterator[tuple[str, bytes]]:
    """A float's entry is {dtype, shape, offset, size}, and a checksum that is mended."""
    crc = varint(6 << 3 | 5) + bytes(4)

    def tensor(dims: bytes, size: int, dtype: int = 1, **more: int) -> bytes:
        numbers = {"shard": 3, "offset": 4, "slices": 7}
        return message((1, dtype), (2, dims), (5, size),
                       *((numbers[key], value) for key, value in more.items())) + crc
    cases = {
        "float": tensor(shape(2), 8), "unknown_rank": tensor(shape(unknown=True), 4),
        "rank": tensor(shape(*[1] * 9), 4), "huge_size": tensor(shape(1 << 63), 4),
        "shard": tensor(shape(1), 4, shard=2), "behind": tensor(shape(1), 4, offset=99),
        "size": tensor(shape(3), 8), "dtype": tensor(shape(1), 8, 8), "no_dtype": tensor(shape(1), 4, 99),
        "text": tensor(shape(), 8, 7), "texts": tensor(shape(1 << 40, 1 << 40), 8, 7),
        "partitioned": message((1, 1), (2, shape(1)), (7, b"")) + crc,
    }
    for name, value in cases.items():
        yield name, checkpoint(("a", value), data=b"\3\0\0\0\0abc" + bytes(56))
    yield "objects", checkpoint(("_CHECKPOINTABLE_OBJECT_GRAPH", cases["text"]), data=b"\3\0\0\0\0abc")
    yield "text_size", checkpoint(("a", cases["text"]), data=b"\2\0\0\0\0abc")
    yield "text_sum", checkpoint(("a", message((1, 7), (2, shape(2)), (5, 9)) + crc),
                                 data=b"\1\1\0\0\0\0ab" + bytes(9))
    yield "overlap", checkpoint(("a", tensor(shape(2), 8)), ("b", tensor(shape(2), 8)), data=bytes(8))
    yield "blocks_overlap", checkpoint(("a", cases["float"]), blocks=3)
    yield "name", checkpoint(("a\0b", cases["float"]))
    yield "version_1", checkpoint(header=message((1, b"x")))
    yield "big_endian", checkpoint(header=message((1, 1), (2, 1)))
    yield "shards", checkpoint(header=message((1, 5000)))
    yield "second_shard", checkpoint(header=message((1, 2)))
    yield "empty", checkpoint()
    yield "long_key", checkpoint(("k" * 4097, cases["float"]))


# ---- Graphs of a SavedModel ---------------------------------------------------------------------

def operation(name: str, op: str, *inputs: str, **attributes: bytes) -> tuple[int, bytes]:
    return 1, message((1, name), (2, op), *((3, text) for text in inputs),
                      *((5, message((1, key), (2, value))) for key, value in attributes.items()))


def graph(*nodes: tuple[int, bytes], outputs: tuple[str, ...] = ()) -> bytes:
    signature = message(*((2, message((1, f"o{k}"), (2, message((1, text)))))
                          for k, text in enumerate(outputs)))
    saved = message((1, 1), (2, message((2, message(*nodes)), (5, message((1, "s"), (2, signature))))))
    return struct.pack("<I", 0) + saved


def number(value: float, **form: int) -> bytes:
    content = (5, value) if "loose" in form else (4, struct.pack("<f", value))
    return message((8, message((1, form.get("dtype", 1)), content)))


def graphs() -> Iterator[tuple[str, bytes]]:
    split = operation("s", "Split", num_split=message((3, 4)))
    biases = [operation("c1", "Const", value=number(1.0, loose=1)), operation("c2", "Const", value=number(2)),
              operation("c3", "Const", value=number(1, dtype=3)), operation("c4", "Const")]
    yield "mixed", graph(split, *biases, operation("a1", "Add", "s:2", "c1"),
                         operation("a2", "AddV2", "c2", "s:2"), operation("a3", "Add", "s:2", "c3"),
                         operation("a4", "Add", "s:2", "c4"), operation("t", "Tanh", "s:1"),
                         operation("r", "Relu", "s:1"))
    yield "block", graph(operation("b", "LSTMBlockCell", forget_bias=message((4, 1.0))),
                         operation("i", "Identity", "p"), operation("p", "Softmax", "b"),
                         outputs=("i:0", "b:0"))
    yield "circle", graph(operation("i", "Identity", "i"), operation("a", "Add", "i", "i"),
                          outputs=("i:0", "?"))
    yield "no_value", graph(split, (1, message((1, "c"), (2, "Const"), (5, message((1, "value"))))),
                            operation("a", "Add", "s:2", "c"))
    yield "no_root", struct.pack("<I", 2) + message((1, b""))
    yield "dense", struct.pack("<I", 0) + read("import/tf1/graph_model/saved_model.pb")
    product = [operation("fc/kernel", "Variable"), operation("m", "MatMul", "x", "fc/kernel")]
    yield "dense_residual", graph(*product, operation("a", "Add", "m", "b"), operation("r", "Add", "a", "x"))
    yield "dense_gate", graph(*product, operation("s", "Sigmoid", "m"), operation("g", "Mul", "m", "s"))
    yield "dense_gradient", graph(*product, operation("gradients/g", "Mul", "m"), operation("h", "MatMul", "m", "m"))
    yield "dense_next", graph(*product, operation("h", "MatMul", "m", "x"), operation("i", "BatchMatMul", "m", "m2"))


# ---- Archives -----------------------------------------------------------------------------------

def archive(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing, compresslevel=9) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, packing)
    return out.getvalue()


def keras_file(layers: list[object], model: str = "Sequential", version: str = "3.3.0",
               weights_of: str = "keras3_deflated.keras", **more: object) -> bytes:
    with zipfile.ZipFile(os.path.join(DATA, "keras", weights_of)) as good:
        weights = good.read("model.weights.h5")
    config = json.dumps({"class_name": model, "config": {"layers": layers} | more}, separators=(",", ":"))
    return archive(("config.json", config.encode()), ("model.weights.h5", weights),
                   ("metadata.json", json.dumps({"keras_version": version}).encode()))


def layer(kind: str, inbound: object = None, **config: object) -> dict[str, object]:
    more = {} if inbound is None else {"inbound_nodes": inbound}
    return {"class_name": kind, "config": config} | more


def keras_files() -> Iterator[tuple[str, bytes]]:
    """The weights are those of a bidirectional GRU of 4 units and a dense layer."""
    inner = {"name": "g", "units": 4, "reset_after": True}

    def both(mode: str | None = "sum", **changes: object) -> dict[str, object]:
        return layer("Bidirectional", name="both", layer=layer("GRU", **(inner | changes)), merge_mode=mode)
    start, dense = layer("InputLayer", name="x", batch_shape=[None, 5, 3]), layer("Dense", name="out", units=2)
    backward = layer("GRU", **inner, go_backwards=True)
    mirrored = both()
    mirrored["config"] |= {"backward_layer": backward}  # type: ignore[operator]
    turned = both()
    turned["config"] |= {"backward_layer": layer("GRU", **inner, activation="relu")}  # type: ignore[operator]
    behind: dict[str, list[object]] = {
        "good": [dense], "activation": [dense, layer("Activation", activation="relu")],
        "activation_none": [dense, layer("Activation")],
        "activation_linear": [dense, layer("Activation", activation="linear")],
        "activation_dropout": [dense, layer("Dropout", rate=0.5), layer("Activation", activation="relu")],
        "activation_late": [layer("Activation", activation="relu"), dense],
        "activation_object": [layer("Dense", name="out", units=2,
                                    activation={"class_name": "function", "config": "softmax"})],
        "activation_own": [layer("Dense", name="out", activation={"class_name": "Mine"})],
        "activation_unknown": [layer("Dense", name="out", activation="mine")],
        "softmax": [dense, layer("Softmax", axis=-1)], "softmax_axis": [dense, layer("Softmax", axis=1)],
        "relu": [dense, layer("ReLU", max_value=6)], "relu_plain": [dense, layer("ReLU")],
        "relu_slope": [dense, layer("ReLU", negative_slope=0.1)],
        "wrapped": [layer("TimeDistributed", name="out", layer=layer("Dense", units=2))],
        "wrapped_other": [layer("TimeDistributed", name="out", layer=layer("LSTM", units=2))],
        "dropout": [layer("Dropout", rate=0), layer("SpatialDropout1D", p=0.3), dense],
        "noise": [layer("GaussianNoise", name="n"), layer("Dropout", rate=0.5, noise_shape=[1]), dense],
        "masking": [layer("Masking", mask_value=1)], "embedding": [layer("Embedding", name="out")],
        "unknown": [layer("Conv1D", name="out")], "no_config": [{"class_name": "Dense"}],
    }
    for name, layers in behind.items():
        yield name, keras_file([start, both(), *layers])
    cells = {"major": both(time_major=True), "zero": both(zero_output_for_mask=True, return_sequences=True),
             "stateful": both(stateful=True, dropout=0.5), "mode": both(None), "backwards": both(
                 go_backwards=True), "mirrored": mirrored, "turned": turned,
             "inner": layer("Bidirectional", name="both", layer=layer("Dense"), merge_mode="sum"),
             "alone": layer("GRU", name="both", units=4, reset_after=True)}
    for name, cell in cells.items():
        yield f"cell_{name}", keras_file([start, cell, dense])
    pooled = both(return_sequences=True)
    for name, layers in (
            ("max", [layer("GlobalMaxPooling1D", name="p"), dense]),
            ("mean", [layer("GlobalAveragePooling1D", name="p", data_format="channels_last"), dense]),
            ("format", [layer("GlobalMaxPooling1D", name="p", data_format="channels_first")]),
            ("kept", [layer("GlobalMaxPooling1D", name="p", keepdims=True)]),
            ("twice", [layer("GlobalMaxPooling1D", name="p"), layer("GlobalMaxPooling1D", name="q")])):
        yield f"pooled_{name}", keras_file([start, pooled, *layers])
    yield "pooled_masked", keras_file([start, layer("Masking", mask_value=1), pooled,
                                       layer("GlobalMaxPooling1D", name="p")])
    gru = layer("GRU", name="rnn", units=4, reset_after=True, return_sequences=True)
    norm = lambda **config: layer("BatchNormalization", **({"name": "in", "scale": False} | config))
    for name, first in (("good", norm(axis=[-1], epsilon=0.01)), ("axis", norm(axis=[-2])),
                        ("axes", norm(axis=[1, 2])), ("missing", norm(scale=True, center=False, axis=2)),
                        ("absent", norm(scale=True)),
                        ("negative", norm(epsilon=-9))):
        yield f"norm_{name}", keras_file(
            [start, first, gru, layer("BatchNormalization", name="s", center=False), layer("LSTM", name="l", units=4),
             layer("Dense", name="out", units=2)], weights_of="keras3_norm.keras")
    row = layer("BatchNormalization", name="s", center=False, axis=1)
    head = layer("Dense", name="out", units=2)
    for name, layers in (
            ("null", [norm(axis=None), gru]), ("row", [norm(), gru, layer("LSTM", name="l", units=4), row, head]),
            ("pooled", [norm(), gru, layer("GlobalMaxPooling1D", name="p"), row, head])):
        yield f"norm_{name}", keras_file([start, *layers], weights_of="keras3_norm.keras")
    yield "norm_folded", keras_file([start, layer("Dense", name="d"), norm(), gru], weights_of="keras3_norm.keras")
    node = lambda name: [[[name, 0, 0, {}]]]
    functional = {
        "two_inputs": [layer("InputLayer", [], name="a"), layer("InputLayer", [], name="b")],
        "fork": [layer("InputLayer", [], name="a"), layer("Dense", node("a"), name="b"),
                 layer("Dense", node("a"), name="c")],
        "shared": [layer("InputLayer", [], name="a"), layer("Dense", [*node("a"), *node("a")], name="b")],
        "merge": [layer("InputLayer", [], name="a"), layer("Add", [[["a", 0, 0], ["a", 0, 0]]], name="b")],
    }
    for name, layers in functional.items():
        yield name, keras_file(layers, "Functional")
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    calls: dict[str, tuple[object, object]] = {
        "keras3": ([history, None], {"training": False, "mask": [None, None]}),
        "constant": ([history, 3], {}), "mask": ([history], {"mask": history}),
        "initial_state": ([history], {"initial_state": [[0.5]]}), "keyword": ([history], {"k": 1})}
    chain = lambda inbound: [layer("InputLayer", [], name="x", batch_shape=[None, 5, 3]),
                             layer("Bidirectional", inbound, name="both", merge_mode="sum",
                                   layer=layer("GRU", **inner, return_state=True))]
    for name, (arguments, keywords) in calls.items():
        yield f"call_{name}", keras_file(chain([{"args": arguments, "kwargs": keywords}]), "Functional")
    def operation(kind: str, *arguments: object, **config: object) -> dict[str, object]:
        return layer(kind, [{"args": arguments, "kwargs": {}}], name=kind, **config)

    def tensor(name: str) -> dict[str, object]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}
    for name, mask, source in (
            ("good", [operation("NotEqual", tensor("x"), -1), operation("Any", tensor("NotEqual"), axis=-1)], "Any"),
            ("axis", [operation("NotEqual", tensor("x"), -1), operation("Any", tensor("NotEqual"), axis=[0])], "Any"),
            ("value", [operation("NotEqual", tensor("x"), "")], "NotEqual"),
            ("zero", [operation("NotEqual", tensor("x"), 0)], "NotEqual"),
            ("alone", [], "x"), ("nothing", [operation("NotEqual", tensor("x"))], "NotEqual")):
        masked = layer("Masking", [[["x", 0, 0]]], name="m", mask_value=-1)
        inbound = [{"args": [tensor("m")], "kwargs": {"mask": tensor(source)}}]
        yield f"mask_{name}", keras_file([*chain(inbound), masked, *mask], "Functional")
    yield "mask_only", keras_file([operation("Any", tensor("Any"))], "Functional")
    yield "call_keras2", keras_file(chain([[["x", 0, 0, {"training": True}]]]), "Functional")
    start, cell = chain(node("x"))
    alone = layer("LSTM", node("x"), name="both", return_state=True)
    for name, layers, head in (("h", [start, alone], 1), ("c", [start, alone], 2), ("beyond", [start, alone], 3),
                               ("both_ways", [start, cell], 1)):
        layers = [*layers, layer("Dense", [[["both", 0, head]]], name="out", units=2)]
        yield f"state_{name}", keras_file(layers, "Functional")
    yield "call_twice", keras_file([start, cell, layer("Dense", [[["both", 1, 0]]], name="out")], "Functional")
    outputs = {"states": [["both", 0, 0], ["both", 0, 2]], "several": [["both", 0, 0]] * 2, "none": [],
               "named": {"y": ["both", 0, 0]}, "stranger": [["both", 0, 0], ["z", 0, 1]], "input": ["x", 0, 0],
               "state": ["both", 0, 1], "many": [["both", 0, 0], *[["both", 0, 1]] * 64]}
    for name, said in outputs.items():
        yield f"outputs_{name}", keras_file([start, cell], "Functional", output_layers=said)
    yield "subclassed", keras_file([], "Mine")
    yield "no_layers", keras_file([])
    yield "early", archive(("config.json", b"{"), ("model.weights.h5", b""))
    yield "no_weights", archive(("config.json", b"{}"), ("model.weights.h5_", b""))
    huge = zipfile.ZipInfo("model.weights.h5")
    huge.extra = struct.pack("<HHQ", 1, 8, 0)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(huge, b"")
    data = bytearray(out.getvalue())
    at = data.find(b"PK\1\2")
    data[at + 20:at + 28] = struct.pack("<II", 0, 0xffffffff)
    yield "zip64", bytes(data)
    data[at + 46 + len(huge.filename) + 2] = 99
    yield "zip64_cut", bytes(data)


def hdf5_files() -> Iterator[tuple[str, bytes]]:
    """Packed as fuzz_keras_h5.c wants them."""
    cases = {"other_weight": read("keras/keras2_lstm_layers").replace(b"bias:0", b"gamm:0"),
             "listed": read("keras/tf_gru_no_bias"), "not_listed": read("keras/keras3_weights_mixed"),
             "state_h": read("keras/tf_state_h"), "no_keras": read("keras/no_keras")}
    for name, file in cases.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        yield name, b"Z" + struct.pack("<I", len(file)) + packer.compress(file) + packer.flush()


STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ"


def pickles() -> Iterator[tuple[str, bytes]]:
    """Objects of Python beside a tensor, packed as fuzz_pickle.c wants them."""
    cases = {
        "called": b"cos\nsystem\nX\2\0\0\0id\x85R", "result_called": b"ca\nb\n)R)R", "keywords": b"ca\nb\n)}\x92",
        "known_keywords": b"ctorch\ndevice\n)}\x92", "tensor_inside": b"ca\nb\n" + STORAGE + b"\x85R",
        "in_itself": b"ca\nb\n)Rq\0h\0a", "class": b"(X\6\0\0\0moduleca\nb\nNtQ)\x81}b",
        "items": b"ca\nb\n)R(K\1K\1uK\1a", "array": b"cnumpy.core.multiarray\n_reconstruct\n)R)b",
        "foreign_storage": STORAGE.replace(b"ctorch", b"ca"),
        "many": b"(" + b"".join(b"c%c\nb\n" % c for c in b"abcdefghij") + b"t",
    }
    for name, part in cases.items():
        tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"K\0K\6\x85K\1\x85\x89)tR"
        yield f"beside_{name}", (b"\x80\2}X\1\0\0\0p" + part + b"sX\1\0\0\0w" + tensor + b"s.\x80\2]X\1\0\0\0000a." +
                                struct.pack("<Q", 6) + bytes(24))
        yield f"only_{name}", b"\x80\2" + part + b".\x80\2]."


def torch_files() -> Iterator[tuple[str, bytes]]:
    empty = b"\x80\x02}."
    for name, order in {"little": b"little", "big": b"big"}.items():
        yield f"order_{name}", archive(("m/data.pkl", empty), ("m/byteorder", order), packing=0)
    data = bytearray(archive(("m/data.pkl", empty), ("m/byteorder", b"little"), packing=zipfile.ZIP_STORED))
    data[data.find(b"PK\1\2", data.find(b"PK\1\2") + 4) + 10] = 8
    yield "order_damaged", bytes(data)
    yield "beside_objects", read("torch/beside_objects")
    yield "weight_norm_all", read("torch/refused/weight_norm_all")
    yield "subclass", read("torch/refused/subclass")
    yield "no_pickle", archive(("data.pkl", empty), packing=0)


def seeds() -> Iterator[tuple[str, str, bytes]]:
    for kind, family in (("safetensors_import", arrays), ("import_files", folders),
                         ("tf_checkpoint", checkpoints), ("saved_model", graphs),
                         ("keras_zip", keras_files), ("keras_h5", hdf5_files), ("torch", torch_files),
                         ("pickle", pickles)):
        yield from ((kind, name, data) for name, data in family())
    yield "import_files", "torch", files(("w.pt", read("torch/gru")))
    yield "import_files", "torch_protocol_4", files(("w.pt", read("torch/legacy_protocol_4")))
