/* tls.h: the server's certificate. tls.c is the one file that knows GnuTLS's certificates.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One certificate for the process: GnuTLS's callback carries no context. */
#ifndef TLS_H
#define TLS_H

#include "core/lstm.h"

/* Reads a certificate chain and its private key, both PEM, and serves them to new connections at
 * once; handshakes under way finish with what they began with. Files that did not change change
 * nothing. After an error, what was served before still is. IO, INVALID: the file, what is wrong.
 * One thread at a time. */
LSTM_MUST_CHECK enum lstm_status tls_load(const char *certificate_path, const char *key_path,
                                          struct lstm_error *error);

/* TLS 1.2 and 1.3, in GnuTLS's words. */
extern const char tls_priorities[];

/* A gnutls_certificate_retrieve_function2 for libmicrohttpd, which takes it as a variable argument;
 * its type would bring GnuTLS's headers along. */
void *tls_retrieve_function(void);

/* Frees all; no connection may be open. */
void tls_release(void);

#endif
