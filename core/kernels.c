/* kernels.c: which kernel sets there are, and which one this CPU gets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/kernels.h"

#include "core/lstm.h"

extern const struct kernels kernels_generic;

#ifdef __x86_64__
extern const struct kernels kernels_avx2, kernels_avx512;

const struct kernels *const kernels_all[] = {&kernels_avx512, &kernels_avx2, &kernels_generic,
                                             NULL};

bool kernels_supported(const struct kernels *kernels)
{
    if (kernels == &kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (kernels == &kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return true;
}
#else
const struct kernels *const kernels_all[] = {&kernels_generic, NULL};

bool kernels_supported(const struct kernels *kernels)
{
    (void)kernels;
    return true;
}
#endif

const struct kernels *kernels_best(void)
{
    size_t i = 0;
    while (!kernels_supported(kernels_all[i]))
        i++;
    return kernels_all[i];
}

const char *lstm_cpu_kernels(void)
{
    return kernels_best()->isa;
}
