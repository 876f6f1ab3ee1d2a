/* digit_image.c: pictures of a digit: which pixels are ink, and the digit as MNIST has it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The preparation is what clients/web/prepare.js does, in the same order and in double, so that a
 * drawing and a picture of it give the same digit: the ink is cropped, scaled into a box of 20x20
 * keeping its proportions, each pixel the mean of the area that falls on it, and set into 28x28
 * with its centre of mass in the middle. */
#include <math.h>
#include <stddef.h>

#include "core/lstm.h"

enum {
    SIDE = LSTM_DIGIT_SIDE,
    BOX = 20,      /* the digit's longer side */
    FAINTEST = 32, /* what is paler is paper */
    WHITE = 255,
    OPAQUE_FROM = 128
};

/* ---- Ink ---------------------------------------------------------------------------------- */

/* How many pixels of the border have each value. Returns their number. */
static size_t count_border(const uint8_t *values, size_t height, size_t width, size_t counts[256])
{
    size_t n = 0;
    for (size_t k = 0; k < 256; k++)
        counts[k] = 0;
    for (size_t y = 0; y < height; y++) {
        const bool is_edge = y == 0 || y + 1 == height;
        const size_t stride = is_edge || width == 1 ? 1 : width - 1;
        for (size_t x = 0; x < width; x += stride, n++)
            counts[values[y * width + x]]++;
    }
    return n;
}

/* The median: what the larger part of the border is, whatever ink touches it. */
static int border_median(const uint8_t *values, size_t height, size_t width)
{
    size_t counts[256];
    const size_t n = count_border(values, height, width, counts);
    size_t below = 0;
    int value = 0;
    while (value < WHITE && (below += counts[value]) * 2 <= n)
        value++;
    return value;
}

static int absolute(int value)
{
    return value < 0 ? -value : value;
}

bool lstm_image_ink(const uint8_t *grey, const uint8_t *alpha, size_t height, size_t width,
                    uint8_t *ink)
{
    const bool is_clear = border_median(alpha, height, width) < OPAQUE_FROM;
    const uint8_t *const values = is_clear ? alpha : grey;
    const int paper = is_clear ? 0 : border_median(grey, height, width);
    int strongest = 0;
    for (size_t i = 0; i < height * width; i++) {
        const int difference = absolute(values[i] - paper);
        strongest = difference > strongest ? difference : strongest;
    }
    if (strongest < FAINTEST)
        return false;
    for (size_t i = 0; i < height * width; i++)
        ink[i] = (uint8_t)((absolute(values[i] - paper) * WHITE + strongest / 2) / strongest);
    return true;
}

/* ---- The digit ---------------------------------------------------------------------------- */

struct box {
    size_t left, top, right, bottom; /* right and bottom are not in it */
};

/* The smallest box with all ink; false: there is none. */
static bool find_ink(const uint8_t *ink, size_t height, size_t width, struct box *box)
{
    *box = (struct box){.left = width, .top = height};
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            if (ink[y * width + x] < FAINTEST)
                continue;
            box->left = x < box->left ? x : box->left;
            box->right = x >= box->right ? x + 1 : box->right;
            box->top = y < box->top ? y : box->top;
            box->bottom = y + 1;
        }
    }
    return box->right > 0;
}

/* How much of pixel k lies in [from, to). */
static double share(size_t k, double from, double to)
{
    return fmin((double)k + 1, to) - fmax((double)k, from);
}

/* The sum of one row of the box over [from, to), each pixel by its share. */
static double sum_row(const uint8_t *line, size_t n, double from, double to, double row_share)
{
    double sum = 0;
    for (size_t k = (size_t)from; (double)k < to && k < n; k++)
        sum += line[k] * row_share * share(k, from, to);
    return sum;
}

/* The box of the ink as [box_height][box_width] means of areas. */
static void shrink(const uint8_t *ink, size_t width, const struct box *box, size_t box_width,
                   size_t box_height, double *out)
{
    const size_t wide = box->right - box->left, high = box->bottom - box->top;
    const double step_x = (double)wide / (double)box_width;
    const double step_y = (double)high / (double)box_height;
    for (size_t y = 0; y < box_height; y++) {
        const double from = (double)y * step_y, to = (double)(y + 1) * step_y;
        for (size_t x = 0; x < box_width; x++) {
            double sum = 0;
            for (size_t row = (size_t)from; (double)row < to && row < high; row++)
                sum += sum_row(ink + (box->top + row) * width + box->left, wide, (double)x * step_x,
                               (double)(x + 1) * step_x, share(row, from, to));
            out[y * box_width + x] = sum / (step_x * step_y);
        }
    }
}

/* Where the box begins along one axis, so that `centre` of it comes to the middle. Halves go to the
 * right and down, whatever the last bit of the sums is. */
static size_t place(double centre, size_t extent)
{
    const double begin = floor(SIDE / 2 - centre + 0.5 + 1e-6);
    return (size_t)fmin(fmax(begin, 0), (double)(SIDE - extent));
}

static size_t box_side(size_t side, size_t longest)
{
    const double scaled = floor((double)side * BOX / (double)longest + 0.5);
    return scaled < 1 ? 1 : (size_t)scaled;
}

bool lstm_digit_prepare(const uint8_t *ink, size_t height, size_t width,
                        uint8_t digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE])
{
    double pixels[BOX * BOX], mass = 0, mass_x = 0, mass_y = 0;
    struct box box;
    if (!find_ink(ink, height, width, &box))
        return false;
    const size_t wide = box.right - box.left, high = box.bottom - box.top;
    const size_t longest = wide > high ? wide : high;
    const size_t box_width = box_side(wide, longest), box_height = box_side(high, longest);
    shrink(ink, width, &box, box_width, box_height, pixels);

    for (size_t k = 0; k < box_width * box_height; k++) {
        mass += pixels[k];
        mass_x += pixels[k] * ((double)(k % box_width) + 0.5);
        mass_y += pixels[k] * ((double)(k / box_width) + 0.5);
    }
    const size_t left = place(mass_x / mass, box_width), top = place(mass_y / mass, box_height);
    for (size_t k = 0; k < SIDE * SIDE; k++)
        digit[k] = 0;
    for (size_t k = 0; k < box_width * box_height; k++)
        digit[(top + k / box_width) * SIDE + left + k % box_width] = (uint8_t)(pixels[k] + 0.5);
    return true;
}
