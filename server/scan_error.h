/* scan_error.h: the sentences of tensor_scan(). SPDX-License-Identifier: Apache-2.0
 *
 * Each names the path and the byte, and returns LSTM_INVALID. */
#ifndef SCAN_ERROR_H
#define SCAN_ERROR_H

#include "core/lstm.h"
#include "server/number_scan.h"

/* A byte of a text; p may be the end. */
struct scan_place {
    const char *text, *p, *end;
};

/* "instances[3]: expected a number, found a string (byte 412)" */
enum lstm_status scan_fail_expected(const struct scan_place *place, const char *expected,
                                    struct lstm_error *error);
/* At a number that stopped number_scan_run(). */
enum lstm_status scan_fail_number(const struct scan_place *place, enum number_stop stop,
                                  struct lstm_error *error);
enum lstm_status scan_fail_depth(const struct scan_place *place, const char *what, int limit,
                                 struct lstm_error *error);

#endif
