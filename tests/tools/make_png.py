#!/usr/bin/env python3
"""make_png.py: writes tests/data/png/: one picture in every form that PNG has, files that are broken
or hostile in one way each, and tests/data/mnist/digit.png.
SPDX-License-Identifier: Apache-2.0

usage: make_png.py [DATA_FOLDER]
"""
import os
import struct
import sys
import zlib

# What every good file shows: '#' is ink. Its sides are odd, so that bits and passes do not come out even.
PICTURE = """\
...................
.....########......
....##########.....
...........###.....
..........###......
.........###.......
........###........
.......#########...
..........###......
.........###.......
........###........
.......###.........
......###..........
...................
...................
""".split()
WIDTH, HEIGHT = len(PICTURE[0]), len(PICTURE)
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth, colour, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def pack(samples, depth):
    """The bytes of a row of samples."""
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8))


def rows_of(pixel, depth, interlaced):
    """The rows as they are stored, each behind its filter byte; pixel(x, y) is a tuple of samples."""
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    out = b""
    for left, top, step_x, step_y in passes:
        for y in range(top, HEIGHT, step_y):
            samples = [sample for x in range(left, WIDTH, step_x) for sample in pixel(x, y)]
            if samples:
                out += b"\0" + pack(samples, depth)
    return out


def picture(colour, depth, interlaced, ink, paper, extra=b""):
    """The picture with these samples; extra: chunks in front of the pixels."""
    raw = rows_of(lambda x, y: ink if PICTURE[y][x] == "#" else paper, depth, interlaced)
    return (SIGNATURE + header(WIDTH, HEIGHT, depth, colour, int(interlaced)) + extra
            + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def good_files():
    palette = chunk(b"PLTE", bytes((255, 255, 255, 0, 0, 0)))
    clear_palette = chunk(b"PLTE", bytes((0, 0, 0, 0, 0, 0))) + chunk(b"tRNS", b"\0")
    for interlaced in (False, True):
        end = "i" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            most = (1 << depth) - 1
            yield f"grey{depth}{end}", picture(GREY, depth, interlaced, (0,), (most,))
            yield f"grey{depth}dark{end}", picture(GREY, depth, interlaced, (most,), (0,))
            clear = chunk(b"tRNS", struct.pack(">H", 0))
            yield f"grey{depth}clear{end}", picture(GREY, depth, interlaced, (most,), (0,), clear)
            if depth <= 8:
                yield f"palette{depth}{end}", picture(PALETTE, depth, interlaced, (1,), (0,), palette)
                yield f"palette{depth}clear{end}", picture(PALETTE, depth, interlaced, (1,), (0,), clear_palette)
        for depth in (8, 16):
            most = (1 << depth) - 1
            white, black = (most,) * 3, (0,) * 3
            clear = chunk(b"tRNS", struct.pack(">HHH", 0, 0, 0))
            yield f"rgb{depth}{end}", picture(RGB, depth, interlaced, black, white)
            yield f"rgb{depth}blue{end}", picture(RGB, depth, interlaced, (0, 0, most), (most, most, 0))
            yield f"rgb{depth}clear{end}", picture(RGB, depth, interlaced, white, black, clear)
            yield f"grey_alpha{depth}{end}", picture(GREY_ALPHA, depth, interlaced, (0, most), (0, 0))
            yield f"rgba{depth}{end}", picture(RGBA, depth, interlaced, black + (most,), white + (0,))
            yield f"rgba{depth}opaque{end}", picture(RGBA, depth, interlaced, black + (most,), white + (most,))


def bad_files():
    raw = rows_of(lambda x, y: (0,), 8, False)
    idat, end = chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")
    head = SIGNATURE + header(WIDTH, HEIGHT, 8, GREY)
    good = head + idat + end
    bomb = zlib.compress(b"\0" * (16 << 20), 9)
    yield "empty", b""
    yield "not_a_png", b"GIF89a, and not a picture at all"
    yield "signature_only", SIGNATURE
    yield "no_pixels", head + end
    yield "no_end", head + idat
    yield "crc_of_header", good[:29] + bytes((good[29] ^ 1,)) + good[30:]
    yield "crc_of_pixels", good[: len(head) + len(idat) - 1] + b"\0" + end
    yield "crc_of_text", head + chunk(b"tEXt", b"a\0b")[:-1] + b"\0" + idat + end
    yield "adler", head + chunk(b"IDAT", zlib.compress(raw)[:-1] + b"\0") + end
    yield "width_0", SIGNATURE + header(0, HEIGHT, 8, GREY) + idat + end
    yield "height_0", SIGNATURE + header(WIDTH, 0, 8, GREY) + idat + end
    yield "depth_3", SIGNATURE + header(WIDTH, HEIGHT, 3, GREY) + idat + end
    yield "colour_5", SIGNATURE + header(WIDTH, HEIGHT, 8, 5) + idat + end
    yield "palette_16", SIGNATURE + header(WIDTH, HEIGHT, 16, PALETTE) + idat + end
    yield "no_palette", SIGNATURE + header(WIDTH, HEIGHT, 8, PALETTE) + idat + end
    yield "palette_of_4_bytes", SIGNATURE + header(WIDTH, HEIGHT, 8, PALETTE) + chunk(b"PLTE", b"abcd") + idat + end
    yield "filter_9", head + chunk(b"IDAT", zlib.compress(b"\x09" + raw[1:])) + end
    yield "not_deflate", head + chunk(b"IDAT", b"no deflate") + end
    yield "too_few_rows", head + chunk(b"IDAT", zlib.compress(raw[:-40])) + end
    yield "unknown_critical", head + chunk(b"ABCD", b"") + idat + end
    yield "chunk_length", head + b"\xff\xff\xff\xff" + idat[4:] + end
    yield "huge", SIGNATURE + header(100000, 100000, 16, RGBA) + idat + end
    yield "overflow", SIGNATURE + header(0x7FFFFFFF, 0x7FFFFFFF, 16, RGBA) + idat + end
    yield "wide", SIGNATURE + header(16385, 1, 1, GREY) + idat + end
    yield "too_many_pixels", SIGNATURE + header(1025, 1024, 1, GREY) + idat + end
    yield "blank", good
    yield "one_pixel", SIGNATURE + header(1, 1, 8, GREY) + chunk(b"IDAT", zlib.compress(b"\0\0")) + end
    yield "bomb_of_pixels", (SIGNATURE + header(1024, 1024, 16, RGBA)
                             + chunk(b"IDAT", zlib.compress((b"\0" + b"\0" * 1024 * 8) * 1024, 9)) + end)
    yield "bomb_of_text", head + chunk(b"zTXt", b"bomb\0\0" + bomb) + idat + end


def digit_png(data):
    """The 28x28 bytes of digit.bin in black on white."""
    rows = b"".join(b"\0" + bytes(255 - value for value in data[y * 28 : y * 28 + 28]) for y in range(28))
    return (SIGNATURE + header(28, 28, 8, GREY) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main():
    data = sys.argv[1] if len(sys.argv) == 2 else "tests/data"
    os.makedirs(f"{data}/png/bad", exist_ok=True)
    for name, content in good_files():
        write(f"{data}/png/{name}.png", content)
    for name, content in bad_files():
        write(f"{data}/png/bad/{name}.png", content)
    ink = b"".join(bytes(255 if pixel == "#" else 0 for pixel in row) for row in PICTURE)
    write(f"{data}/png/picture.pgm", f"P5 {WIDTH} {HEIGHT} 255\n".encode() + ink)
    with open(f"{data}/mnist/digit.bin", "rb") as file:
        write(f"{data}/mnist/digit.png", digit_png(file.read()))


if __name__ == "__main__":
    main()
