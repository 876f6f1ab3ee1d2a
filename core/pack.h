/* pack.h: the steps of a batch as layers see them, and work over all of them that others can
 * interrupt. SPDX-License-Identifier: Apache-2.0
 *
 * A batch is "packed": the sequences sorted by length, longest first, then time-major: the rows of
 * step 0, the rows of step 1, ... so that step t is the first rows_at[t] sequences and rows that
 * have ended cost nothing. */
#ifndef PACK_H
#define PACK_H

#include "core/blas.h"

struct pack {
    size_t n_steps;
    const size_t *rows_at; /* [n_steps], never rising */
    size_t rows;           /* their sum */
    size_t parallel_iterations;
    void (*give_way)(void *context); /* see lstm_trainer_options; NULL: nobody waits */
    void *context;
};

/* Called where a pass can be interrupted: after each time step, and after each piece below. */
void pack_give_way(const struct pack *pack);

/* c [m, n] += a^T @ b for a [rows, m] and b [rows, n]: what all rows add to the gradient of a
 * kernel. In pieces of rows, the same ones for the same shapes, so that the sums are the same. */
void pack_add_product(const struct pack *pack, size_t m, struct matrix a, size_t n, struct matrix b,
                      float *c);

#endif
