/* raw_client.h: an HTTP client that sends exactly the bytes it is given.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whatever fails, or takes longer than PATIENCE_MS, fails the test. */
#ifndef RAW_CLIENT_H
#define RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_client {
    int fd;
    size_t n; /* bytes received and not yet taken by raw_client_receive() */
    char received[64 * 1024];
};

struct raw_answer {
    int status;
    char head[4096]; /* status line and fields */
    size_t body_bytes;
    char body[32 * 1024]; /* and a NUL */
};

void raw_client_connect(struct raw_client *client, uint16_t port);
void raw_client_send(struct raw_client *client, const char *bytes, size_t n);
void raw_client_send_text(struct raw_client *client, const char *text);

/* The next answer; that to a HEAD has no body, whatever its Content-Length. */
void raw_client_receive(struct raw_client *client, struct raw_answer *answer, bool to_head);

/* send_text() and receive(). */
void raw_client_ask(struct raw_client *client, const char *text, struct raw_answer *answer);

/* Whether the server has closed its side, with nothing left to receive; waits for either. */
bool raw_client_is_closed(struct raw_client *client);
void raw_client_close(struct raw_client *client);

/* The value of a field of the answer, valid until the next call; NULL if it has none. */
const char *raw_answer_field(const struct raw_answer *answer, const char *name);

#endif
