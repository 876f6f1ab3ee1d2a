/* reference_internal.h: what the oracle's files share. SPDX-License-Identifier: Apache-2.0 */
#ifndef REFERENCE_INTERNAL_H
#define REFERENCE_INTERNAL_H

#include "tests/support/reference.h"

/* new: n zeros. */
double *reference_zeros(size_t n);

bool reference_is_recurrent(const struct reference_layer *layer);

/* 0, 1, or 2 of a bidirectional layer; and the values that one of them gives. */
size_t reference_n_cells(const struct reference_layer *layer);
size_t reference_cell_outputs(const struct reference_layer *layer);

/* ([x, h] @ kernel + bias)[column], the rows of the kernel being first x's, then h's. */
double reference_project(const struct reference_tensor *kernel, const struct reference_tensor *bias,
                         const double *x, size_t n_x, const double *h, size_t column);

#endif
