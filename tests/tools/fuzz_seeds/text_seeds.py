"""text_seeds.py: what a client, an operator or another process of the server writes: options, keys,
policies, bodies, header fields, session files. SPDX-License-Identifier: Apache-2.0"""
from __future__ import annotations

import json
import struct
import zlib
from typing import Iterator, Union

SERVE, TRAIN, CONVERT, TOP, HEALTHCHECK = range(5)
FILE, ARGUMENTS, ENVIRONMENT = range(3)


def options() -> Iterator[tuple[str, bytes]]:
    def head(command: int, form: int) -> bytes:
        return bytes([command + 5 * form])
    lines: dict[str, tuple[int, int, str]] = {
        "flag": (TRAIN, ARGUMENTS, "--augment\n--epochs\n3\n--learning-rate=0.5"),
        "no_flag": (TRAIN, ARGUMENTS, "--no-augment"),
        "not_whole": (SERVE, ARGUMENTS, "--max-batch\nx"),
        "not_real": (TRAIN, ARGUMENTS, "--learning-rate= 1"),
        "no_choice": (SERVE, ARGUMENTS, "--log-level\nloud"),
        "lists": (SERVE, ARGUMENTS, "--model\na=b\n--model=c=d"),
        "unknown": (SERVE, ARGUMENTS, "--max-batches\n1"),
        "no_value": (SERVE, ARGUMENTS, "--max-batch"),
        "argument": (SERVE, ARGUMENTS, "more"),
        "variables": (TRAIN, ENVIRONMENT, "LSTMD_AUGMENT=yes\nLSTMD_EPOCHS=3\nLSTMD_SCHEDULE=constant"),
        "variable_flag": (TRAIN, ENVIRONMENT, "LSTMD_AUGMENT=perhaps"),
        "variable_list": (SERVE, ENVIRONMENT, "LSTMD_MODEL=a=b"),
        "neighbours": (HEALTHCHECK, FILE, '{"port":80,"max-batch":64}'),
        "real": (TOP, FILE, '{"interval":0.5,"once":true}'),
        "nan": (CONVERT, FILE, '{"return-sequences":true}'),
        "text_list": (CONVERT, FILE, '{"label":["a",1]}'),
    }
    for name, (command, form, text) in lines.items():
        yield name, head(command, form) + text.encode()


def train_bodies() -> Iterator[tuple[str, str]]:
    """Of a classifier, of one that labels every step, and of one that gives a number."""
    fixed = '{"instances":[[[1,2,3],[4,5,6]]],"labels":%s%s}'
    steps = '{"instances":[[1,2],[3]],"labels":%s%s}'
    weights = '{"instances":[[1,2],[3]],"labels":[0,1],"sample_weight":%s}'
    cases = {
        "row": fixed % ("[[0.5,1]]", ',"sample_weight":[1],"learning_rate":0.1'),
        "width": fixed % ("[[0.5]]", ""), "single": fixed % ("[3]", ""), "deep": fixed % ("[[[1]]]", ""),
        "missing": fixed % ("null", ""), "count": fixed % ("[[1,2],[3,4]]", ""),
        "rate_text": fixed % ("[[0.5,1]]", ',"learning_rate":"x"'),
        "rate_zero": fixed % ("[[0.5,1]]", ',"learning_rate":0'),
        "classes": steps % ("[[0,1],[2]]", ""), "no_class": steps % ("[[0,1],[5]]", ""),
        "rows": steps % ("[[[0.2,0.3,0.5],[1,0,0]],[[0,1,0]]]", ""),
        "sum": steps % ("[[[0.2,0.3,0.4],[1,0,0]],[[0,1,0]]]", ""),
        "negative": steps % ("[[[-1,1,1],[1,0,0]],[[0,1,0]]]", ""),
        "row_width": steps % ("[[[0.2,0.8],[1,0,0]],[[0,1,0]]]", ""),
        "step_count": steps % ("[[0],[1]]", ""), "not_steps": steps % ("[1,2]", ""),
        "numbers": weights % "[0,2]", "weight_negative": weights % "[-1,2]",
        "weight_zero": weights % "[0,0]", "weight_count": weights % "[1]",
        "weight_text": weights % '"x"', "weight_rows": weights % "[[1],[2]]",
    }
    yield from ((f"train_{name}", text) for name, text in cases.items())


def bodies() -> Iterator[tuple[str, str]]:
    yield from train_bodies()
    instances = '{"instances":[[1,2],[3]],%s}'
    inputs = '{"inputs":{"input":[[1],[2]],"initial_state":%s}}'
    cases = {
        "layers_text": instances % '"layers":"all"', "layers_rows": instances % '"layers":[[0]]',
        "layers_empty": instances % '"layers":[]', "layers_some": instances % '"layers":[0],"trace":true',
        "flag": instances % '"trace":1', "tuple": instances % '"state_is_tuple":false,"gates":true',
        "lengths": '{"inputs":{"input":[[1,2],[3,4]],"sequence_length":[1,2]}}',
        "lengths_text": '{"inputs":{"input":[[1],[2]],"sequence_length":"x"}}',
        "ragged_major": '{"inputs":[[[1],[2]],[[3]]],"time_major":true}',
        "many_steps": '{"instances":[[%s]]}' % ",".join("0" * 20),
        "state_rows": inputs % '{"c":[[1]],"h":[[1],[2]]}', "state_flat": inputs % '{"c":[1],"h":[1]}',
        "state_wide": inputs % '{"h":[[1,2],[3]]}', "states": inputs % '[{"c":[[1],[2]],"h":[[1],[2]]},'
        '{"h":[[1,2],[3,4]]}]',
    }
    yield from cases.items()


def raw_bodies() -> Iterator[tuple[str, bytes]]:
    def floats(*values: float) -> bytes:
        return b"\0" + struct.pack(f"<{len(values)}f", *values)
    yield "floats", floats(*range(6))
    yield "tokens", floats(1, 2, 3)
    yield "no_token", floats(1, 2, 10)
    yield "infinite", floats(1, 2, 3, 4, 5, float("inf"))
    yield "odd", floats(1) + b"x"
    yield "empty", b"\0"
    yield "bytes", b"\1" + bytes(range(24))
    yield "many", b"\1" + bytes(60)
    yield "digit", b"\2" + png(8, [bytes(8)] * 3 + [b"\0\0\xff\xff\0\0\0\0"] * 2 + [bytes(8)] * 3)
    yield "blank", b"\2" + png(2, [bytes(2)] * 2)
    yield "no_png", b"\2GIF89a"


def png(width: int, rows: list[bytes]) -> bytes:
    """A grey picture of 8 bits."""
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)) + chunk(b"IEND", b""))


def request_fields() -> Iterator[tuple[str, str]]:
    """Lines in the order of the fuzzer's table."""
    good = ["POST", "/v1/models/m:predict", "secret", "", "https://a.example", "100", "id-1", "POST",
            "application/json; charset=utf-8", "0,1", "true", "1000", "1,2", "1,0.5", "0.01", "false",
            "", "", ""]
    method, path, origin, layers, trace, labels, rate, host, site, encoding = 0, 1, 4, 9, 10, 12, 14, 16, 17, 18
    cases: dict[str, dict[int, str]] = {
        "layers_text": {layers: '"a"'}, "layers_rows": {layers: "[0]"}, "layers_none": {layers: " "},
        "flag": {trace: "1"}, "not_json": {layers: "0]"}, "labels_rows": {labels: "[1,0,0],[0,1,0]"},
        "rate": {rate: "x"}, "encoded": {encoding: "gzip"}, "identity": {encoding: "identity"},
        "site_own": {origin: "http://localhost:1", host: "localhost:1"},
        "site_other": {origin: "https://evil.example", host: "127.0.0.1"},
        "site_tells": {origin: "", site: "cross-site", host: "x.local"},
        "site_same": {origin: "", site: "same-origin", host: "[::1]:1"},
        "site_reads": {method: "GET", path: "/v1/models", origin: "null", host: "machine"},
        "host_rebound": {host: "evil.example"}, "host_listed": {host: "b.example:81"},
    }
    for name, changes in cases.items():
        yield name, "\n".join(changes.get(k, value) for k, value in enumerate(good)).rstrip("\n")


def policies() -> Iterator[tuple[str, str]]:
    deep: dict[str, object] = {"version_policy": {"specific": {"versions": [2, 1]}},
                               "labels": {"stable": 1, "canary": 2}}
    yield "sorted", json.dumps({"models": {"a": deep, "b": {"version_policy": {"all": {}}}}})
    yield "zero_version", json.dumps({"models": {"a": {"version_policy": {"specific": {"versions": [0]}}}}})
    yield "long_label", json.dumps({"models": {"a": {"labels": {"l" * 100: 1}}}})


Session = tuple[bytes, bytes, int, int, int, int, int, Union[list[float], int]]


def session_file(items: list[Session], number: int = 2) -> bytes:
    """Without its checksum. Heads of format 3 end with what tells a version's weights."""
    identity = struct.pack("<Q", 0) if number > 2 else b""
    out = b"lstmdses" + struct.pack("<Q", number)
    for identifier, model, version, steps, age, is_head, learned, state in items:
        values = state if isinstance(state, list) else []
        n = len(state) if isinstance(state, list) else state
        out += struct.pack("<8Q", len(identifier), len(model), version, steps, age, is_head, learned, n)
        out += identity
        out += identifier + model + struct.pack(f"<{len(values)}f", *values)
    return out + struct.pack("<8Q", *[0] * 8) + identity


def session_sum(data: bytes) -> bytes:
    """FNV-1a over words, whose halves are mixed; each part of the file begins a word."""
    total = 14695981039346656037
    parts, at = [data[:16]], 16
    head_bytes = 64 if data[8] == 2 else 72
    while at < len(data):
        head = struct.unpack_from("<8Q", data, at)
        parts.append(data[at:at + head_bytes])
        at += head_bytes
        for n in (head[0], head[1], 4 * head[7]) if head[0] > 0 else ():
            parts.append(data[at:at + n])
            at += n
    for part in parts:
        for k in range(0, len(part), 8):
            word = int.from_bytes(part[k:k + 8], "little")
            total = (total ^ word) * 1099511628211 & (1 << 64) - 1
            total ^= total >> 32
    return struct.pack("<Q", total)


def sessions() -> Iterator[tuple[str, bytes]]:
    one: Session = (b"abc", b"m", 1, 5, 1000, 0, 0, [0.1, 0.2, 0.3, 0.4])
    gone: Session = (b"def", b"x", 1, 5, 1000, 0, 0, [0.1])
    whole = session_file([one, gone])
    yield "sealed", whole + session_sum(whole)
    named = session_file([one, gone], 3)
    yield "sealed_3", named + session_sum(named)
    yield "cut_identity", named[:16 + 64 + 4]
    yield "behind_end", whole + session_sum(whole) + b"x"
    yield "cut_state", session_file([one])[:16 + 64 + 4 + 6]
    yield "cut_name", session_file([one])[:16 + 64 + 2]


def seeds() -> Iterator[tuple[str, str, Union[str, bytes]]]:
    for kind, family in (("config_file", options), ("predict_body", bodies), ("predict_raw", raw_bodies),
                         ("request_fields", request_fields), ("model_policy", policies),
                         ("session_file", sessions)):
        yield from ((kind, name, data) for name, data in family())
