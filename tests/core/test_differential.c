/* test_differential.c: random networks compute what the oracle computes; build/differential runs
 * as many of them as one likes. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "tests/support/differential.h"
#include "tests/support/suites.h"

Suite *suite_differential(void);

enum { N_GROUPS = 8, GROUP = 25 };

START_TEST(test_random_networks_compute_what_the_oracle_computes)
{
    for (uint64_t k = 0; k < GROUP; k++) {
        const uint64_t seed = (uint64_t)_i * GROUP + k;
        const struct differential found = differential_run(seed);
        ck_assert_msg(found.difference <= DIFFERENTIAL_MOST,
                      "case %llu: %s differs by %.3g; build/differential 1 %llu shows it",
                      (unsigned long long)seed, found.where, found.difference,
                      (unsigned long long)seed);
    }
}
END_TEST

Suite *suite_differential(void)
{
    Suite *suite = suite_create("differential");
    TCase *random = tcase_create("random networks");
    tcase_set_timeout(random, 120);
    tcase_add_loop_test(random, test_random_networks_compute_what_the_oracle_computes, 0, N_GROUPS);
    suite_add_tcase(suite, random);
    return suite;
}
