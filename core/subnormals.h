/* subnormals.h: numbers too small for a whole mantissa taken as zero, for a while.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A gradient fades with every time step that it passes, and an operation on a subnormal number
 * takes a hundred cycles: the backward pass of a long sequence was ten times slower than it needs
 * to be. What is below 1e-38 changes no sum of gradients that an optimizer would see. */
#ifndef SUBNORMALS_H
#define SUBNORMALS_H

#include <stdint.h>

/* Of the calling thread: from now on they are read and written as zero, where the processor can do
 * that. Returns what subnormals_restore() needs. */
uint64_t subnormals_flush(void);
void subnormals_restore(uint64_t mode);

#endif
