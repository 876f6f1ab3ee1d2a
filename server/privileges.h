/* privileges.h: gives up being root. SPDX-License-Identifier: Apache-2.0 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "core/lstm.h"

/* Becomes `user` for good, in all threads: user, group and supplementary groups. Does nothing if
 * the process is that user already. NOT_FOUND: no such user. IO: what failed; then the process must
 * not go on. */
LSTM_MUST_CHECK enum lstm_status privileges_drop(const char *user, struct lstm_error *error);

#endif
