/* tls_client.h: throw-away certificates, and a client that looks at the one it is shown.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* Writes a new self-signed certificate of this name and of 127.0.0.1, and its key, in PEM. */
void certificate_write(const char *common_name, const char *certificate_path, const char *key_path);

struct tls_client {
    int fd;
    void *session, *credentials; /* GnuTLS's */
    char common_name[128];       /* of the server's certificate */
    char protocol[16];           /* "TLS1.3" */
};

/* A handshake with 127.0.0.1 that trusts any certificate. priorities: in GnuTLS's words; NULL: its
 * own. A failure fails the test. */
void tls_client_connect(struct tls_client *client, uint16_t port, const char *priorities);

/* The same; returns GnuTLS's error if the handshake fails, and then `client` is closed. */
int tls_client_try(struct tls_client *client, uint16_t port, const char *priorities);

/* Sends a request and receives an answer whose body is one flat JSON object: until its brace. */
void tls_client_ask(struct tls_client *client, const char *request, char *answer, size_t room);

void tls_client_close(struct tls_client *client);

#endif
