/* suites.h: every test suite; the list is generated from the names of the test files.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

extern Suite *(*const all_suites[])(void); /* NULL-ended */

#endif
