/* fuzz_png.c: no body makes png_decode() misbehave; what it accepts is within its bounds, can be
 * read whole, and becomes a digit or is empty. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "server/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* A digit fits its box: nothing lies in the corners that no box of 20 reaches. */
static void check_digit(struct png_image *image)
{
    uint8_t digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE];
    size_t n_ink = 0;
    if (!lstm_image_ink(image->grey, image->alpha, image->height, image->width, image->grey))
        return;
    require(lstm_digit_prepare(image->grey, image->height, image->width, digit));
    for (size_t i = 0; i < sizeof digit; i++)
        n_ink += digit[i] > 0;
    require(n_ink <= 20 * 20);
}

static uint32_t read_big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Whether its header, if it has one, announces so many pixels that they would take all the time.
 * Beyond the bound of png_decode() they cost nothing. */
static bool is_slow(const uint8_t *data, size_t size)
{
    enum { SIZES_AT = 16, SLOW_PIXELS = 1 << 16 };
    if (size < SIZES_AT + 8)
        return false;
    const uint64_t n =
        (uint64_t)read_big_endian(data + SIZES_AT) * read_big_endian(data + SIZES_AT + 4);
    return n > SLOW_PIXELS && n <= PNG_MAX_PIXELS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct png_image image;
    if (is_slow(data, size))
        return 0;
    struct lstm_error error;
    if (png_decode(data, size, &image, &error) == LSTM_OK) {
        require(image.width >= 1 && image.width <= PNG_MAX_SIDE);
        require(image.height >= 1 && image.height <= PNG_MAX_SIDE);
        require(image.width * image.height <= PNG_MAX_PIXELS);
        check_digit(&image);
    } else
        require(image.grey == NULL && error.text[0] != '\0');
    png_image_release(&image);
    return 0;
}
