/* signals.h: signals as numbers to wait for. SPDX-License-Identifier: Apache-2.0
 *
 * SIGINT, SIGTERM and SIGHUP are caught: the handler writes the signal's number to a pipe. The
 * second SIGINT or SIGTERM ends the process there and then, whatever it is doing, with the exit
 * status that shells give to a death by that signal (130, 143). SIGPIPE is ignored. For one
 * process, one waiting thread. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "core/lstm.h"

/* Once, before other threads start. IO: what failed. */
LSTM_MUST_CHECK enum lstm_status signals_init(struct lstm_error *error);

/* The number of the next signal caught; 0 if none came within timeout_ms (negative: no limit). */
int signals_wait(int timeout_ms);

#endif
