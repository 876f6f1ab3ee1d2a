#!/usr/bin/env python3
"""make_tf_checkpoints.py FOLDER: small TensorFlow checkpoints of every generation of names, and what
their networks answer.

For each case: CASE.index and CASE.data-0000K-of-0000N as tf.train.Saver writes them, and CASE.txt:
a line of steps, features, outputs and the options of `lstmd convert`, then the inputs, then the
outputs. The answers come from the formulas of TensorFlow's rnn_cell_impl.py, written out below one
number at a time. The writer was checked by reading real checkpoints with its own reader's twin in
core/import. Standard library only; the same seed gives the same bytes.
SPDX-License-Identifier: Apache-2.0
"""
import json
import math
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path

Matrix = list[list[float]]
Vector = list[float]

# ---- The files ----------------------------------------------------------------------------------


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Entries with shared beginnings of keys, a restart every 16; type and checksum behind."""
    out, restarts, last = bytearray(), [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % 16 == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(last), len(key)) and last[shared] == key[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    out += b"".join(struct.pack("<I", r) for r in restarts) + struct.pack("<I", len(restarts))
    out += b"\0"
    return bytes(out) + struct.pack("<I", masked(crc32c(bytes(out))))


def table(entries: list[tuple[bytes, bytes]]) -> bytes:
    data, meta = block(entries), block([])
    out = data + meta
    index = block([(entries[-1][0] + b"\xff", varint(0) + varint(len(data) - 5))])
    footer = varint(len(data)) + varint(len(meta) - 5) + varint(len(out)) + varint(len(index) - 5)
    return out + index + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value) if value else b""


def message(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def shape_of(value) -> list[int]:
    return [len(value)] + shape_of(value[0]) if isinstance(value, list) else []


def flat(value) -> list[float]:
    return [x for row in value for x in flat(row)] if isinstance(value, list) else [value]


def string_tensor(text: bytes) -> tuple[bytes, int]:
    """A scalar string as it lies in the data, and its checksum: of the length, its own checksum, and
    the characters."""
    length = struct.pack("<I", len(text))
    word = struct.pack("<I", masked(crc32c(length)))
    return varint(len(text)) + word + text, masked(crc32c(length + word + text))


def write_checkpoint(prefix: Path, variables: dict, n_shards: int = 1) -> None:
    """Numbers, or bytes for a scalar string; to the shards in turn."""
    entries = [(b"", field(1, n_shards) + message(3, field(1, 1)))]
    shards = [bytearray() for _ in range(n_shards)]
    for k, name in enumerate(sorted(variables, key=lambda n: n.encode())):
        value, data = variables[name], shards[k % n_shards]
        if isinstance(value, bytes):
            raw, crc = string_tensor(value)
            about = field(1, 7) + message(2, b"")
        else:
            values = flat(value)
            raw = struct.pack(f"<{len(values)}f", *values)
            crc = masked(crc32c(raw))
            about = field(1, 1) + message(2, b"".join(message(2, field(1, n))
                                                      for n in shape_of(value)))
        if k % n_shards > 0:
            about += field(3, k % n_shards)
        entries.append((name.encode(), about + field(4, len(data)) + field(5, len(raw)) +
                        varint(6 << 3 | 5) + struct.pack("<I", crc)))
        data += raw
    prefix.with_name(prefix.name + ".index").write_bytes(table(entries))
    for k, data in enumerate(shards):
        prefix.with_name(f"{prefix.name}.data-{k:05}-of-{n_shards:05}").write_bytes(bytes(data))


# ---- The formulas -------------------------------------------------------------------------------


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def multiply(x: Vector, kernel: Matrix, bias: Vector) -> Vector:
    assert len(x) == len(kernel)
    return [bias[c] + sum(x[r] * kernel[r][c] for r in range(len(x))) for c in range(len(bias))]


def softsign(x: float) -> float:
    return x / (1 + abs(x))


class Lstm:
    """BasicLSTMCell, and LSTMCell with peepholes and a projection."""

    def __init__(self, kernel: Matrix, bias: Vector, forget_bias: float = 1.0,
                 peepholes: list[Vector] | None = None, projection: Matrix | None = None,
                 activation: Callable[[float], float] = math.tanh) -> None:
        self.units = len(bias) // 4
        self.kernel, self.bias, self.forget_bias = kernel, bias, forget_bias
        self.peepholes = peepholes or [[0.0] * self.units] * 3
        self.projection, self.activation = projection, activation
        self.outputs = len(projection[0]) if projection else self.units

    def run(self, inputs: list[Vector]) -> list[Vector]:
        c, h, answers = [0.0] * self.units, [0.0] * self.outputs, []
        w_i, w_f, w_o = self.peepholes
        for x in inputs:
            z, u = multiply(x + h, self.kernel, self.bias), self.units
            old = c
            c = [sigmoid(z[2 * u + k] + self.forget_bias + w_f[k] * old[k]) * old[k] +
                 sigmoid(z[k] + w_i[k] * old[k]) * self.activation(z[u + k]) for k in range(u)]
            m = [sigmoid(z[3 * u + k] + w_o[k] * c[k]) * self.activation(c[k]) for k in range(u)]
            h = multiply(m, self.projection, [0.0] * self.outputs) if self.projection else m
            answers.append(h)
        return answers


class Gru:
    def __init__(self, gates: Matrix, gates_bias: Vector, candidate: Matrix, bias: Vector) -> None:
        self.units = self.outputs = len(bias)
        self.gates, self.gates_bias, self.candidate, self.bias = gates, gates_bias, candidate, bias

    def run(self, inputs: list[Vector]) -> list[Vector]:
        h, answers, n = [0.0] * self.units, [], self.units
        for x in inputs:
            z = [sigmoid(v) for v in multiply(x + h, self.gates, self.gates_bias)]
            reset = [z[k] * h[k] for k in range(n)]
            c = [math.tanh(v) for v in multiply(x + reset, self.candidate, self.bias)]
            h = [z[n + k] * h[k] + (1 - z[n + k]) * c[k] for k in range(n)]
            answers.append(h)
        return answers


class CudnnGru:
    """CudnnCompatibleGRUCell: the reset gate multiplies the recurrent product and its bias."""

    def __init__(self, gates: Matrix, gates_bias: Vector, inputs: Matrix, inputs_bias: Vector,
                 hidden: Matrix, hidden_bias: Vector) -> None:
        self.units = self.outputs = len(hidden_bias)
        self.gates, self.gates_bias = gates, gates_bias
        self.inputs, self.inputs_bias, self.hidden, self.hidden_bias = (
            inputs, inputs_bias, hidden, hidden_bias)

    def run(self, inputs: list[Vector]) -> list[Vector]:
        h, answers, n = [0.0] * self.units, [], self.units
        for x in inputs:
            z = [sigmoid(v) for v in multiply(x + h, self.gates, self.gates_bias)]
            of_x = multiply(x, self.inputs, self.inputs_bias)
            of_h = multiply(h, self.hidden, self.hidden_bias)
            c = [math.tanh(of_x[k] + z[k] * of_h[k]) for k in range(n)]
            h = [z[n + k] * h[k] + (1 - z[n + k]) * c[k] for k in range(n)]
            answers.append(h)
        return answers


def softmax(x: Vector) -> Vector:
    powers = [math.exp(v - max(x)) for v in x]
    return [v / sum(powers) for v in powers]


# ---- The cases ----------------------------------------------------------------------------------


def numbers(rng: random.Random, *shape: int):
    """Values of float32, so that what is written is what was computed with."""
    if not shape:
        return struct.unpack("<f", struct.pack("<f", rng.uniform(-0.8, 0.8)))[0]
    return [numbers(rng, *shape[1:]) for _ in range(shape[0])]


def lstm(rng, inputs: int, units: int, outputs: int | None = None, **more) -> Lstm:
    return Lstm(numbers(rng, inputs + (outputs or units), 4 * units), numbers(rng, 4 * units), **more)


def gru(rng, inputs: int, units: int) -> Gru:
    return Gru(numbers(rng, inputs + units, 2 * units), numbers(rng, 2 * units),
               numbers(rng, inputs + units, units), numbers(rng, units))


def answer(layers: list, inputs: list[Vector]) -> Vector:
    for layer in layers:
        inputs = layer.run(inputs)
    return inputs[-1]


def example(rng):
    """The example program, after 7 steps of Adam."""
    cell, kernel, bias = lstm(rng, 4, 3), numbers(rng, 3, 2), numbers(rng, 2)
    variables = {"rnn/basic_lstm_cell/kernel": cell.kernel, "rnn/basic_lstm_cell/bias": cell.bias,
                 "Variable": kernel, "Variable_1": bias}
    for name, value in list(variables.items()):
        for slot in ("/Adam", "/Adam_1"):
            sizes = shape_of(value)
            variables[name + slot] = numbers(rng, *sizes)
    variables["beta1_power"], variables["beta2_power"] = 0.9 ** 8, 0.999 ** 8
    inputs = numbers(rng, 5, 4)
    return variables, inputs, softmax(multiply(answer([cell], inputs), kernel, bias)), ""


def one_cell(rng, make, name, options="", units=2):
    cell, inputs = make(rng, 3, units), numbers(rng, 4, 3)
    return name(cell), inputs, answer([cell], inputs), options


def lstm_names(kernel: str, bias: str):
    return lambda cell: {kernel: cell.kernel, bias: cell.bias}


def gru_names(gates: str, candidate: str, kernel: str, bias: str):
    return lambda cell: {gates + kernel: cell.gates, gates + bias: cell.gates_bias,
                         candidate + kernel: cell.candidate, candidate + bias: cell.bias}


def stack(rng):
    """Eleven cells, as cell_10 sorts before cell_2, in a user's scope."""
    cells = [lstm(rng, 3 if i == 0 else 2, 2) for i in range(11)]
    inputs, variables = numbers(rng, 4, 3), {"my/global_step": numbers(rng)}
    for i, cell in enumerate(cells):
        scope = f"my/rnn/multi_rnn_cell/cell_{i}/basic_lstm_cell/"
        variables |= {scope + "kernel": cell.kernel, scope + "bias": cell.bias}
    return variables, inputs, answer(cells, inputs), ""


def shared(rng):
    cell, inputs = lstm(rng, 2, 2), numbers(rng, 4, 2)
    scope = "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/"
    return ({scope + "kernel": cell.kernel, scope + "bias": cell.bias}, inputs,
            answer([cell, cell], inputs), "shared-layers=2")


def peepholes(rng):
    cell = lstm(rng, 3, 2, 4, peepholes=numbers(rng, 3, 2), projection=numbers(rng, 2, 4))
    inputs, scope = numbers(rng, 4, 3), "rnn/lstm_cell/"
    variables = {scope + "kernel": cell.kernel, scope + "bias": cell.bias,
                 scope + "projection/kernel": cell.projection}
    for name, values in zip(("w_i_diag", "w_f_diag", "w_o_diag"), cell.peepholes):
        variables[scope + name] = values
    return variables, inputs, answer([cell], inputs), ""


def bidirectional(rng):
    forward, backward, inputs = lstm(rng, 3, 2), lstm(rng, 3, 2), numbers(rng, 4, 3)
    variables = {}
    for name, cell in (("fw", forward), ("bw", backward)):
        scope = f"bidirectional_rnn/{name}/basic_lstm_cell/"
        variables |= {scope + "kernel": cell.kernel, scope + "bias": cell.bias}
    return variables, inputs, forward.run(inputs)[-1] + backward.run(inputs[::-1])[-1], ""


def dense_in_front(rng):
    """Dense layers on both sides of the cell; the first one has a name for its creation only."""
    kernel, bias, cell = numbers(rng, 3, 5), numbers(rng, 5), lstm(rng, 5, 2)
    head, head_bias, inputs = numbers(rng, 2, 1), numbers(rng, 1), numbers(rng, 4, 3)
    variables = {"Variable": kernel, "Variable_1": head, "Variable_2": bias, "Variable_3": head_bias,
                 "rnn/basic_lstm_cell/kernel": cell.kernel, "rnn/basic_lstm_cell/bias": cell.bias}
    cell_inputs = [multiply(x, kernel, bias) for x in inputs]
    return variables, inputs, multiply(answer([cell], cell_inputs), head, head_bias), ""


def sharded(rng):
    """Two layers and a head, in a data file for each of three servers."""
    cells, kernel, bias = [lstm(rng, 3, 2), lstm(rng, 2, 2)], numbers(rng, 2, 2), numbers(rng, 2)
    variables = {"head/kernel": kernel, "head/bias": bias, "global_step": numbers(rng)}
    for i, cell in enumerate(cells):
        scope = f"rnn/multi_rnn_cell/cell_{i}/basic_lstm_cell/"
        variables |= {scope + "kernel": cell.kernel, scope + "bias": cell.bias}
    inputs = numbers(rng, 4, 3)
    return variables, inputs, softmax(multiply(answer(cells, inputs), kernel, bias)), ""


def embedding(rng):
    """Words by their numbers, as the tutorial on language models looks them up."""
    table, cell = numbers(rng, 6, 3), lstm(rng, 3, 2)
    words = [rng.randrange(6) for _ in range(4)]
    variables = {"Model/embedding": table, "Model/RNN/basic_lstm_cell/kernel": cell.kernel,
                 "Model/RNN/basic_lstm_cell/bias": cell.bias}
    return (variables, [[float(word)] for word in words],
            answer([cell], [table[word] for word in words]), "")


def language_model(rng):
    """The same with as many units as values of a word, and a word for the answer."""
    table, cell, kernel, bias = (numbers(rng, 6, 4), lstm(rng, 4, 4), numbers(rng, 4, 6),
                                 numbers(rng, 6))
    words = [rng.randrange(6) for _ in range(4)]
    variables = {"embedding": table, "rnn/basic_lstm_cell/kernel": cell.kernel,
                 "rnn/basic_lstm_cell/bias": cell.bias, "softmax_w": kernel, "softmax_b": bias}
    outputs = answer([cell], [table[word] for word in words])
    return variables, [[float(word)] for word in words], softmax(multiply(outputs, kernel, bias)), ""


def hidden_layers(rng):
    """Dense layers behind the cell, in its scope, numbered as tf.layers numbers them: relu between
    them. Each has a shape that a cell of one unit might have."""
    cell, inputs, variables = lstm(rng, 3, 4), numbers(rng, 4, 3), {}
    variables |= {"rnn/lstm_cell/kernel": cell.kernel, "rnn/lstm_cell/bias": cell.bias}
    values = answer([cell], inputs)
    for i in range(11):
        kernel, bias = numbers(rng, 4, 4), numbers(rng, 4)
        scope = "rnn/dense/" if i == 0 else f"rnn/dense_{i}/"
        variables |= {scope + "kernel": kernel, scope + "bias": bias}
        values = multiply([max(v, 0.0) for v in values] if i > 0 else values, kernel, bias)
    return variables, inputs, softmax(values), ""


def cudnn_lstm(rng):
    """What CudnnLSTM's saveable writes: canonical names of a cell that adds no forget bias."""
    cells = [lstm(rng, 3, 2, forget_bias=0.0), lstm(rng, 2, 2, forget_bias=0.0)]
    inputs, variables = numbers(rng, 4, 3), {}
    for i, cell in enumerate(cells):
        scope = f"cudnn_lstm/rnn/multi_rnn_cell/cell_{i}/cudnn_compatible_lstm_cell/"
        variables |= {scope + "kernel": cell.kernel, scope + "bias": cell.bias}
    return variables, inputs, answer(cells, inputs), ""


def cudnn_gru(rng):
    cell, inputs = CudnnGru(numbers(rng, 5, 4), numbers(rng, 4), numbers(rng, 3, 2),
                            numbers(rng, 2), numbers(rng, 2, 2), numbers(rng, 2)), numbers(rng, 4, 3)
    scope = "cudnn_gru/rnn/multi_rnn_cell/cell_0/cudnn_compatible_gru_cell/"
    candidate = scope + "candidate/"
    return {scope + "gates/kernel": cell.gates, scope + "gates/bias": cell.gates_bias,
            candidate + "input_projection/kernel": cell.inputs,
            candidate + "input_projection/bias": cell.inputs_bias,
            candidate + "hidden_projection/kernel": cell.hidden,
            candidate + "hidden_projection/bias": cell.hidden_bias}, inputs, answer(
                [cell], inputs), ""


CASES = {
    "example": example,
    "weights_1_0": lambda rng: one_cell(
        rng, lstm, lstm_names("rnn/basic_lstm_cell/weights", "rnn/basic_lstm_cell/biases")),
    "linear_0_12": lambda rng: one_cell(
        rng, lstm, lstm_names("RNN/BasicLSTMCell/Linear/Matrix", "RNN/BasicLSTMCell/Linear/Bias")),
    "lstm_cell_0_12": lambda rng: one_cell(rng, lstm, lstm_names("RNN/LSTMCell/W_0", "RNN/LSTMCell/B")),
    "gru_1_2": lambda rng: one_cell(
        rng, gru, gru_names("rnn/gru_cell/gates/", "rnn/gru_cell/candidate/", "kernel", "bias")),
    "gru_1_0": lambda rng: one_cell(
        rng, gru, gru_names("a/rnn/gru_cell/gates/", "a/rnn/gru_cell/candidate/", "weights", "biases")),
    "gru_0_12": lambda rng: one_cell(
        rng, gru, gru_names("RNN/GRUCell/Gates/", "RNN/GRUCell/Candidate/", "Linear/Matrix",
                            "Linear/Bias")),
    "stack": stack,
    "shared": shared,
    "peepholes": peepholes,
    "bidirectional": bidirectional,
    "dense_in_front": dense_in_front,
    "sharded": sharded,
    "embedding": embedding,
    "cudnn_lstm": cudnn_lstm,
    "cudnn_gru": cudnn_gru,
    "gru_4_units": lambda rng: one_cell(
        rng, gru, gru_names("rnn/gru_cell/gates/", "rnn/gru_cell/candidate/", "kernel", "bias"),
        units=4),
    "language_model": language_model,
    "hidden_layers": hidden_layers,
    "own_name": lambda rng: one_cell(rng, lstm, lstm_names("rnn/my_lstm/kernel", "rnn/my_lstm/bias")),
}
SHARDS = {"sharded": 3}


def write_saved_model(folder: Path, rng: random.Random) -> None:
    """A Keras model as TensorFlow 2.5 and later save it: gates i, f, c, o, the forget bias in the
    bias; variables under their places, their names in the object graph."""
    u, cell, kernel, bias = 2, lstm(rng, 3, 2, forget_bias=0.0), numbers(rng, 2, 1), numbers(rng, 1)
    order = [0, 2, 1, 3]  # where i, f, c, o lie among i, j, f, o

    def turned(row: Vector) -> Vector:
        return [v for gate in order for v in row[gate * u:gate * u + u]]

    weights = {"lstm/lstm_cell/kernel": [turned(r) for r in cell.kernel[:3]],
               "lstm/lstm_cell/recurrent_kernel": [turned(r) for r in cell.kernel[3:]],
               "lstm/lstm_cell/bias": turned(cell.bias), "dense/kernel": kernel, "dense/bias": bias}
    variables, nodes = {}, message(1, b"")
    for number, (name, value) in enumerate(weights.items()):
        key = f"variables/{number}/.ATTRIBUTES/VARIABLE_VALUE"
        variables[key] = value
        nodes += message(1, message(2, message(1, b"VARIABLE_VALUE") + message(2, name.encode()) +
                                    message(3, key.encode())))
    variables["_CHECKPOINTABLE_OBJECT_GRAPH"] = nodes
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder / "variables" / "variables", variables)
    layers = [{"class_name": "InputLayer",
               "config": {"batch_input_shape": [None, 4, 3], "name": "input_1"}},
              {"class_name": "LSTM",
               "config": {"name": "lstm", "units": 2, "activation": "tanh",
                          "recurrent_activation": "sigmoid", "use_bias": True,
                          "return_sequences": False}},
              {"class_name": "Dense", "config": {"name": "dense", "units": 1, "use_bias": True,
                                                 "activation": "linear"}}]
    text = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers},
                       "keras_version": "2.6.0"})
    root = message(3, b"root") + message(4, b"_tf_keras_sequential") + message(5, text.encode())
    (folder / "keras_metadata.pb").write_bytes(message(1, root))
    (folder / "saved_model.pb").write_bytes(field(1, 1))
    inputs = numbers(rng, 4, 3)
    write_answer(folder.with_name(folder.name + ".txt"), inputs,
                 multiply(answer([cell], inputs), kernel, bias), "")


def node(name: str, op: str, inputs: list[str], **attributes: bytes) -> bytes:
    """A NodeDef in a GraphDef."""
    text = message(1, name.encode()) + message(2, op.encode())
    text += b"".join(message(3, i.encode()) for i in inputs)
    text += b"".join(message(5, message(1, key.encode()) + message(2, value))
                     for key, value in attributes.items())
    return message(1, text)


def write_graph_model(folder: Path, rng: random.Random) -> None:
    """A SavedModel of TensorFlow 1, the body of its loop as the graph has it: the cell's forget bias
    and activation are no conventional ones, nor is the hidden layer's, and the output has no
    softmax."""
    cell = lstm(rng, 3, 2, forget_bias=0.25, activation=softsign)
    kernel, bias, inputs = numbers(rng, 2, 2), numbers(rng, 2), numbers(rng, 4, 3)
    hidden, hidden_bias = numbers(rng, 2, 2), numbers(rng, 2)
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder / "variables" / "variables", {
        "rnn/basic_lstm_cell/kernel": cell.kernel, "rnn/basic_lstm_cell/bias": cell.bias,
        "fc/kernel": hidden, "fc/bias": hidden_bias, "output/W": kernel, "output/b": bias})
    scope = "rnn/while/basic_lstm_cell/"
    number = field(1, 1) + message(2, b"") + message(5, struct.pack("<f", cell.forget_bias))
    graph = b"".join([
        node(scope + "BiasAdd", "BiasAdd", [scope + "MatMul", scope + "BiasAdd/Enter"]),
        node(scope + "split", "Split", [scope + "Const", scope + "BiasAdd"],
             num_split=field(3, 4), T=field(6, 1)),
        node(scope + "Const_2", "Const", ["^rnn/while/Identity"], dtype=field(6, 1),
             value=message(8, number)),
        node(scope + "Add", "Add", [scope + "split:2", scope + "Const_2"]),
        node(scope + "Sigmoid", "Sigmoid", [scope + "Add"]),
        node(scope + "Sigmoid_1", "Sigmoid", [scope + "split"]),
        node(scope + "Softsign", "Softsign", [scope + "split:1"]),
        node("fc/kernel", "VarHandleOp", []),
        node("fc/MatMul/ReadVariableOp", "ReadVariableOp", ["fc/kernel"]),
        node("fc/MatMul", "MatMul", ["last", "fc/MatMul/ReadVariableOp"]),
        node("fc/BiasAdd", "BiasAdd", ["fc/MatMul", "fc/BiasAdd/ReadVariableOp"]),
        node("fc/Shape", "Shape", ["fc/BiasAdd"]),
        node("fc/Sigmoid", "Sigmoid", ["fc/BiasAdd"]),
        node("output/W", "VariableV2", []), node("output/W/read", "Identity", ["output/W"]),
        node("MatMul", "MatMul", ["fc/Sigmoid", "output/W/read"]),
        node("add", "Add", ["MatMul", "output/b/read"])])
    signature = message(2, message(1, b"scores") + message(2, message(1, b"add:0")))
    meta_graph = message(2, graph) + message(5, message(1, b"serving_default") +
                                             message(2, signature))
    (folder / "saved_model.pb").write_bytes(field(1, 1) + message(2, meta_graph))
    values = [sigmoid(v) for v in multiply(answer([cell], inputs), hidden, hidden_bias)]
    write_answer(folder.with_name(folder.name + ".txt"), inputs, multiply(values, kernel, bias), "")


def write_answer(path: Path, inputs: list[Vector], outputs: Vector, options: str) -> None:
    lines = [f"{len(inputs)} {len(inputs[0])} {len(outputs)} {options}".rstrip()]
    lines += [" ".join(f"{v:.9g}" for v in row) for row in inputs + [outputs]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1])
    for number, (name, make) in enumerate(CASES.items()):
        variables, inputs, outputs, options = make(random.Random(number))
        write_checkpoint(folder / name, variables, SHARDS.get(name, 1))
        write_answer(folder / f"{name}.txt", inputs, outputs, options)
    write_saved_model(folder / "saved_model", random.Random(99))
    write_graph_model(folder / "graph_model", random.Random(100))


if __name__ == "__main__":
    main()
