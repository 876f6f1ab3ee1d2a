/* fuzz_png.c: no body makes png_decode() misbehave; what it accepts is within its bounds, can be
 * read whole, and becomes a digit or is empty. SPDX-License-Identifier: Apache-2.0
 *
 * Every input is read as it is, and once more with the checksums that it should have. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/png_mend.h"

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

static void decode(const uint8_t *data, size_t size)
{
    struct png_image image;
    struct lstm_error error;
    if (png_decode(data, size, &image, &error) == LSTM_OK) {
        require(image.width >= 1 && image.width <= PNG_MAX_SIDE);
        require(image.height >= 1 && image.height <= PNG_MAX_SIDE);
        require(image.width * image.height <= PNG_MAX_PIXELS);
        check_digit(&image);
    } else
        require(image.grey == NULL && error.text[0] != '\0');
    png_image_release(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (png_mend_is_slow(data, size))
        return 0;
    decode(data, size);
    uint8_t *const mended = malloc(size);
    require(mended != NULL);
    if (size > 0)
        memcpy(mended, data, size);
    png_mend(mended, size);
    if (size > 0 && memcmp(mended, data, size) != 0)
        decode(mended, size);
    free(mended);
    return 0;
}
