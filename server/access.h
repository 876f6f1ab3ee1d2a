/* access.h: what is counted and logged about an answered request. SPDX-License-Identifier:
 * Apache-2.0
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "server/request.h"

struct access {
    const struct request *request;
    bool handled; /* the route's handler saw it */
    size_t bytes_in, bytes_out;
    int64_t total_us;
};

/* Updates the metrics of requests and writes the access line (level info). The metrics name a model
 * only if a handler has found it, or the answer is a success, so that clients cannot make series.
 */
void access_record(const struct access *access);

#endif
