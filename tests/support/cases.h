/* cases.h: the number of rows of a table of cases, for tcase_add_loop_test().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CASES_H
#define CASES_H

#define N_CASES(cases) ((int)(sizeof(cases) / sizeof *(cases)))

#endif
