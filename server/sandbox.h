/* sandbox.h: what the kernel is to refuse this process from now on. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#include "core/lstm.h"

/* For good, in all threads and whatever they start: no new privileges, no other program, no other
 * process, no tracing, no memory that is writable and executable, no sockets but of TCP/IP and of
 * the local machine, and no system call that the table in sandbox.c does not have. Those answer
 * EPERM, or ENOSYS where libc has another way; what only an intruder would call kills the process.
 * Logs whether it is in force: a kernel without filters, and a build with a sanitizer, which needs
 * more than the table has, serve without. IO: the filter could not be made. */
LSTM_MUST_CHECK enum lstm_status sandbox_enter(struct lstm_error *error);

#endif
