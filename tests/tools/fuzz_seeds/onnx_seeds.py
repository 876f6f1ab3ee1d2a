"""onnx_seeds.py: ONNX files of a few nodes, one for each thing that the reader folds, follows or
refuses. SPDX-License-Identifier: Apache-2.0"""
from __future__ import annotations

import struct
from typing import Iterator, Union

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 10, 11

Field = tuple[int, Union[int, float, bytes, str]]


# ---- Protocol buffers ---------------------------------------------------------------------------

def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(*fields: Field) -> bytes:
    """Numbers become varints, floats fixed32, the rest bytes with a length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


# ---- What is in a graph -------------------------------------------------------------------------

def tensor(name: str, dims: list[int], raw: bytes | None = None, dtype: int = FLOAT,
           *fields: Field) -> Field:
    """An initializer; of floats, ascending ones if no bytes are given."""
    n = 1
    for dim in dims:
        n *= dim
    if raw is None and not fields:
        raw = struct.pack(f"<{n}f", *(0.1 * k for k in range(n)))
    data = [(9, raw)] if raw is not None else []
    return 5, message(*((1, dim) for dim in dims), (2, dtype), (8, name), *data, *fields)


def whole(name: str, *numbers: int, scalar: bool = False) -> Field:
    return tensor(name, [] if scalar else [len(numbers)], struct.pack(f"<{len(numbers)}q", *numbers),
                  INT64)


def attribute(name: str, value: object) -> bytes:
    if isinstance(value, int):
        return message((1, name), (3, value), (20, 2))
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    if isinstance(value, str):
        return message((1, name), (4, value), (20, 3))
    if isinstance(value, tuple):  # a tensor
        return message((1, name), (5, value[1]), (20, 4))
    if all(isinstance(item, int) for item in value):
        return message((1, name), *((8, item) for item in value), (20, 7))
    if all(isinstance(item, float) for item in value):
        return message((1, name), *((7, item) for item in value), (20, 6))
    return message((1, name), *((9, item) for item in value), (20, 8))


def node(op: str, inputs: str, outputs: str, **attributes: object) -> Field:
    """Names are parted by spaces; "-" is one that is left out."""
    def names(text: str) -> list[str]:
        return ["" if name == "-" else name for name in text.split()]
    return 1, message(*((1, name) for name in names(inputs)), *((2, name) for name in names(outputs)),
                      (4, op), *((5, attribute(key.rstrip("_"), value))
                                 for key, value in attributes.items()))


def given(name: str, *dims: int | str, dtype: int = FLOAT) -> Field:
    """An input of the graph."""
    sizes = [(1, message((2, dim) if isinstance(dim, str) else (1, dim))) for dim in dims]
    kind = message((1, message((1, dtype), (2, message(*sizes)))))
    return 11, message((1, name), (2, kind))


def result(name: str) -> Field:
    return 12, message((1, name))


def model(*parts: Field, opset: int = 14) -> bytes:
    return message((1, 7), (7, message(*parts)), (8, message((1, ""), (2, opset))))


# ---- Networks -----------------------------------------------------------------------------------

def lstm_weights(features: int = 2, units: int = 1) -> list[Field]:
    return [tensor("W", [1, 4 * units, features]), tensor("R", [1, 4 * units, units]),
            tensor("B", [1, 8 * units])]


def lstm(x: str = "x", y: str = "Y Yh Yc", **attributes: object) -> Field:
    return node("LSTM", f"{x} W R B", y, **{"hidden_size": 1, **attributes})


INPUT = given("x", "T", "B", 2)
SIZED = given("x", 3, "B", 2)
LAST = node("Squeeze", "Yh axis0", "h")
AXES = [whole("axis0", 0), whole("axis1", 1), whole("axis2", 2), whole("minus1", -1)]


def network(*behind: Field, x: Field = INPUT, before: tuple[Field, ...] = (), read: str = "x",
            **attributes: object) -> bytes:
    """An LSTM of one unit, `h` its last output, and what stands behind it."""
    return model(x, *AXES, *lstm_weights(), *before, lstm(read, **attributes), LAST, *behind,
                 result("out"))


def folds() -> bytes:
    """Constants rearranged in every way that is no error, in front of a network."""
    two = tensor("two", [2, 3])
    parts = [two, tensor("one", [1]), tensor("halves", [3], struct.pack("<3e", 1, 2, 3), FLOAT16),
             tensor("bytes", [4], b"\1\2\3\xff", INT8), tensor("bools", [2], b"\0\1", BOOL),
             tensor("zeros", [2, 2], bytes(16)), whole("n3", 3), whole("shape", 3, -1),
             whole("same", 0, 3), whole("rows", 1, -1), whole("row", 1, scalar=True),
             whole("begin", 0, 2), whole("end", 2, 0), whole("axes", 0, 1), whole("steps", 1, -1),
             whole("a", 7, 2, 1), whole("b", 2, 2, 0), whole("parts", 1, 2), whole("nothing"),
             whole("six", 6, scalar=True), whole("axes01", 0, 1), whole("one_one", 1, 1)]
    one = tensor("", [1], struct.pack("<q", 1), INT64)
    filled = tensor("", [1], struct.pack("<f", 2), FLOAT)
    nodes = [
        node("Transpose", "two", "t1"), node("Reshape", "t1 shape", "t2"),
        node("Reshape", "two same", "t3"), node("Flatten", "two", "t4", axis=0),
        node("Unsqueeze", "two axes01", "t5"), node("Squeeze", "t5", "t6"),
        node("Squeeze", "t5 axis0", "t7"), node("Slice", "two begin end axes steps", "t8"),
        node("Slice", "two begin end", "t9"), node("Gather", "two rows", "t10", axis=1),
        node("Gather", "two row", "t11"), node("Concat", "two t6", "t12", axis=0),
        node("Split", "two parts", "s1 s2", axis=1), node("Split", "two", "s3 s4", axis=0),
        node("Cast", "two", "c1", to=FLOAT16), node("Cast", "c1", "c2", to=INT32),
        node("Cast", "c2", "c3", to=FLOAT), node("Cast", "bytes", "c4", to=BOOL),
        node("Cast", "two", "c5", to=DOUBLE), node("Cast", "halves", "c6", to=INT64),
        node("Transpose", "c6", "c7"), node("Identity", "two", "i1"),
        node("ConstantOfShape", "n3", "f1", value=one), node("ConstantOfShape", "n3", "f2"),
        node("ConstantOfShape", "shape", "f3", value=filled), node("Transpose", "f3", "f4"),
        node("Gather", "f3 row", "f5"), node("Split", "f3", "f6 f7"),
        node("Concat", "f2 f3", "f8", axis=0), node("Expand", "f3 n3", "f9"),
        node("Expand", "n3 one_one", "e1"), node("Expand", "one shape", "e2"),
        node("Expand", "zeros shape", "e3"), node("Expand", "two shape", "e4"),
        node("Shape", "two", "h1"), node("Shape", "x", "h2"), node("Shape", "x", "h3", start=1, end=2),
        node("Shape", "two", "h4", end=9), node("Shape", "e4", "h5"), node("Shape", "x", "h6", start=9),
        *(node(op, "a b", f"m{k}") for k, op in enumerate(("Add", "Sub", "Mul", "Div", "Equal"))),
        node("Where", "m4 a b", "w1"), node("Where", "x a b", "w2"), node("Equal", "h2 a", "w3"),
        node("Where", "w3 a b", "w4"), node("Gather", "a row", "g1"), node("Gather", "h2 row", "g2"),
        node("Gather", "h2 six", "g3"), node("Unsqueeze", "g2 axis0", "u1"),
        node("Unsqueeze", "h2 axis0", "u2"), node("Concat", "u1 n3", "u3", axis=0),
        node("Concat", "u1 x", "u4", axis=0), node("Transpose", "h2", "u5"),
        node("Squeeze", "u1", "u6"), node("Squeeze", "h2", "u7"), node("Reshape", "h2 minus1", "u8"),
        node("Reshape", "u1 nothing", "u9"), node("Reshape", "h2 shape", "u10"),
        node("Slice", "h2 axis1 axis2", "v1"), node("Slice", "h2 minus1 n3", "v2"),
        node("Slice", "h2 n3 axis0", "v3"), node("Slice", "h2 begin end", "v4"),
        node("Cast", "h2", "v5", to=FLOAT), node("Equal", "x a", "v6"),
        node("Concat", "two", "v7", axis=9), node("Gather", "two rows", "v8", axis=9),
        node("Split", "x parts", "v9 v10", axis=2), node("Concat", "u1", "v11", axis=0),
        node("Constant", "", "k1", value_floats=[1.0, 2.0]), node("Constant", "", "k2", value_float=1.5),
        node("Constant", "", "k3", value_ints=[1, 2]), node("Constant", "", "k4", value_int=3),
        node("Constant", "", "k5", value=filled), node("Constant", "", "k6", value_strings=["a"]),
        node("ConstantOfShape", "n3", "k7", value=two),
    ]
    return network(*nodes, node("Identity", "h", "out"), before=tuple(parts))


def fold_errors() -> Iterator[tuple[str, bytes]]:
    """One node that ends the reading, in front of a network."""
    two, strings = tensor("two", [2, 3]), tensor("text", [1], None, STRING, (6, "a"))
    cases: dict[str, tuple[Field, ...]] = {
        "perm": (two, node("Transpose", "two", "a", perm=[0, 0])),
        "perm_rank": (two, node("Transpose", "two", "a", perm=[0])),
        "squeeze_size": (two, node("Squeeze", "two axis0", "a")),
        "squeeze_axis": (two, node("Squeeze", "two axes", "a"), whole("axes", 5)),
        "unsqueeze": (two, node("Unsqueeze", "two x", "a")),
        "unsqueeze_rank": (two, whole("axes", *range(8)), node("Unsqueeze", "two axes", "a")),
        "reshape": (two, whole("to", 4, 2), node("Reshape", "two to", "a")),
        "reshape_rest": (two, whole("to", -1, -1), node("Reshape", "two to", "a")),
        "reshape_rest_size": (two, whole("to", -1, 4), node("Reshape", "two to", "a")),
        "reshape_same": (two, whole("to", 1, 1, 0), node("Reshape", "two to", "a")),
        "reshape_huge": (two, whole("to", 1 << 40, 1 << 40), node("Reshape", "two to", "a")),
        "reshape_unknown": (two, node("Reshape", "two x", "a")),
        "slice_step": (two, whole("step", 0), node("Slice", "two axis0 axis1 axis0 step", "a")),
        "slice_axis": (two, whole("axes", 9), node("Slice", "two axis0 axis1 axes", "a")),
        "slice_unknown": (two, node("Slice", "two x x", "a")),
        "gather_index": (two, whole("index", 2), node("Gather", "two index", "a")),
        "gather_rank": (tensor("flat", [1] * 8), tensor("index", [1, 1], bytes(16), INT64),
                        node("Gather", "flat index", "a")),
        "cast_text": (two, node("Cast", "two", "a", to=STRING)),
        "cast_from_text": (strings, node("Cast", "text", "a", to=FLOAT)),
        "cast_huge": (tensor("huge", [1], struct.pack("<f", 1e30)),
                      node("Cast", "huge", "a", to=INT32)),
        "concat_shape": (two, tensor("three", [3, 2]), node("Concat", "two three", "a", axis=0)),
        "concat_dtype": (two, tensor("bytes", [2, 3], bytes(6), INT8),
                         node("Concat", "two bytes", "a", axis=0)),
    }
    for name, parts in cases.items():
        yield name, network(before=parts)


def tensors() -> Iterator[tuple[str, bytes]]:
    """How a tensor may hold its numbers, and how it may not."""
    def outside(**facts: str) -> tuple[Field, ...]:
        return (14, 1), *((13, message((1, key), (2, value))) for key, value in facts.items())
    cases: dict[str, Field] = {
        "packed": tensor("t", [2], None, FLOAT, (4, struct.pack("<2f", 1, 2))),
        "loose": tensor("t", [2], None, FLOAT, (4, 1.0), (4, 2.0)),
        "int32_data": tensor("t", [2], None, INT8, (5, varint(-1) + varint(3))),
        "int32_loose": tensor("t", [2], None, INT8, (5, -1), (5, 3)),
        "int64_data": tensor("t", [2], None, INT64, (7, 1), (7, varint(2))),
        "half_data": tensor("t", [2], None, FLOAT16, (5, varint(15360) + varint(0))),
        "text": tensor("t", [1], None, STRING, (6, "abc")),
        "few": tensor("t", [3], None, FLOAT, (4, 1.0)),
        "wrong_wire": tensor("t", [1], None, FLOAT, (4, 1)),
        "int_wire": tensor("t", [1], None, INT64, (7, 1.0)),
        "raw_size": tensor("t", [3], b"\0" * 5),
        "empty": tensor("t", [0], b""),
        "negative": tensor("t", [-1], b""),
        "rank": tensor("t", [1] * 9, b"\0" * 4),
        "product": tensor("t", [1 << 40, 1 << 40], b""),
        "outside": tensor("t", [1], None, FLOAT, *outside(location="w", offset="0", length="4")),
        "outside_offset": tensor("t", [1], None, FLOAT, *outside(location="model.onnx", offset="0x")),
        "outside_self": tensor("t", [1], None, FLOAT, *outside(location="model.onnx", length="4")),
        "outside_rest": tensor("t", [1], None, FLOAT, *outside(location="model.onnx", offset="4")),
        "outside_behind": tensor("t", [1], None, FLOAT,
                                 *outside(location="model.onnx", offset="99999999", length="4")),
        "outside_huge": tensor("t", [1], None, FLOAT,
                               *outside(location="model.onnx", offset="9" * 40)),
        "outside_above": tensor("t", [1], None, FLOAT, *outside(location="../w")),
        "outside_root": tensor("t", [1], None, FLOAT, *outside(location="/w")),
        "outside_nowhere": tensor("t", [1], None, FLOAT, *outside(offset="4")),
    }
    for name, part in cases.items():
        yield f"tensor_{name}", network(node("Cast", "t", "u", to=DOUBLE), before=(part,))


def layers() -> Iterator[tuple[str, bytes]]:
    """Dense layers and their activations; flows cut, joined and rearranged."""
    k, b = tensor("K", [1, 2]), tensor("b", [2])
    dense = (k, b, node("MatMul", "h K", "m"), node("Add", "m b", "d"))
    cases: dict[str, bytes] = {
        "matmul_add": network(*dense, node("Softmax", "d", "out", axis=-1)),
        "add_row": network(*dense[:1], tensor("b", [1, 2]), *dense[2:], node("Identity", "d", "out")),
        "add_rows": network(*dense[:1], tensor("b", [2, 2]), *dense[2:], node("Identity", "d", "out")),
        "matmul_rank": network(tensor("K", [1, 1, 2]), *dense[1:]),
        "matmul_size": network(tensor("K", [3, 2]), *dense[1:]),
        "matmul_both": network(node("MatMul", "h h", "out")),
        "matmul_unknown": network(node("Foo", "h", "f"), k, node("MatMul", "f K", "out")),
        "gemm": network(k, b, node("Gemm", "h K b", "out")),
        "gemm_turned": network(tensor("K", [2, 1]), node("Gemm", "h K", "out", transB=1)),
        "gemm_alpha": network(k, b, node("Gemm", "h K b", "out", alpha=2.0)),
        "gemm_bias": network(k, tensor("b", [2, 2]), node("Gemm", "h K b", "out")),
        "gemm_unknown_bias": network(k, node("Gemm", "h K h", "out")),
        "dense_dense": network(*dense, tensor("L", [2, 2]), node("Relu", "d", "r"),
                               node("MatMul", "r L", "out")),
        "clip": network(*dense, tensor("low", [], struct.pack("<f", 0)),
                        tensor("six", [], struct.pack("<f", 6)), node("Clip", "d low six", "out")),
        "clip_other": network(*dense, node("Clip", "d", "out", min=-1.0, max=1.0)),
        "clip_unknown": network(*dense, node("Clip", "d h", "out")),
        "elu": network(*dense, node("Elu", "d", "out", alpha=2.0)),
        "hard": network(*dense, node("HardSigmoid", "d", "out")),
        "leaky": network(*dense, node("LeakyRelu", "d", "out")),
        "softmax_axis": network(*dense, node("Softmax", "d", "out", axis=0)),
        "softmax_old": model(INPUT, *AXES, *lstm_weights(), lstm(), node("Squeeze", "Yh", "h", axes=[0]),
                             *dense, node("Softmax", "d", "out"), result("out"), opset=11),
        "activated_twice": network(*dense, node("Relu", "d", "r"), node("Tanh", "r", "out")),
        "swish": network(*dense, node("Sigmoid", "d", "s"), node("Mul", "d s", "out")),
        "softsign": network(*dense, node("Softsign", "d", "out")),
        "add_fill": network(*dense, whole("n", 2), node("ConstantOfShape", "n", "f"),
                            node("Add", "d f", "out")),
        "mul_fill": network(*dense, tensor("one", [], struct.pack("<f", 1)), node("Mul", "d one", "e"),
                            node("Div", "e one", "out")),
        "mul_two": network(*dense, tensor("two", [], struct.pack("<f", 2)), node("Mul", "d two", "out")),
        "add_flows": network(node("Add", "h h", "out")),
        "constants": network(tensor("p", [2]), node("Add", "p p", "q"), node("Mul", "p p", "r"),
                             node("Add", "p h", "out")),
        "many": network(tensor("Q", [1, 1]), node("MatMul", "h Q", "q0"),
                        *(node("MatMul", f"q{k} Q", f"q{k + 1}") for k in range(66))),
        "two_outputs": model(INPUT, *AXES, *lstm_weights(), lstm(), LAST, node("Identity", "h", "out"),
                             result("out"), result("Y")),
        "log_softmax": network(*dense, node("LogSoftmax", "d", "out", axis=-1)),
        **norms(dense),
        "scaled": network(node("Identity", "h", "out"), read="y",
                          before=(tensor("s", [], struct.pack("<f", 255)), node("Div", "x s", "y"))),
        "scaled_mul": network(node("Identity", "h", "out"), read="y",
                              before=(tensor("s", [], struct.pack("<f", .5)), node("Mul", "x s", "y"))),
    }
    yield from ((f"layer_{name}", data) for name, data in cases.items())


def norms(dense: tuple[Field, ...]) -> dict[str, bytes]:
    """Batch normalisations of what may and may not have one."""
    def behind(name: str, n: int, *nodes: Field, variance: Field | None = None, **attributes: object) -> bytes:
        vectors = [tensor(part, [n], struct.pack(f"<{n}f", *[1.5] * n)) for part in "stu"]
        norm = node("BatchNormalization", f"{name} s t u v", "out", **attributes)
        return network(*dense, *nodes, *vectors,
                       variance or tensor("v", [n], struct.pack(f"<{n}f", *[2] * n)), norm)
    return {
        "norm": behind("d", 2, epsilon=0.01), "norm_rnn": behind("h", 1), "norm_size": behind("d", 3),
        "norm_other_size": behind("h", 3), "norm_steps": behind("Y", 1), "norm_training": behind("d", 2, training_mode=1),
        "norm_activated": behind("r", 2, node("Relu", "d", "r")),
        "norm_negative": behind("d", 2, epsilon=-9.0),
        "norm_rank": behind("d", 2, variance=tensor("v", [1, 2])),
        "norm_scalar": network(*dense, *[tensor(part, []) for part in "stuv"],
                               node("BatchNormalization", "d s t u v", "out")),
        "norm_unknown": behind("d", 2, variance=node("Foo", "d", "v")),
    }


def flows() -> Iterator[tuple[str, bytes]]:
    """What is followed through a network by the meaning of its axes."""
    batch_first = (given("x", "B", 3, 2), node("Transpose", "x", "y", perm=[1, 0, 2]))
    last = node("Identity", "h", "out")
    turned = (node("Squeeze", "Y axis1", "s"), node("Transpose", "s", "t", perm=[1, 2, 0]))
    behind = {
        "pick_step": (node("Gather", "Y last", "s", axis=0), whole("last", -1, scalar=True),
                      node("Squeeze", "s axis0", "out")),
        "pick_list": (node("Gather", "Y minus1", "s", axis=0), node("Identity", "s", "out")),
        "pick_first": (node("Gather", "Y axis0", "s", axis=0), node("Identity", "s", "out")),
        "pick_direction": (node("Gather", "Yh zero", "out"), whole("zero", 0, scalar=True)),
        "pick_bad_direction": (node("Gather", "Yh six", "out"), whole("six", 6, scalar=True)),
        "pick_feature": (node("Gather", "h zero", "out", axis=1), whole("zero", 0, scalar=True)),
        "pick_many": (node("Gather", "Y axes", "out"), whole("axes", 0, 1)),
        "slice_last": (node("Slice", "Y minus1 big axis0", "s"), whole("big", (1 << 63) - 1),
                       node("Squeeze", "s axis0", "out")),
        "slice_all": (node("Slice", "Y axis0 big axis0", "out"), whole("big", (1 << 31) - 1)),
        "slice_some": (node("Slice", "Y axis0 axis2 axis0", "out"),),
        "slice_step": (node("Slice", "Y axis0 axis2 axis0 axis2", "out"),),
        "slice_units": (node("Slice", "h axis0 axis1 axis1", "out"),),
        "slice_beyond": (node("Slice", "h minus9 axis1 axis1", "out"), whole("minus9", -9)),
        "slice_empty": (node("Slice", "h axis1 axis1 axis1", "out"),),
        "squeeze_all": (node("Squeeze", "Y", "out"),),
        "squeeze_time": (node("Squeeze", "Y axis0", "out"),),
        "reshape": (node("Squeeze", "Y axis1", "s"), whole("to", 0, 0, -1), node("Reshape", "s to", "out")),
        "reshape_merge": (node("Squeeze", "Y axis1", "s"), whole("to", -1, 1),
                          node("Reshape", "s to", "out")),
        "reshape_split": (node("Squeeze", "Y axis1", "s"), whole("to", 3, -1, 1, 1),
                          node("Reshape", "s to", "out")),
        "reshape_other": (node("Squeeze", "Y axis1", "s"), whole("to", 5, 7),
                          node("Reshape", "s to", "out")),
        "reshape_rank": (whole("to", *[1] * 9), node("Reshape", "h to", "out")),
        "reshape_shape": (node("Shape", "h", "n"), node("Reshape", "h n", "out")),
        "reshape_joined": (node("Shape", "Y", "n"), node("Gather", "n axis0", "t"),
                           node("Concat", "t minus1", "to", axis=0), node("Reshape", "Y to", "out")),
        "transpose": (node("Transpose", "Y", "s", perm=[0, 2, 1, 3]), whole("to", 0, 0, -1),
                      node("Reshape", "s to", "out")),
        "transpose_other": (node("Transpose", "Y", "out", perm=[3, 2, 1, 0]),),
        "flatten": (node("Flatten", "h", "out"),),
        "split": (node("Split", "h", "out other", axis=1),),
        "split_time": (node("Split", "Y", "out other", axis=0),),
        "concat": (node("Concat", "h h", "out", axis=1),),
        "concat_other": (node("Concat", "h Y", "out", axis=1),),
        "pair": (lstm("x", "Z Zh Zc", direction="reverse"), node("Squeeze", "Zh axis0", "g"),
                 node("Concat", "h g", "out", axis=1)),
        "pair_other": (lstm("x", "Z Zh Zc", direction="reverse",
                            activations=["HardSigmoid", "Relu", "Relu"]),
                       node("Squeeze", "Zh axis0", "g"), node("Concat", "h g", "out", axis=1)),
        "unsqueeze": (node("Unsqueeze", "h axis1", "u"), node("Squeeze", "u axis1", "out")),
        "mean": (node("ReduceMean", "Y", "out", axes=[0], keepdims=0),),
        "mean_kept": (node("ReduceMean", "Y", "s", axes=[0]), node("Squeeze", "s axis0", "out")),
        "max": (node("ReduceMax", "Y", "out", axes=[0], keepdims=0),),
        "max_direction": (node("ReduceMax", "Y", "out", axes=[1], keepdims=0),),
        "mean_all": (node("ReduceMean", "Y", "out"),),
        "mean_dense": (node("Squeeze", "Y axis1", "s"), tensor("K", [1, 2]), node("MatMul", "s K", "d"),
                       node("ReduceMean", "d", "m", axes=[0], keepdims=0), node("Relu", "m", "out")),
        "mean_second": (node("Squeeze", "Y axis1", "s"), node("ReduceMean", "s", "m", axes=[0]),
                        tensor("V", [1, 4, 1]), node("LSTM", "m V R B", "Z Zh Zc", hidden_size=1),
                        node("Identity", "Zh", "out")),
        "pool": (*turned, node("GlobalMaxPool", "t", "p"), node("Squeeze", "p axis2", "out")),
        "window": (*turned, node("MaxPool", "t", "p", kernel_shape=[3], pads=[0, 0], dilations=[1]),
                   node("Squeeze", "p axis2", "out")),
        "window_cut": (*turned, node("AveragePool", "t", "out", kernel_shape=[2])),
        "window_padded": (*turned, node("MaxPool", "t", "out", kernel_shape=[3], pads=[1, 1])),
        "window_many": (*turned, node("MaxPool", "t", "out", kernel_shape=[3], pads=[0] * 17)),
        "window_same": (*turned, node("MaxPool", "t", "out", kernel_shape=[3], auto_pad="SAME_UPPER")),
        "pool_batch": (node("Squeeze", "Y axis1", "s"), node("GlobalAveragePool", "s", "out")),
        "pool_rank": (node("GlobalAveragePool", "Y", "out"),),
        "pair_max": (lstm("x", "Z Zh Zc", direction="reverse"),
                     node("ReduceMax", "Y", "f", axes=[0], keepdims=0),
                     node("ReduceMax", "Z", "b", axes=[0], keepdims=0), node("Add", "f b", "out")),
        "pair_again": (lstm("x", "Z Zh Zc", direction="reverse"), node("Mul", "Y Z", "m"), node("Add", "m Z", "out")),
        "pair_last": (lstm("x", "Z Zh Zc", direction="reverse"), whole("last", -1, scalar=True),
                      node("Concat", "Y Z", "both", axis=3), node("Gather", "both last", "s", axis=0),
                      node("Squeeze", "s axis0", "out")),
        "pair_mixed": (lstm("x", "Z Zh Zc", direction="reverse"),
                       node("ReduceMax", "Y", "f", axes=[0], keepdims=0),
                       node("ReduceMean", "Z", "b", axes=[0], keepdims=0),
                       node("Concat", "f b", "c", axis=2), node("Squeeze", "c axis0", "out")),
        "sum": (node("ReduceSum", "Y axis0", "out", keepdims=0),),
        "loop": (node("Loop", "h", "out"),),
        "norm": (node("BatchNormalization", "h", "out"),),
        "unknown": (node("Foo", "h", "out"),),
        "second": (lstm("Y", "Z Zh Zc"), node("Identity", "Zh", "out")),
        "second_rows": (node("Squeeze", "Y axis1", "s"), tensor("V", [1, 4, 1]),
                        node("LSTM", "s V R B", "Z Zh Zc", hidden_size=1), node("Identity", "Zh", "out")),
        "second_last": (tensor("V", [1, 4, 1]), node("LSTM", "Yh V R B", "Z Zh Zc", hidden_size=1),
                        node("Identity", "Zh", "out")),
    }
    for name, nodes in behind.items():
        yield f"flow_{name}", network(*nodes, x=SIZED)
    before = {
        "batch_first": network(last, x=batch_first[0], before=batch_first[1:], read="y"),
        "embedding": network(last, x=given("x", "T", "B", dtype=INT64), read="y",
                             before=(tensor("E", [5, 2]), node("Gather", "E x", "y"))),
        "embedding_rank": network(last, x=given("x", "T", "B", dtype=INT64), read="y",
                                  before=(tensor("E", [5, 2, 1]), node("Gather", "E x", "y"))),
        "embedding_axis": network(last, x=given("x", "T", "B", dtype=INT64), read="y",
                                  before=(tensor("E", [5, 2]), node("Gather", "E x", "y", axis=1))),
        "embedding_late": network(tensor("E", [5, 2]), node("Gather", "E h", "out")),
        "rank": network(last, x=given("x", *[1] * 9)),
        "no_shape": network(last, x=(11, message((1, "x")))),
        "two_inputs": network(given("z", "T", "B", 2), node("Add", "z Y", "out")),
        "second_input": network(given("z", "T", "B", 2), lstm("z", "Z Zh Zc"),
                                node("Identity", "Zh", "out")),
        "dense_unsized": model(given("x", "T", "B", "D"), tensor("K", [2, 2]),
                               node("MatMul", "x K", "y"), result("y")),
        "dense_first": network(last, read="y", before=(tensor("K", [2, 2]), node("MatMul", "x K", "y"))),
        "lengths": model(INPUT, given("n", "B", dtype=INT32), *AXES, *lstm_weights(),
                         node("LSTM", "x W R B n", "Y Yh Yc", hidden_size=1), LAST, last, result("out")),
        "mean_lengths": model(INPUT, given("n", "B", dtype=INT32), *AXES, *lstm_weights(),
                              node("LSTM", "x W R B n", "Y Yh Yc", hidden_size=1),
                              node("ReduceMean", "Y", "out", axes=[0], keepdims=0), result("out")),
        "fill_lengths": model(SIZED, *AXES, *lstm_weights(), tensor("n", [2], struct.pack("<2i", 3, 3),
                                                                    INT32),
                              node("LSTM", "x W R B n", "Y Yh Yc", hidden_size=1), LAST, last,
                              result("out")),
        "clip": network(last, clip=3.0), "functions": network(last, activations=["Tanh"]),
        "affine": network(last, activations=["Sigmoid", "Affine", "ScaledTanh"],
                          activation_alpha=[0.5, 1.0], activation_beta=[1.0]),
        "hard": network(last, activations=["HardSigmoid", "Relu", "Relu"],
                        activation_alpha=[0.2], activation_beta=[0.5]),
        "mixed": network(last, activations=["Sigmoid", "Tanh", "Relu"]),
        "reverse": network(last, direction="reverse"), "both": network(last, direction="bidirectional"),
        "direction": network(last, direction="sideways"), "layout": network(last, layout=1),
        "forget": network(last, input_forget=1), "hidden": network(last, hidden_size=7),
        "quantised": model(INPUT, *AXES, tensor("W", [1, 4, 2], bytes(8), INT8),
                           *lstm_weights()[1:], lstm(), LAST, last, result("out")),
        "computed": network(last, before=(), read="x") + b"",
        "given": model(INPUT, given("W", 1, 4, 2), *lstm_weights()[1:], *AXES, lstm(), LAST, last,
                       result("out")) + b"\nGIVEN\n" + tensor("W", [1, 4, 2])[1],
        "given_missing": model(INPUT, given("W", 1, 4, 2), *lstm_weights()[1:], *AXES, lstm(), LAST, last,
                               result("out")),
        "weights_computed": model(INPUT, *AXES, *lstm_weights()[1:], node("Foo", "x", "W"), lstm(), LAST,
                                  last, result("out")),
        "weights_missing": model(INPUT, *AXES, *lstm_weights()[1:], lstm(), LAST, last, result("out")),
        "many_names": network(last, before=tuple(node("Identity", "x", f"n{k}") for k in range(70))),
        "packed_ints": message((1, 7), (7, message(
            given("x", 2, 3), (1, message((1, "x"), (2, "y"), (4, "Transpose"), (5, message(
                (1, "perm"), (8, varint(1) + varint(0)), (20, 7))))),
            (1, message((1, "y"), (2, "z"), (4, "Foo"), (5, message(
                (1, "f"), (7, struct.pack("<2f", 1, 2)), (20, 6))))), result("z")))),
        "cut_graph": message((1, 7)) + b"\x3a\x05\x0a\x7f",
    }
    yield from ((f"network_{name}", data) for name, data in before.items())


def seeds() -> Iterator[tuple[str, str, bytes]]:
    yield "onnx", "folds", folds()
    for family in (fold_errors, tensors, layers, flows):
        yield from (("onnx", name, data) for name, data in family())
