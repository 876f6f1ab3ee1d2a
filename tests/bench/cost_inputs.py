"""cost_inputs.py: the worst inputs that we know of, one of each kind. SPDX-License-Identifier: Apache-2.0

Requests are bytes as they go over the wire; files are what `lstmd convert` is given. Each is made when it is asked for.
"""
import io
import json
import pathlib
import struct
import zipfile
import zlib
from typing import Callable, NamedTuple

BODY_BYTES = 16 * 1024 * 1024 - 64  # just below the default --max-body-bytes
DIGITS, TEXTS = "/v1/models/mnist", "/v1/models/texts"
JSON, OCTETS, PNG = "application/json", "application/octet-stream", "image/png"


class Request(NamedTuple):
    name: str
    make: Callable[[], bytes]
    before: Callable[[], list[bytes]] = list  # requests that come first, and do not count


class File(NamedTuple):
    name: str
    file_name: str
    make: Callable[[], bytes]


def post(path: str, body: bytes, kind: str = JSON, fields: str = "") -> bytes:
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n{fields}\r\n")
    return head.encode() + body


def get(path: str, fields: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n".encode()


def chunked(path: str, body: bytes, chunk_bytes: int) -> bytes:
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n"
            f"Connection: close\r\n\r\n").encode()
    chunks = (body[at:at + chunk_bytes] for at in range(0, len(body), chunk_bytes))
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def repeat(before: str, unit: str, last: str, after: str, most: int = BODY_BYTES) -> bytes:
    """before, unit as often as there is room for it, last, after."""
    n = (most - len(before) - len(last) - len(after)) // len(unit)
    return (before + unit * n + last + after).encode()


def predict(name: str, before: str, unit: str, last: str, after: str, most: int = BODY_BYTES) -> Request:
    return Request("predict: " + name,
                   lambda: post(DIGITS + ":predict", repeat(before, unit, last, after, most)))


def rows(unit: str, n: int) -> str:
    return '{"instances":[' + ",".join(["[" + unit + "]"] * n) + "]"


def text_state(n_steps: int) -> bytes:
    return post(TEXTS + ":state",
                ('{"trace":true,"gates":true,"instances":[[' + "1," * (n_steps - 1) + "1]]}").encode())


def picture(side: int, depth: int, colour: int, interlace: int) -> bytes:
    """A PNG of one colour but for its first pixel, which compresses a thousand times."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    channels = {0: 1, 2: 3, 6: 4}[colour]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    lines = bytearray()
    for x, y, dx, dy in passes if interlace else [(0, 0, 1, 1)]:
        width, height = -(-(side - x) // dx), -(-(side - y) // dy)
        lines += (b"\x04" + b"\x01" * (width * channels * depth // 8)) * height
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) +
            chunk(b"IEND", b""))


def sessions(n: int) -> list[bytes]:
    return [post(DIGITS + "/sessions", json.dumps({"id": f"{k:0>64}"}).encode()) for k in range(n)]


def fields(n: int) -> str:
    return "".join(f"a{k}:b\r\n" for k in range(n))


REQUESTS = [
    predict("numbers `0,`", '{"instances":[[', "0,", "0", "]]}"),
    predict("numbers `1,`", '{"instances":[[', "1,", "1", "]]}"),
    predict("numbers `1e-40,`", '{"instances":[[', "1e-40,", "1", "]]}"),
    predict("numbers `1e-300,`", '{"instances":[[', "1e-300,", "1", "]]}"),
    predict("numbers of 20 digits beside the middle of two floats", '{"instances":[[',
            "1.00000005960464477540,", "1", "]]}"),
    predict("numbers of 300 digits", '{"instances":[[', "0." + "1234567890" * 30 + ",", "1", "]]}"),
    predict("numbers of 40 digits, e-30", '{"instances":[[', "1234567890" * 4 + "e-30,", "1", "]]}"),
    predict("one number", '{"instances":[[', "1", "", "]]}"),
    predict("arrays `[],`", '{"instances":[', "[],", "[]", "]}"),
    predict("arrays `[1],`", '{"instances":[', "[1],", "[1]", "]}"),
    predict("arrays `[[[1]]],`", '{"instances":[', "[[[1]]],", "[[[1]]]", "]}"),
    predict("nesting `[`", "", "[", "", ""),
    predict("blanks", "", " ", "", ""),
    Request("predict: brackets behind blanks", lambda: post(DIGITS + ":predict", (b"[" + b" " * 520000) * 31)),
    predict("a string", '{"instances":["', "a", "", '"]}'),
    predict("escapes, 1 MB", '{"instances":["', "\\u00e4", "", '"]}', 1 << 20),
    predict("unknown keys, 1 MB", "{", '"%s":0,' % ("k" * 8), '"k":0', "}", 1 << 20),
    Request("predict: keys that differ, 1 MB", lambda: post(
        DIGITS + ":predict", ("{" + ",".join(f'"{k:x}":0' for k in range(100000)) + "}").encode())),
    predict("131,000 objects `{},`", '{"instances":[', "{},", "{}", "]}", 393000),
    predict("131,000 lists `[\"\"],`", '{"instances":[', '[""],', '[""]', "]}", 655000),
    predict("65,000 objects with arrays `{\"\":[]},`", '{"instances":[', '{"":[]},', "{}", "]}", 520000),
    Request("predict: 4,096 digits", lambda: post(
        DIGITS + ":predict", (rows("0," * 783 + "0", 4096) + "}").encode())),
    Request("predict: 4,096 digits of uint8", lambda: post(
        DIGITS + ":predict?dtype=uint8", bytes(4096 * 784), OCTETS)),
    Request("predict: a text of 1,000,000 steps", lambda: post(
        TEXTS + ":predict", ('{"instances":[[' + "1," * 999999 + "1]]}").encode())),
    Request("predict: a sequence of 1,000,000 steps beside 4,095 of one", lambda: post(
        TEXTS + ":predict", ('{"instances":[' + "[1]," * 4095 + "[" + "1," * 999999 + "1]]}").encode())),
    Request("predict: PNG, 1024x1024 RGBA", lambda: post(DIGITS + ":predict", picture(1024, 8, 6, 0), PNG)),
    Request("predict: PNG, 1024x1024 RGBA of 16 bits, interlaced", lambda: post(
        DIGITS + ":predict", picture(1024, 16, 6, 1), PNG)),
    Request("predict: PNG, 16384x16384", lambda: post(DIGITS + ":predict", picture(16384, 8, 0, 0), PNG)),
    Request("state: 4,096 digits of uint8, trace and gates", lambda: post(
        DIGITS + ":state?dtype=uint8&trace=true&gates=true", bytes(4096 * 784), OCTETS)),
    Request("state: 670 digits of uint8, trace and gates", lambda: post(
        DIGITS + ":state?dtype=uint8&trace=true&gates=true", bytes(670 * 784), OCTETS)),
    Request("state: a text of 26,000 steps, trace and gates", lambda: text_state(26000)),
    Request("state: a text of 1,000,000 steps, trace and gates", lambda: text_state(1000000)),
    Request("train-step: 2,300 digits of uint8", lambda: post(
        DIGITS + ":train-step?dtype=uint8&labels=" + "7," * 2299 + "7", bytes(2300 * 784), OCTETS)),
    Request("train-step: 4,096 digits", lambda: post(
        DIGITS + ":train-step",
        (rows("0," * 783 + "0", 4096) + ',"labels":[' + "7," * 4095 + "7]}").encode())),
    Request("train-step: a text of 110,000 steps", lambda: post(
        TEXTS + ":train-step", ('{"instances":[[' + "1," * 109999 + '1]],"labels":[1]}').encode())),
    Request("train-step: a text of 1,000,000 steps", lambda: post(
        TEXTS + ":train-step", ('{"instances":[[' + "1," * 999999 + '1]],"labels":[1]}').encode())),
    Request("sessions: a list of 1,000", lambda: get(DIGITS + "/sessions?limit=1000"),
            lambda: sessions(1000)),
    Request("/metrics", lambda: get("/metrics")),
    Request("/openapi.json", lambda: get("/openapi.json")),
    Request("header: 600 fields", lambda: get("/v2/health/live", fields(600))),
    Request("header: 32 KiB in one field", lambda: get("/v2/health/live", "a: " + "b" * 32700 + "\r\n")),
    Request("header: a path of 30,000 bytes", lambda: get("/v1/models/" + "%41" * 10000)),
    Request("header: a query of 50 parameters", lambda: get("/v2/health/live?" + "a=b&" * 50)),
    Request("pipelined: 1,000 of no route", lambda: (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".replace(b" / ", b" /x ") * 999 + get("/x"))),
    Request("chunked: 1 MB in chunks of a byte", lambda: chunked(DIGITS + ":predict", b" " * (1 << 20), 1)),
    Request("chunked: 64 MB", lambda: chunked(DIGITS + ":predict", b"0" * 64_000_000, 65536)),
    Request("announced: 64 MB", lambda: post(DIGITS + ":predict", b" " * 64_000_000)),
]


def zip_bomb(name: str, n: int, others: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for other, content in others.items():
            archive.writestr(other, content)
        with archive.open(name, "w") as file:
            for _ in range(n >> 20):
                file.write(bytes(1 << 20))
    return packed.getvalue()


def keras_bomb() -> bytes:
    with zipfile.ZipFile("tests/data/keras/keras3_deflated.keras") as archive:
        others = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".h5")}
    return zip_bomb("model.weights.h5", 1 << 30, others)


def pickle_bomb() -> bytes:
    """A tuple of two of a tuple of two ..., which as a tree would have 2^2000 leaves."""
    return b"\x80\x02)" + b"q\x00h\x00\x86" * 2000 + b"."


def torch_file(pickle: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/data.pkl", pickle)
    return packed.getvalue()


def hdf5_loop() -> bytes:
    """A Keras file in which every address of a tree or heap is that of the first tree."""
    data = bytearray(pathlib.Path("tests/data/keras/keras1_lstm").read_bytes())
    trees = [at for at in range(0, len(data) - 8, 8) if data[at:at + 4] == b"TREE"]
    for at in range(96, len(data) - 8, 8):
        if struct.unpack_from("<Q", data, at)[0] in trees:
            struct.pack_into("<Q", data, at, trees[0])
    return bytes(data)


def safetensors_header(n: int) -> bytes:
    head = json.dumps({f"t{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                       for k in range(n)}).encode()
    return struct.pack("<Q", len(head)) + head


FILES = [
    File("Keras archive, 1 GB of zeros in 1 MB", "bomb.keras", keras_bomb),
    File("PyTorch archive, 256 MB of zeros", "bomb.pt", lambda: zip_bomb("a/data.pkl", 1 << 28, {})),
    File("PyTorch pickle, 2,000 tuples doubled", "tuples.pt", lambda: torch_file(pickle_bomb())),
    File("PyTorch pickle, 10 MB of marks", "marks.pt", lambda: torch_file(b"\x80\x02" + b"(" * 10_000_000)),
    File("HDF5 whose trees lead to themselves", "loop.h5", hdf5_loop),
    File("safetensors, 100,000 tensors", "many.safetensors", lambda: safetensors_header(100000)),
    File("ONNX, 10 MB of empty nodes", "nodes.onnx", lambda: b"\x08\x07\x3a\x80\x80\x80\x05" +
         b"\x0a\x00" * (5 * 1024 * 1024)),
]
