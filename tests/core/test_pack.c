/* test_pack.c: products over all rows of a batch, in pieces. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/pack.h"
#include "tests/support/fill.h"

Suite *suite_pack(void);

static void count(void *context)
{
    ++*(size_t *)context;
}

/* A piece has 16 Mi multiplications. */
static const struct {
    size_t rows, m, n, n_pieces;
} shapes[] = {{0, 3, 5, 0},      {1, 1, 1, 1},      {7, 3, 5, 1},       {64, 512, 512, 1},
              {65, 512, 512, 1}, {66, 512, 512, 2}, {200, 512, 512, 4}, {6, 1024, 4096, 2}};

START_TEST(test_pack_product_in_pieces_is_the_whole_product_added)
{
    const size_t rows = shapes[_i].rows, m = shapes[_i].m, n = shapes[_i].n;
    size_t n_pieces = 0;
    const struct pack pack = {.rows = rows, .give_way = count, .context = &n_pieces};
    float *a = fill_new(rows * m + 1, 1, 1.0), *b = fill_new(rows * n + 1, 2, 1.0);
    float *got = fill_new(m * n, 3, 1.0), *want = fill_new(m * n, 3, 1.0);
    pack_add_product(&pack, m, (struct matrix){a, m, false}, n, (struct matrix){b, n, false}, got);
    blas_multiply(m, n, rows, (struct matrix){a, m, true}, (struct matrix){b, n, false}, want, n,
                  true);
    double worst = 0;
    for (size_t i = 0; i < m * n; i++)
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
    ck_assert_double_le(worst, 1e-4);
    ck_assert_uint_eq(n_pieces, shapes[_i].n_pieces);
    free(a);
    free(b);
    free(got);
    free(want);
}
END_TEST

START_TEST(test_pack_without_anybody_to_give_way_to_is_fine)
{
    const struct pack pack = {0};
    pack_give_way(&pack);
}
END_TEST

Suite *suite_pack(void)
{
    Suite *suite = suite_create("pack");
    TCase *tcase = tcase_create("pack");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_pack_product_in_pieces_is_the_whole_product_added, 0,
                        sizeof shapes / sizeof *shapes);
    tcase_add_test(tcase, test_pack_without_anybody_to_give_way_to_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
