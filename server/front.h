/* front.h: what guards the server's door, as its options say: the socket, the certificate, API
 * keys, origins, the user that it runs as. SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONT_H
#define FRONT_H

#include <stdint.h>

#include "server/http.h"
#include "server/serve_config.h"

struct front {
    const struct serve_config *config;
    struct keys *keys; /* NULL: nobody needs one */
    struct cors *cors; /* NULL: no other site's pages are answered */
    bool is_tls;
    int fd; /* listens; -1 after front_serve() */
    uint16_t port;
};

/* Reads keys and certificate, listens, and then gives up root, if there is a --user. Before any
 * other thread and before any file that is not the operator's own. Warns in the log when anybody on
 * the network may use the server. *front is to be closed also after an error. */
LSTM_MUST_CHECK enum lstm_status front_open(const struct serve_config *config, struct front *front,
                                            struct lstm_error *error);

/* Starts serving `app` by the route table with n_threads I/O threads. */
LSTM_MUST_CHECK enum lstm_status front_serve(struct front *front, unsigned n_threads,
                                             struct app *app, struct http **http,
                                             struct lstm_error *error);

/* "http://127.0.0.1:8501" */
void front_url(const struct front *front, char *url, size_t url_bytes);

/* Read the files again; after an error what was there before stays. OK if there are none. */
LSTM_MUST_CHECK enum lstm_status front_reload_keys(struct front *front, struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status front_reload_certificate(struct front *front,
                                                          struct lstm_error *error);

/* After http_stop(). */
void front_close(struct front *front);

#endif
