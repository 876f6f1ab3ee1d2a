/* terminal.h: numbers drawn in a terminal: bars, and pictures of two rows a line.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Colours are those of the 256-colour palette; with NO_COLOR set (no-color.org) shades of blocks
 * take their place. All of it is appended to a buffer, so that a picture is written at once. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "server/buf.h"

struct terminal {
    bool is_terminal, has_colour;
    size_t columns, lines; /* 80 and 24 where there is no terminal */
};

/* What file descriptor fd is now; ask again to see a terminal resized. */
struct terminal terminal_of(int fd);

enum palette {
    PALETTE_INK, /* 0 black to 1 white */
    PALETTE_HEAT /* -1 blue, 0 black, 1 orange */
};

/* Appends values [n_rows, n_columns] as a picture, as many columns as the terminal has beside
 * `indent` spaces. */
void terminal_draw(const struct terminal *terminal, struct buf *out, const float *values,
                   size_t n_rows, size_t n_columns, enum palette palette, size_t indent);

/* Appends a bar of `width` columns, filled to `share` (0 to 1) in eighths of a column. */
void terminal_bar(struct buf *out, double share, size_t width);

#endif
