/* fill.c: reproducible test data. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fill.h"

#include <check.h>
#include <stdlib.h>

uint64_t fill_bits(uint64_t seed, uint64_t k)
{
    uint64_t z = (seed * UINT64_C(0x100000001b3) + k + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

float fill_value(uint64_t seed, uint64_t k, double scale)
{
    double unit = (double)(fill_bits(seed, k) >> 40) / (double)(1 << 24);
    return (float)(scale * (2 * unit - 1));
}

void fill_values(float *x, size_t n, uint64_t seed, double scale)
{
    for (size_t k = 0; k < n; k++)
        x[k] = fill_value(seed, k, scale);
}

float *fill_new(size_t n, uint64_t seed, double scale)
{
    float *x = malloc((n + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    fill_values(x, n, seed, scale);
    return x;
}
