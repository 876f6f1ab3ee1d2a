/* client_config.h: what the options of the commands that ask a running server fill.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_CONFIG_H
#define CLIENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct client_config {
    const char *server, *api_key_file, *ca_file; /* the files: NULL: none */
    int64_t timeout_seconds;
    const char *model; /* predict, state */
    bool json;
    double interval; /* top */
    bool once;
};

#endif
