/* healthcheck_config.h: what the options of `lstmd healthcheck` fill. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef HEALTHCHECK_CONFIG_H
#define HEALTHCHECK_CONFIG_H

#include <stdint.h>

struct healthcheck_config {
    const char *server, *ca_file, *tls_cert; /* NULL: not given */
    const char *host;
    int64_t port, timeout_seconds;
};

#endif
