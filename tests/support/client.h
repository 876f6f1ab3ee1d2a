/* client.h: a small HTTP client on libcurl, one connection each that is kept alive.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For requests that no proper client would send there is raw_client.h. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client {
    void *curl;
    char url[64];
};

/* Zero means: GET, without a body, the Content-Type that curl gives a POST. */
struct client_request {
    const char *method;       /* NULL: POST if there is a body, else GET */
    const char *path;         /* "/v1/models", with its query */
    const char *content_type; /* "": send none */
    const char *field;        /* one more header field, "X-Request-Id: a"; NULL: none */
    const void *body;
    size_t body_bytes;
    bool chunked; /* send no Content-Length */
};

struct client_answer {
    int status;          /* 0: there is no whole answer */
    const char *failure; /* why, in words; static */
    bool began;          /* a part of an answer came */
    bool reconnected;    /* on a connection made for it */
    char *head, *body;   /* new; NUL-terminated */
    size_t head_bytes, body_bytes;
};

/* base: "http://127.0.0.1:8501", copied. */
void client_init(struct client *client, const char *base);
void client_release(struct client *client);

/* Sends and waits for the answer, which is to be released. client_ask() aborts the test if there
 * is no whole answer; client_try() leaves status 0 and may be called by any thread. */
void client_ask(struct client *client, const struct client_request *request,
                struct client_answer *answer);
void client_try(struct client *client, const struct client_request *request,
                struct client_answer *answer);

/* client_ask() for what most tests ask. */
void client_get(struct client *client, const char *path, struct client_answer *answer);
void client_post(struct client *client, const char *path, const char *json,
                 struct client_answer *answer);

void client_answer_release(struct client_answer *answer);

/* The value of a field of the answer's head, valid until the next call; NULL if it has none. */
const char *client_answer_field(const struct client_answer *answer, const char *name);

#endif
