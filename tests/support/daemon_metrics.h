/* daemon_metrics.h: what a daemon tells of itself at /metrics, and waiting until it tells it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bytes that were written to a socket have not been read by the daemon: who relies on that waits
 * here first. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "tests/support/client.h"

/* The value of a series, "lstmd_queue_depth{model=\"m\"}"; 0 if it is not there. */
double daemon_metric(struct client *client, const char *series);

/* Asks until the series has exactly this value; fails the test if it does not come to that. */
void daemon_wait_metric(struct client *client, const char *series, double value);

/* Until n requests are in flight beside the one that asks for the number. */
void daemon_wait_in_flight(struct client *client, unsigned n);

#endif
