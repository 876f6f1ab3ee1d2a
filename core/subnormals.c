/* subnormals.c: the processor's mode for them: MXCSR of x86, FPCR of ARM.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/subnormals.h"

#if defined(__SSE2__)

#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

uint64_t subnormals_flush(void)
{
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return mode;
}

void subnormals_restore(uint64_t mode)
{
    _mm_setcsr((unsigned)mode);
}

#elif defined(__aarch64__)

uint64_t subnormals_flush(void)
{
    const uint64_t flush_to_zero = UINT64_C(1) << 24;
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | flush_to_zero));
    return mode;
}

void subnormals_restore(uint64_t mode)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else

uint64_t subnormals_flush(void)
{
    return 0;
}

void subnormals_restore(uint64_t mode)
{
    (void)mode;
}

#endif
