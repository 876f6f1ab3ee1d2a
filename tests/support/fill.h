/* fill.h: test data: numbers that are the same on every run and machine, and owe nothing to the
 * library's own generator. SPDX-License-Identifier: Apache-2.0 */
#ifndef FILL_H
#define FILL_H

#include <stddef.h>
#include <stdint.h>

/* The k-th 64 bits of the sequence `seed` (splitmix64's mixing function of a counter). */
uint64_t fill_bits(uint64_t seed, uint64_t k);

/* The k-th value of the sequence `seed`, in [-scale, scale). */
float fill_value(uint64_t seed, uint64_t k, double scale);

/* The first n values of the sequence. */
void fill_values(float *x, size_t n, uint64_t seed, double scale);

/* n such values in new memory; free it. */
float *fill_new(size_t n, uint64_t seed, double scale);

#endif
