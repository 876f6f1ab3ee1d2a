/* status.h: makes an error. SPDX-License-Identifier: Apache-2.0 */
#ifndef STATUS_H
#define STATUS_H

#include <stdarg.h>

#include "core/lstm.h"

/* Fills *error (which may be NULL) with a formatted sentence, cut to fit, and returns status: for
 * `return lstm_fail(error, LSTM_SHAPE, ...)`. */
enum lstm_status lstm_fail(struct lstm_error *error, enum lstm_status status, const char *format,
                           ...) LSTM_PRINTF(3, 4);

/* Puts a formatted context and ": " in front of the sentence that is there; returns its status. */
enum lstm_status lstm_fail_in(struct lstm_error *error, enum lstm_status status, const char *format,
                              ...) LSTM_PRINTF(3, 4);

#endif
