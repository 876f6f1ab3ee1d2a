/* memory.h: sizes that cannot overflow, and aligned memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/lstm.h"

/* *product = a * b, or false (and *product unchanged) if that does not fit. */
LSTM_MUST_CHECK bool memory_multiply(size_t a, size_t b, size_t *product);
LSTM_MUST_CHECK bool memory_add(size_t a, size_t b, size_t *sum);

/* n floats, zeroed, on a 64-byte border; NULL if there is no memory or n is absurd. n = 0 gives a
 * valid pointer. Free with free(). */
float *memory_floats(size_t n);

/* The same with any values, for what is filled at once: zeros in front would be written twice. */
float *memory_floats_unset(size_t n);

/* Asks the system for the pages of n floats at once, with their values as they are. Only advice,
 * and only worth it for megabytes that are not written in order. */
void memory_populate(float *data, size_t n);

#endif
