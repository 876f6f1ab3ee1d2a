/* blas.c: CBLAS behind two calls, and OpenBLAS put right for this use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

/* OpenBLAS's own entry points; absent (NULL) when another CBLAS is linked. */
extern void openblas_set_num_threads(int n) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

#ifdef __x86_64__
/* OpenBLAS falls back to SSE3 code on a CPU that is newer than itself: six times slower. It then
 * gets the name of the best older CPU with the same instructions, unless the user chose one. */
static void recognise_new_cpu(void)
{
    if (openblas_get_corename == NULL || gotoblas_dynamic_init == NULL ||
        gotoblas_dynamic_quit == NULL || getenv("OPENBLAS_CORETYPE") != NULL)
        return;
    if (strcasecmp(openblas_get_corename(), "prescott") != 0)
        return;
    const char *core = NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        core = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        core = "Haswell";
    if (core == NULL || setenv("OPENBLAS_CORETYPE", core, 1) != 0)
        return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv("OPENBLAS_CORETYPE");
}
#else
static void recognise_new_cpu(void)
{
}
#endif

/* Before main(), when no thread can be inside the library or read the environment. */
__attribute__((constructor)) static void set_up(void)
{
    recognise_new_cpu();
    if (openblas_set_num_threads != NULL)
        openblas_set_num_threads(1);
}

/* Up to this many multiplications OpenBLAS takes a path for small matrices that packs nothing;
 * products of many rows are cut to stay on it, which makes them up to 1.5 times faster
 * (`make bench`). */
enum { SMALL_PRODUCT = 1000000 };

void blas_multiply(size_t m, size_t n, size_t k, struct matrix a, struct matrix b, float *c,
                   size_t c_stride, bool accumulate)
{
    if (m == 0 || n == 0 || (k == 0 && accumulate))
        return;
    const size_t fits = SMALL_PRODUCT / (n * k + 1);
    const size_t most = !a.transposed && !b.transposed && fits >= 4 ? fits : m;
    for (size_t row = 0; row < m; row += most) {
        const size_t rows = m - row < most ? m - row : most;
        cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                    b.transposed ? CblasTrans : CblasNoTrans, (blasint)rows, (blasint)n, (blasint)k,
                    1.0f, a.data + (a.transposed ? row : row * a.stride), (blasint)a.stride, b.data,
                    (blasint)b.stride, accumulate ? 1.0f : 0.0f, c + row * c_stride,
                    (blasint)c_stride);
    }
}

void blas_add_column_sums(size_t m, size_t n, const float *a, size_t a_stride, float *y)
{
    for (size_t row = 0; row < m; row++)
        cblas_saxpy((blasint)n, 1.0f, a + row * a_stride, 1, y, 1);
}
