/* differential.c: `build/differential N SEED`: N random networks from case SEED on, each against
 * the oracle; tells the largest difference. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/differential.h"

static uint64_t read_number(const char *text)
{
    char *end;
    const unsigned long long number = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "differential: expected a whole number, found '%s'\n", text);
        exit(2);
    }
    return number;
}

static uint64_t n, first;

START_TEST(differential)
{
    struct differential worst = {0, "nothing"};
    uint64_t worst_case = first;
    for (uint64_t k = 0; k < n; k++) {
        const struct differential found = differential_run(first + k);
        if (found.difference > worst.difference) {
            worst = found;
            worst_case = first + k;
            printf("case %llu: %s differs by %.3g\n", (unsigned long long)worst_case, worst.where,
                   worst.difference);
            fflush(stdout);
        }
    }
    printf("%llu cases from %llu on: largest difference %.3g, of %s in case %llu\n",
           (unsigned long long)n, (unsigned long long)first, worst.difference, worst.where,
           (unsigned long long)worst_case);
    ck_assert(worst.difference <= DIFFERENTIAL_MOST);
}
END_TEST

/* The oracle reports to Check, so that it has to run below it. */
int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: differential N SEED\n");
        return 2;
    }
    n = read_number(argv[1]);
    first = read_number(argv[2]);
    Suite *suite = suite_create("differential");
    TCase *tcase = tcase_create("random networks");
    tcase_add_test(tcase, differential);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
