/* run_tests.c: runs every suite, or the one that is named on the command line. Exit status 1 if a
 * test fails, 2 if there is no such suite. SPDX-License-Identifier: Apache-2.0
 *
 * A suite may have no test in this build: what counts allocations has none under a sanitizer.
 * Check ends a test that takes too long; the suites say how long theirs take on a machine that is
 * not busy. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suites.h"

/* Adds the suite of that name, or all of them if it is NULL. False: there is none. */
static bool add_suites(SRunner *runner, const char *name)
{
    bool is_found = false;
    for (const struct named_suite *suite = all_suites; suite->name != NULL; suite++) {
        if (name != NULL && strcmp(suite->name, name) != 0)
            continue;
        srunner_add_suite(runner, suite->create());
        is_found = true;
    }
    return is_found;
}

/* A test that says nothing has a minute, and all have five times what they say. */
static void be_patient(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    setenv("CK_TIMEOUT_MULTIPLIER", "5", 0);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: run_tests [SUITE]\n");
        return 2;
    }
    be_patient();
    SRunner *runner = srunner_create(NULL);
    if (!add_suites(runner, argv[1])) {
        fprintf(stderr, "run_tests: no suite is called %s\n", argv[1]);
        srunner_free(runner);
        return 2;
    }
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
