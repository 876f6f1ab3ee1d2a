/* float_formats.h: float32 from and to the other stored types. SPDX-License-Identifier: Apache-2.0
 *
 * All little-endian, whatever the machine. Conversions to a smaller type round to nearest, ties to
 * even; what is too large becomes infinite, and NaN stays NaN. */
#ifndef FLOAT_FORMATS_H
#define FLOAT_FORMATS_H

#include "core/lstm.h"

/* Bytes of one value. */
size_t float_format_bytes(enum lstm_dtype dtype);

/* Whether a file has the values as memory has them: float32 on a little-endian machine. */
bool float_format_is_native(enum lstm_dtype dtype);

void float_format_read(enum lstm_dtype dtype, const unsigned char *from, size_t n, float *to);
void float_format_write(enum lstm_dtype dtype, const float *from, size_t n, unsigned char *to);

/* The first of n values that is not finite once it is stored as dtype; n: all are. */
size_t float_format_find_non_finite(enum lstm_dtype dtype, const float *values, size_t n);

#endif
