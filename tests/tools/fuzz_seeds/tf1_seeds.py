"""tf1_seeds.py: variables of TensorFlow 1 by their names and shapes, in safetensors files.
SPDX-License-Identifier: Apache-2.0

The fuzzer asks for --layers with the scopes of the first two variables."""
from __future__ import annotations

from typing import Iterator

from import_seeds import Shapes, safetensors

CELL = "rnn/basic_lstm_cell/kernel 7,16; rnn/basic_lstm_cell/bias 16"
EQUAL = "rnn/lstm_cell/kernel 8,16; rnn/lstm_cell/bias 16"


def lstm(scope: str, rows: int = 7) -> str:
    return f"{scope}/kernel {rows},16; {scope}/bias 16"


def small(scope: str) -> str:
    return f"{scope}/kernel 2,4; {scope}/bias 4"


CASES: dict[str, tuple[str, ...]] = {
    "gru_own": ("a/gates/kernel 8,8; a/gates/bias 8; a/candidate/kernel 8,4; a/candidate/bias 4",),
    "head_in_rnn": (CELL, "rnn/dense/kernel 4,8; rnn/dense/bias 8"),
    "own_name": (lstm("rnn/my_cell"), "rnn/out/kernel 4,8; rnn/out/bias 8"),
    "own_names": (lstm("rnn/a"), "rnn/b/kernel 4,8; rnn/b/bias 8"),
    "own_width": ("in/kernel 2,3; in/bias 3", lstm("rnn/a")),
    "numbered": (lstm("rnn/lstm_cell_1"),),
    "cudnn": (lstm("cudnn_lstm"),),
    "stack_own": (lstm("multi_rnn_cell/cell_0/a"), lstm("multi_rnn_cell/cell_1/lstm_cell", 8)),
    "stack_directions": tuple(lstm(f"stack_bidirectional_rnn/cell_0/bidirectional_rnn/{way}/lstm_cell")
                              for way in ("fw", "bw")),
    "two_of_a_layer": (lstm("multi_rnn_cell/cell_0/lstm_cell"), lstm("multi_rnn_cell/cell_0/lstm_cell_1")),
    "two_networks": (lstm("enc/lstm_cell", 8), lstm("dec/lstm_cell", 8)),
    "forward_alone": (lstm("b/fw/lstm_cell"),),
    "backward_alone": (lstm("b/bw/lstm_cell"),),
    "stacks": tuple(lstm(f"b/{way}/multi_rnn_cell/cell_0/lstm_cell") for way in ("fw", "bw")),
    "many_cells": tuple(small(f"multi_rnn_cell/cell_{k}/lstm_cell") for k in range(66)),
    "most_cells": tuple(small(f"c{k}/lstm_cell") for k in range(130)),
    "most_layers": (*(small(f"multi_rnn_cell/cell_{k}/lstm_cell") for k in range(64)), "W 1,1; b 1"),
    "language_model": ("embedding 9,4", EQUAL, "softmax_w 4,9; softmax_b 9"),
    "words": ("words 9,3", CELL, "softmax_w 4,7; softmax_b 7"),
    "words_open": ("words 9,4", EQUAL, "softmax_w 4,9; softmax_b 9"),
    "embedding_apart": ("embedding 9,5", CELL),
    "front": (CELL, "embedding 9,5; W_in 5,3; b_in 3"),
    "front_dense": (CELL, "front/kernel 9,3"),
    "order": (CELL, "a_out/kernel 4,4; a_out/bias 4; hidden/kernel 4,4; hidden/bias 4"),
    "chain": (CELL, "a/kernel 2,5; a/bias 5; b/kernel 4,2; b/bias 2"),
    "chain_none": (CELL, "a/kernel 4,4; a/bias 4; b/kernel 5,2; b/bias 2"),
    "chain_long": (CELL, "odd/kernel 4,5; end/kernel 6,4",
                   *(f"d{k}/kernel 4,4" for k in range(60))),
    "matrices": (CELL, *(f"d{k}/kernel 4,4" for k in range(70))),
    "unnamed": (CELL, "a/Variable 4,2; a/Variable_1 2,2; a/Variable_2 2; a/Variable_3 2"),
    "unnamed_few": (CELL, "Variable 9,3; Variable_1 4,3; Variable_2 3"),
    "unnamed_none": (CELL, "Variable 9,3; Variable_1 4,3"),
    "unnamed_many": (CELL, "Variable 4,3", *(f"Variable_{k + 1} 3" for k in range(70))),
    "bias_only": (CELL, "theta 4,2; bias 2"),
    "bias_two": (CELL, "theta 4,2; bias_a 2; bias_b 2"),
    "bias_kernels": (CELL, "theta 4,2; tau 2,2; bias_a 2"),
    "name_long": (CELL, f"W{'w' * 520} 4,2"),
    "bookkeeping": (CELL, "global_step; train/beta1_power; opt/rnn/basic_lstm_cell/kernel/Adam_1 7,16; "
                    "rnn/basic_lstm_cell/bias/mine 16; "
                    "rnn/basic_lstm_cell/bias/ExponentialMovingAverage/biased 16"),
    "slot_long": (CELL, f"{'s' * 520} 16"),
    "slot_none": (CELL, "/Adam 16"),
    "slot_of_nothing": (CELL, "x/Adam 16"),
    "left_over": (CELL, "conv1d/kernel 3,3,3; conv1d/bias 3"),
    "left_long": (CELL, f"x {','.join(['1000000000'] * 3)},0,1000000000,1000000000,1000000000"),
    "layers_matrix": ("dense/kernel 4,2", CELL),
    "layers_given": (CELL, "dense/kernel 4,2; dense/bias 2"),
    "layers_directions": ("b/other 4", *(lstm(f"b/{way}/lstm_cell") for way in ("fw", "bw"))),
    "layers_far": (CELL, "rnn/a/kernel 4,8; rnn/a/bias 8"),
}


def shapes(text: str) -> Shapes:
    """Of "name 7,16; name 16; scalar"."""
    found: Shapes = {}
    for variable in text.split("; "):
        name, _, sizes = variable.partition(" ")
        found[name] = tuple(int(size) for size in sizes.split(",") if size)
    return found


def seeds() -> Iterator[tuple[str, str, bytes]]:
    for name, parts in CASES.items():
        yield "safetensors_import", f"tf1_{name}", safetensors(shapes("; ".join(parts)))
    yield "safetensors_import", "tf1_integers", safetensors(shapes(CELL), "I32")
    yield "safetensors_import", "tf1_bools", safetensors(shapes(f"{CELL}; mask 4"), "BOOL", 1)
