/* notify.h: tells the service manager how the daemon is, by systemd's protocol.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A datagram to the socket that NOTIFY_SOCKET names, a path or "@" and an abstract name; see
 * sd_notify(3). Not started by a service manager (no NOTIFY_SOCKET): nothing happens. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "core/lstm.h"

enum notice { NOTICE_READY, NOTICE_RELOADING, NOTICE_STOPPING };

/* IO: why the service manager could not be told. */
LSTM_MUST_CHECK enum lstm_status notify_send(enum notice notice, struct lstm_error *error);

/* The same; a manager that cannot be told is no reason to stop serving: the log has it. */
void notify_try(enum notice notice);

#endif
