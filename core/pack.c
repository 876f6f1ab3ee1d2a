/* pack.c: products over all rows of a batch, piece by piece. SPDX-License-Identifier: Apache-2.0 */
#include "core/pack.h"

/* Of one piece: a third of a millisecond on one core of the 2020s, which is less than a batch of
 * predicts takes. */
enum { PIECE_MULTIPLICATIONS = 16 << 20 };

void pack_give_way(const struct pack *pack)
{
    if (pack->give_way != NULL)
        pack->give_way(pack->context);
}

void pack_add_product(const struct pack *pack, size_t m, struct matrix a, size_t n, struct matrix b,
                      float *c)
{
    const size_t most = PIECE_MULTIPLICATIONS / (m * n) + 1;
    for (size_t at = 0; at < pack->rows; at += most) {
        const size_t left = pack->rows - at, rows = left < most ? left : most;
        const struct matrix part = {a.data + at * a.stride, a.stride, true};
        blas_multiply(m, n, rows, part, (struct matrix){b.data + at * b.stride, b.stride, false}, c,
                      n, true);
        pack_give_way(pack);
    }
}
