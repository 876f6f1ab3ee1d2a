#!/usr/bin/env python3
"""torch_differential.py: random networks of PyTorch, exported to ONNX, against what lstmd makes of them.

usage: torch_differential.py [CASES [SEED]]     (needs Debian's python3-torch; lstmd from LSTMD, default build/lstmd)

Networks as programs for sequences write them: what stands in front of the recurrent layers, how they are
stacked, begun and read, and the layers behind; exported with every operator set from 9 to 16, sizes open or
not, constants folded or not. What `lstmd convert` takes must answer as PyTorch does, to 1e-5; what it refuses
is listed by reason. Exit status 1 if an answer differs. SPDX-License-Identifier: Apache-2.0
"""
from __future__ import annotations

import collections
import contextlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import warnings
from typing import Any, Optional

import torch
from torch import Tensor, nn

BATCH, STEPS, FEATURES, VOCABULARY, MOST = 3, 5, 3, 7, 1e-5
LSTMD = os.environ.get("LSTMD", "build/lstmd")
FRONTS = ["none", "none", "embedding", "linear", "relu", "image"]
READS = ["last", "last", "all", "state", "mean", "max", "average pool", "max pool", "halves", "mean of dense",
         "max of dense"]


class Network(nn.Module):
    """One of them; what was drawn is in `drawn`."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self.front, self.reads = draw.choice(FRONTS), draw.choice(READS)
        self.batch_first, self.begins = draw.random() < 0.7, draw.random() < 0.5
        self.bare = draw.random() < 0.5  # one of two ways to write the same
        width = FEATURES if self.front in ("none", "image") else draw.choice([2, 4])
        self.embedding, self.linear = nn.Embedding(VOCABULARY, width), nn.Linear(FEATURES, width)
        self.rnns = nn.ModuleList()
        for _ in range(draw.choice([1, 1, 2])):
            rnn = draw.choice([nn.LSTM, nn.LSTM, nn.GRU])(
                width, draw.choice([2, 3, 4]), batch_first=self.batch_first, num_layers=draw.choice([1, 1, 2, 3]),
                bidirectional=draw.random() < 0.4, bias=draw.random() < 0.7)
            self.rnns.append(rnn)
            width = rnn.hidden_size * (2 if rnn.bidirectional else 1)
        if self.reads == "halves" and not rnn.bidirectional:
            self.reads = "last"
        self.steps = nn.Linear(width, 3)
        self.activation = draw.choice([None, torch.tanh, torch.relu])
        self.head = nn.Sequential(*draw_head(draw, 3 if "dense" in self.reads else width, self.reads == "all"))
        self.drawn = {"front": self.front, "rnns": [str(rnn) for rnn in self.rnns], "reads": self.reads,
                      "begins": self.begins, "bare": self.bare, "head": [type(part).__name__ for part in self.head]}

    def begin(self, rnn: nn.Module, x: Tensor) -> Any:
        """Zeros of the batch's size, as tutorials write them; None: PyTorch's own."""
        if not self.begins:
            return None
        shape = (rnn.num_layers * (2 if rnn.bidirectional else 1), x.size(0 if rnn.batch_first else 1), rnn.hidden_size)
        return (torch.zeros(shape), torch.zeros(shape)) if isinstance(rnn, nn.LSTM) else torch.zeros(shape)

    def read(self, y: Tensor, h: Tensor) -> Tensor:
        time, units = (1 if self.batch_first else 0), self.rnns[-1].hidden_size
        if self.reads == "last":
            return y.select(time, -1) if self.bare else (y[:, -1, :] if self.batch_first else y[-1])
        if self.reads == "state":
            return torch.cat((h[-2], h[-1]), 1) if self.rnns[-1].bidirectional else h[-1]
        if self.reads == "halves":
            return torch.cat((y.select(time, -1)[:, :units], y.select(time, 0)[:, units:]), 1)
        if "dense" in self.reads:
            y = self.steps(y)
            y = y if self.activation is None else self.activation(y)
        if "pool" in self.reads:
            z = y.transpose(1, 2) if self.batch_first else y.permute(1, 2, 0)
            pool = nn.functional.adaptive_avg_pool1d if "average" in self.reads else nn.functional.adaptive_max_pool1d
            return pool(z, 1)[:, :, 0] if self.bare else pool(z, 1).squeeze(-1)
        if "mean" in self.reads:
            return y.mean(time)
        if "max" in self.reads:
            return y.amax(time) if self.bare else y.max(time, keepdim=True)[0].squeeze(time)
        return y if self.batch_first else y.transpose(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.front == "embedding":
            x = self.embedding(x)
        elif self.front == "image":
            x = x.squeeze(1)
        elif self.front != "none":
            x = self.linear(x) if self.front == "linear" else torch.relu(self.linear(x))
        if not self.batch_first:
            x = x.permute(1, 0, 2) if self.bare else x.transpose(0, 1)
        state: Any = None
        for rnn in self.rnns:
            begin = self.begin(rnn, x)
            x, state = rnn(x) if begin is None else rnn(x, begin)
        return self.head(self.read(x, state[0] if isinstance(state, tuple) else state))


def draw_head(draw: random.Random, width: int, of_steps: bool) -> list[nn.Module]:
    parts: list[nn.Module] = []
    for _ in range(draw.choice([0, 1, 1, 2])):
        outputs = draw.choice([2, 3])
        parts.append(nn.Linear(width, outputs, bias=draw.random() < 0.7))
        width = outputs
        part = draw.choice([None, nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.ELU(), nn.Dropout(0.5), nn.Softmax(-1),
                            nn.Softplus(), nn.SELU(), nn.Hardsigmoid(), nn.ReLU6(), nn.LeakyReLU(), nn.GELU(),
                            nn.BatchNorm1d(width), nn.LayerNorm(width)])
        if part is not None and not (of_steps and isinstance(part, nn.BatchNorm1d)):
            parts.append(part)
    if draw.random() < 0.4:
        parts.append(draw.choice([nn.Softmax(-1), nn.Sigmoid(), nn.LogSoftmax(-1), nn.Identity()]))
    for part in parts:
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return parts


def export(path: str, seed: int) -> Optional[dict[str, Any]]:
    """Writes the network of a seed; what goes in, and PyTorch's answer. None: PyTorch cannot export it."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    network = Network(draw).eval()
    if network.front == "embedding":
        x = torch.randint(0, VOCABULARY, (BATCH, STEPS))
    else:
        x = torch.rand((BATCH, 1, STEPS, FEATURES) if network.front == "image" else (BATCH, STEPS, FEATURES)) * 2 - 1
    axes: dict[int, str] = draw.choice([{}, {0: "batch"}, {0: "batch"} | ({1: "time"} if x.dim() < 4 else {})])
    try:
        with warnings.catch_warnings(), torch.no_grad(), contextlib.redirect_stderr(io.StringIO()), \
                contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(network, x, path, input_names=["x"], output_names=["y"],
                              opset_version=draw.choice([9, 10, 11, 12, 13, 14, 15, 16]),
                              dynamic_axes={"x": axes} if axes else None, do_constant_folding=draw.random() < 0.5)
            answer = network(x)
    except (RuntimeError, torch.onnx.OnnxExporterError):
        return None
    return {"seed": seed, "drawn": network.drawn, "x": x.squeeze(1).tolist() if x.dim() == 4 else x.tolist(),
            "y": answer.flatten().tolist()}


def flat(values: Any) -> list[float]:
    return [each for value in values for each in flat(value)] if isinstance(values, list) else [values]


def ask(url: str, case: dict[str, Any]) -> float:
    """The largest difference; infinity if the answers have other sizes, or there is none."""
    body = json.dumps({"instances": case["x"]}).encode()
    try:
        with urllib.request.urlopen(f"{url}/v1/models/m{case['seed']}:predict", body) as answer:
            got = flat(json.load(answer)["predictions"])
    except urllib.error.HTTPError:
        return float("inf")
    return max(abs(a - b) for a, b in zip(got, case["y"])) if len(got) == len(case["y"]) else float("inf")


def reason(text: str) -> str:
    """A refusal without what is this file's own."""
    return re.sub(r" node '[^']*'| \([^()]* reads it\)$", "", text.split(".onnx: ")[-1].strip())


def main() -> int:
    if len(sys.argv) > 3 or sys.argv[1:2] == ["--help"]:
        sys.exit(__doc__)
    count, seed = (int(text) for text in (sys.argv[1:] + ["300", "1"][len(sys.argv) - 1:])[:2])
    taken: list[dict[str, Any]] = []
    refused: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path, models = os.path.join(folder, "network.onnx"), os.path.join(folder, "models")
        for each in range(seed, seed + count):
            case = export(path, each)
            if case is None:
                refused["PyTorch does not export it"] += 1
                continue
            made = subprocess.run([LSTMD, "convert", path, "--out", f"{models}/m{each}"], capture_output=True,
                                  text=True, check=False)
            if made.returncode == 0:
                taken.append(case)
            else:
                refused[reason(made.stderr)] += 1
        with subprocess.Popen([LSTMD, "serve", "--models", models, "--port", "0", "--log-level", "error"],
                              stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            found = [(ask(url, case), case) for case in taken]
            server.terminate()
    for difference, case in found:
        if difference > MOST:
            print(f"seed {case['seed']} differs by {difference:.3g}: {case['drawn']}")
    for text, times in refused.most_common():
        print(f"{times:5} refused: {text[:150]}")
    print(f"{len(found)} of {count} networks were taken; largest difference {max((d for d, _ in found), default=0):.3g}")
    return 1 if not found or any(difference > MOST for difference, _ in found) else 0


if __name__ == "__main__":
    sys.exit(main())
