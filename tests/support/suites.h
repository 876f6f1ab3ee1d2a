/* suites.h: every test suite; the list is generated from the names of the test files.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

struct named_suite {
    const char *name; /* of "tests/.../test_<name>.c" */
    Suite *(*create)(void);
};

extern const struct named_suite all_suites[]; /* ended by a row without a name */

#endif
