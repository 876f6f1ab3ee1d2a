/* blas.h: matrix products; blas.c is the one file that knows CBLAS.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One BLAS thread: lstmd parallelises over requests. Matrices are row-major. Thread-safe. */
#ifndef BLAS_H
#define BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* A matrix as stored: `stride` floats from one row to the next. */
struct matrix {
    const float *data;
    size_t stride;
    bool transposed; /* use its transpose */
};

/* c [m, n] = a [m, k] @ b [k, n], added to c if `accumulate`. Rows of c lie c_stride apart. */
void blas_multiply(size_t m, size_t n, size_t k, struct matrix a, struct matrix b, float *c,
                   size_t c_stride, bool accumulate);

/* y [n] += the sum over the m rows of a [m, n], a_stride apart. */
void blas_add_column_sums(size_t m, size_t n, const float *a, size_t a_stride, float *y);

#endif
