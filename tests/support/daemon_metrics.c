/* daemon_metrics.c: /metrics asked with the test's own client. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/daemon_metrics.h"

#include <check.h>
#include <sched.h>

#include "server/clock.h"
#include "tests/support/answer_text.h"
#include "tests/support/daemon.h"

double daemon_metric(struct client *client, const char *series)
{
    struct client_answer answer;
    client_get(client, "/metrics", &answer);
    const double value = answer_metric(answer.body, series);
    client_answer_release(&answer);
    return value;
}

void daemon_wait_metric(struct client *client, const char *series, double value)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    double found;
    while ((found = daemon_metric(client, series)) != value) {
        ck_assert_msg(monotonic_us() < until_us, "%s is %g and does not become %g", series, found,
                      value);
        sched_yield();
    }
}

void daemon_wait_in_flight(struct client *client, unsigned n)
{
    daemon_wait_metric(client, "lstmd_requests_in_flight", n + 1.0);
}
