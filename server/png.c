/* png.c: PNG files to grey and alpha, row by row. SPDX-License-Identifier: Apache-2.0
 *
 * The one file that knows libspng. Gamma and colour profiles are ignored: they move greys a little,
 * and ink is what differs from paper. */
#include "server/png.h"

#include <errno.h>
#include <spng.h>
#include <stdlib.h>

#include "core/status.h"

enum {
    CHANNELS = 4,              /* of a decoded row: R, G, B, A */
    MAX_CHUNK_BYTES = 2 << 20, /* of a text or profile, and of all that are kept */
    N_PASSES = 7
};

struct decoder {
    struct spng_ctx *spng;
    struct png_image *image;
    uint8_t *row; /* [width, CHANNELS] */
    struct lstm_error *error;
};

/* libspng says of zlib without memory that the stream is broken, so errno is asked, too. */
static enum lstm_status fail(const struct decoder *d, int code)
{
    if (code == SPNG_EMEM || errno == ENOMEM)
        return lstm_fail(d->error, LSTM_NO_MEMORY, "out of memory for a PNG");
    return lstm_fail(d->error, LSTM_FORMAT, "the body: expected a whole PNG; %s",
                     spng_strerror(code));
}

static enum lstm_status read_header(struct decoder *d, struct spng_ihdr *header)
{
    const int code = spng_get_ihdr(d->spng, header);
    if (code != 0)
        return fail(d, code);
    if (header->width > PNG_MAX_SIDE || header->height > PNG_MAX_SIDE ||
        (size_t)header->width * header->height > PNG_MAX_PIXELS)
        return lstm_fail(d->error, LSTM_INVALID,
                         "the body: a PNG of %lux%lu pixels; expected at most %d pixels, and %d on "
                         "a side",
                         (unsigned long)header->width, (unsigned long)header->height,
                         PNG_MAX_PIXELS, PNG_MAX_SIDE);
    return LSTM_OK;
}

static enum lstm_status make_image(struct decoder *d, const struct spng_ihdr *header)
{
    const size_t n = (size_t)header->width * header->height;
    uint8_t *const grey = calloc(n, 2);
    d->row = calloc(header->width, CHANNELS);
    *d->image = (struct png_image){header->width, header->height, grey, grey + n};
    if (grey == NULL || d->row == NULL)
        return lstm_fail(d->error, LSTM_NO_MEMORY, "out of memory for a PNG of %zux%zu pixels",
                         d->image->width, d->image->height);
    return LSTM_OK;
}

/* Rec. 601 luma; grey stays the number that it is. */
static unsigned luminance(const uint8_t *pixel)
{
    return (299U * pixel[0] + 587U * pixel[1] + 114U * pixel[2] + 500) / 1000;
}

/* The decoder has set every step-th pixel of the row, from first. */
static void keep_row(const struct decoder *d, size_t y, size_t first, size_t step)
{
    uint8_t *const grey = d->image->grey + y * d->image->width;
    uint8_t *const alpha = d->image->alpha + y * d->image->width;
    for (size_t x = first; x < d->image->width; x += step) {
        const uint8_t *const pixel = d->row + x * CHANNELS;
        const unsigned opaque = pixel[3];
        grey[x] = (uint8_t)((luminance(pixel) * opaque + 255 * (255 - opaque) + 127) / 255);
        alpha[x] = (uint8_t)opaque;
    }
}

/* An interlaced picture comes as seven (Adam7), each with the pixels of some columns. */
static enum lstm_status read_rows(struct decoder *d, bool is_interlaced)
{
    static const size_t firsts[N_PASSES] = {0, 4, 0, 2, 0, 1, 0};
    static const size_t steps[N_PASSES] = {8, 8, 4, 4, 2, 2, 1};
    struct spng_row_info info;
    int code = spng_decode_image(d->spng, NULL, 0, SPNG_FMT_RGBA8,
                                 SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
    while (code == 0) {
        code = spng_get_row_info(d->spng, &info);
        if (code == 0)
            code = spng_decode_row(d->spng, d->row, d->image->width * CHANNELS);
        if (code == 0 || code == SPNG_EOI)
            keep_row(d, info.row_num, is_interlaced ? firsts[info.pass] : 0,
                     is_interlaced ? steps[info.pass] : 1);
    }
    if (code == SPNG_EOI)
        code = spng_decode_chunks(d->spng);
    return code == 0 ? LSTM_OK : fail(d, code);
}

enum lstm_status png_decode(const void *data, size_t n, struct png_image *image,
                            struct lstm_error *error)
{
    struct spng_ihdr header;
    enum lstm_status status = LSTM_OK;
    errno = 0;
    struct decoder d = {.spng = spng_ctx_new(0), .image = image, .error = error};
    int code = SPNG_EMEM;
    *image = (struct png_image){0};
    if (d.spng != NULL)
        code = spng_set_crc_action(d.spng, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    if (code == 0)
        code = spng_set_chunk_limits(d.spng, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES);
    if (code == 0)
        code = spng_set_png_buffer(d.spng, data, n);
    if (code != 0)
        status = fail(&d, code);
    if (status == LSTM_OK)
        status = read_header(&d, &header);
    if (status == LSTM_OK)
        status = make_image(&d, &header);
    if (status == LSTM_OK)
        status = read_rows(&d, header.interlace_method != 0);
    free(d.row);
    spng_ctx_free(d.spng);
    if (status != LSTM_OK)
        png_image_release(image);
    return status;
}

void png_image_release(struct png_image *image)
{
    free(image->grey);
    *image = (struct png_image){0};
}
