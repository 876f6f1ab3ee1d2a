/* lstm_data.h: random numbers, data sets and pictures of digits, a part of lstm.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LSTM_DATA_H
#define LSTM_DATA_H

#include "lstm.h"

/* ---- Random numbers ------------------------------------------------------------------------ */

/* A generator: xoshiro256++, seeded through splitmix64 (Blackman and Vigna, prng.di.unimi.it).
 * The same seed and stream give the same numbers on every machine. Plain data: copy it to fork it.
 */
struct lstm_random {
    uint64_t s[4];
};

void lstm_random_init(struct lstm_random *random, uint64_t seed, uint64_t stream);
uint64_t lstm_random_bits(struct lstm_random *random);
double lstm_random_uniform(struct lstm_random *random);             /* [0, 1) */
uint64_t lstm_random_below(struct lstm_random *random, uint64_t n); /* [0, n), unbiased; n > 0 */
double lstm_random_normal(struct lstm_random *random);              /* mean 0, deviation 1 */

/* ---- Data sets ------------------------------------------------------------------------------ */

/* An idx file of bytes, as MNIST's (yann.lecun.com/exdb/mnist): rank 1 labels or rank 3 images. */
struct lstm_idx {
    size_t rank;
    size_t shape[3];
    uint8_t *data; /* owned */
};

/* Reads an idx file, plain or gzip-compressed. What lies behind the announced data is an error, and
 * so is a file of more than `max_bytes` of data. NOT_FOUND, FORMAT, UNSUPPORTED (another element
 * type or rank), IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_idx_load(const char *path, size_t max_bytes,
                                               struct lstm_idx *idx, struct lstm_error *error);
void lstm_idx_release(struct lstm_idx *idx);

/* How far lstm_image_distort() may go. */
struct lstm_distortion {
    double max_degrees;          /* rotation, both ways */
    double min_scale, max_scale; /* zoom */
    double max_shift;            /* in pixels, both ways, both axes */
};

/* Rotates, zooms and shifts a grey image [height, width] about its middle by random amounts within
 * `limits`, each uniform; samples bilinearly, zero outside. out [height, width] must not overlap.
 */
void lstm_image_distort(const uint8_t *image, size_t height, size_t width,
                        const struct lstm_distortion *limits, struct lstm_random *random,
                        uint8_t *out);

/* ---- Pictures of digits ------------------------------------------------------------------- */

enum { LSTM_DIGIT_SIDE = 28 };

/* Which pixels of a picture [height, width] are ink: 0 paper to 255 ink. grey: its luminance over
 * white, alpha: how opaque it is; both 0 to 255. If the border is transparent for the larger part,
 * what is opaque is ink; else what differs from the border's median, be it darker or lighter. The
 * strongest ink becomes 255. ink may be one of the other two. False: nothing differs by more than
 * an eighth, so nothing is drawn; ink is left as it was. Both sides are positive. */
bool lstm_image_ink(const uint8_t *grey, const uint8_t *alpha, size_t height, size_t width,
                    uint8_t *ink);

/* Ink [height, width] as MNIST has its digits (yann.lecun.com/exdb/mnist): ink of 32 and more is
 * cropped, scaled by means of areas into a box of 20x20 that keeps its proportions, and set with
 * its centre of mass into the middle. False: there is no ink, and digit is left as it was. */
bool lstm_digit_prepare(const uint8_t *ink, size_t height, size_t width,
                        uint8_t digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE]);

#endif
