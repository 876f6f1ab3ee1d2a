/* run_tests.c: runs every suite, or those named on the command line. Exit status 1 if a test fails
 * or none ran. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suites.h"

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: run_tests [SUITE]\n");
        return 2;
    }
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; all_suites[i] != NULL; i++)
        srunner_add_suite(runner, all_suites[i]());
    srunner_run(runner, argc == 2 ? argv[1] : NULL, NULL, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
