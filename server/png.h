/* png.h: PNG files that clients send. SPDX-License-Identifier: Apache-2.0
 *
 * png.c is the one file that knows the library, libspng: it is small, written for hostile input and
 * fuzzed for it, never longjmps, gives rows of one format whatever the file has, and lets us bound
 * what it keeps. */
#ifndef PNG_H
#define PNG_H

#include "core/lstm.h"

/* A digit needs no more, and I/O threads decode: 4 million grey pixels take one about 40 ms, the
 * worst file of as many (16 bits, four channels, hard to inflate) a few tenths of a second. */
enum { PNG_MAX_SIDE = 16384, PNG_MAX_PIXELS = 1 << 20 };

struct png_image {
    size_t width, height;
    uint8_t *grey;  /* [height, width], luminance over white; owned */
    uint8_t *alpha; /* [height, width], how opaque; in grey's memory */
};

/* Reads a PNG of any colour type, depth and interlacing. On failure *image is empty (release is
 * allowed). FORMAT: no PNG, or damaged, or cut; INVALID: too many pixels, which is found before
 * memory is taken for them; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status png_decode(const void *data, size_t n, struct png_image *image,
                                            struct lstm_error *error);
void png_image_release(struct png_image *image);

#endif
