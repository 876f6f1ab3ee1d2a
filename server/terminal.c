/* terminal.c: blocks and colours. SPDX-License-Identifier: Apache-2.0 */
#include "server/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    USUAL_COLUMNS = 80,
    USUAL_LINES = 24,
    GREY_FIRST = 232, /* of the palette: 24 greys, */
    GREY_STEPS = 23,
    CUBE_FIRST = 16, /* and a cube of 6 x 6 x 6 colours */
    CUBE_STEPS = 5
};

struct terminal terminal_of(int fd)
{
    struct terminal terminal = {.columns = USUAL_COLUMNS, .lines = USUAL_LINES};
    struct winsize size;
    const char *const no_colour = getenv("NO_COLOR");
    terminal.is_terminal = isatty(fd) == 1;
    terminal.has_colour = terminal.is_terminal && (no_colour == NULL || no_colour[0] == '\0');
    if (terminal.is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_row > 0) {
        terminal.columns = size.ws_col;
        terminal.lines = size.ws_row;
    }
    return terminal;
}

static int nearest(double value, int steps)
{
    return (int)(fmin(fmax(value, 0), 1) * steps + 0.5);
}

/* The palette's number for a value. */
static int colour_of(float value, enum palette palette)
{
    if (palette == PALETTE_INK)
        return GREY_FIRST + nearest((double)value, GREY_STEPS);
    const int strong = nearest(fabs((double)value), CUBE_STEPS);
    const int middle = strong / 2;
    return CUBE_FIRST + 6 * middle + (value > 0 ? 36 * strong : strong);
}

/* One column of a line: the value above, and the one below or NULL. */
static void draw_pair(const struct terminal *terminal, struct buf *out, const float *above,
                      const float *below, enum palette palette)
{
    static const char *const shades[] = {" ", "░", "▒", "▓", "█"};
    if (terminal->has_colour && below != NULL) {
        buf_printf(out, "\033[38;5;%d;48;5;%dm▀", colour_of(*above, palette),
                   colour_of(*below, palette));
    } else if (terminal->has_colour) {
        buf_printf(out, "\033[38;5;%dm▀", colour_of(*above, palette));
    } else {
        const float lower = below == NULL ? *above : *below;
        buf_text(out, shades[nearest((fabs((double)*above) + fabs((double)lower)) / 2, 4)]);
    }
}

void terminal_draw(const struct terminal *terminal, struct buf *out, const float *values,
                   size_t n_rows, size_t n_columns, enum palette palette, size_t indent)
{
    const size_t room = terminal->columns > indent ? terminal->columns - indent : 1;
    const size_t shown = n_columns < room ? n_columns : room;
    for (size_t row = 0; row < n_rows; row += 2) {
        const float *const above = values + row * n_columns;
        buf_printf(out, "%*s", (int)indent, "");
        for (size_t k = 0; k < shown; k++)
            draw_pair(terminal, out, above + k, row + 1 < n_rows ? above + n_columns + k : NULL,
                      palette);
        buf_text(out, terminal->has_colour ? "\033[0m\n" : "\n");
    }
}

void terminal_bar(struct buf *out, double share, size_t width)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const size_t eighths = (size_t)(fmin(fmax(share, 0), 1) * (double)width * 8 + 0.5);
    const bool has_part = eighths % 8 > 0;
    for (size_t k = 0; k < eighths / 8; k++)
        buf_text(out, "█");
    buf_text(out, parts[eighths % 8]);
    for (size_t k = eighths / 8 + has_part; k < width; k++)
        buf_text(out, " ");
}
