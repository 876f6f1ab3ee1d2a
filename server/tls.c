/* tls.c: certificates and keys by GnuTLS. SPDX-License-Identifier: Apache-2.0
 *
 * A handshake uses the credentials that it was given until it ends, and GnuTLS does not say when
 * that is. Replaced credentials therefore stay in the list until tls_release(); they are few, for a
 * certificate changes every few weeks. */
#include "server/tls.h"

#include <gnutls/abstract.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/log.h"
#include "server/text_file.h"

enum { MAX_CHAIN = 16, MAX_FILE_BYTES = 1024 * 1024 };

struct credentials {
    struct buf certificate_pem, key_pem;
    gnutls_pcert_st chain[MAX_CHAIN];
    unsigned n_chain;
    gnutls_privkey_t key;
    struct credentials *replaced; /* what was served before */
};

const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static _Atomic(struct credentials *) current;

/* On a thread of the HTTP library, for each handshake. */
static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                    gnutls_pcert_st **chain, unsigned *n_chain, gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)n_authorities;
    (void)algorithms;
    (void)n_algorithms;
    struct credentials *credentials = atomic_load(&current);
    *chain = credentials->chain;
    *n_chain = credentials->n_chain;
    *key = credentials->key;
    return 0;
}

void *tls_retrieve_function(void)
{
    return (void *)(uintptr_t)retrieve;
}

static void destroy(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    for (unsigned k = 0; k < credentials->n_chain; k++)
        gnutls_pcert_deinit(&credentials->chain[k]);
    if (credentials->key != NULL)
        gnutls_privkey_deinit(credentials->key);
    if (credentials->key_pem.data != NULL)
        gnutls_memset(credentials->key_pem.data, 0, credentials->key_pem.n);
    buf_release(&credentials->certificate_pem);
    buf_release(&credentials->key_pem);
    free(credentials);
}

static gnutls_datum_t datum(const struct buf *text)
{
    return (gnutls_datum_t){(unsigned char *)text->data, (unsigned)text->n};
}

static enum lstm_status parse_chain(struct credentials *credentials, const char *path,
                                    struct lstm_error *error)
{
    const gnutls_datum_t pem = datum(&credentials->certificate_pem);
    unsigned n = MAX_CHAIN;
    int code = gnutls_pcert_list_import_x509_raw(credentials->chain, &n, &pem, GNUTLS_X509_FMT_PEM,
                                                 GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (code < 0)
        return lstm_fail(error, LSTM_INVALID,
                         "%s: expected the server's certificate and then those that signed it, "
                         "at most %d, in PEM: %s",
                         path, MAX_CHAIN, gnutls_strerror(code));
    credentials->n_chain = n;
    return LSTM_OK;
}

static enum lstm_status parse_key(struct credentials *credentials, const char *path,
                                  struct lstm_error *error)
{
    const gnutls_datum_t pem = datum(&credentials->key_pem);
    int code = gnutls_privkey_init(&credentials->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(credentials->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code < 0)
        return lstm_fail(error, LSTM_INVALID,
                         "%s: expected a private key in PEM, not encrypted: %s", path,
                         gnutls_strerror(code));
    return LSTM_OK;
}

/* Whether the key is that of the first certificate. */
static bool is_pair(const struct credentials *credentials)
{
    unsigned char ids[2][32];
    size_t n[2] = {sizeof ids[0], sizeof ids[1]};
    gnutls_pubkey_t public;
    if (gnutls_pubkey_init(&public) < 0)
        return false;
    bool good = gnutls_pubkey_import_privkey(public, credentials->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, ids[0], &n[0]) == 0 &&
                gnutls_pubkey_get_key_id(credentials->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256,
                                         ids[1], &n[1]) == 0;
    gnutls_pubkey_deinit(public);
    return good && n[0] == n[1] && memcmp(ids[0], ids[1], n[0]) == 0;
}

static bool is_equal(const struct buf *a, const struct buf *b)
{
    return a->n == b->n && memcmp(a->data, b->data, a->n) == 0;
}

static bool is_unchanged(const struct credentials *fresh, const struct credentials *served)
{
    return served != NULL && is_equal(&fresh->certificate_pem, &served->certificate_pem) &&
           is_equal(&fresh->key_pem, &served->key_pem);
}

static enum lstm_status read_files(struct credentials *credentials, const char *certificate_path,
                                   const char *key_path, struct lstm_error *error)
{
    bool is_public;
    enum lstm_status status = text_file_read(certificate_path, MAX_FILE_BYTES,
                                             &credentials->certificate_pem, &is_public, error);
    if (status == LSTM_OK)
        status = text_file_read(key_path, MAX_FILE_BYTES, &credentials->key_pem, &is_public, error);
    if (status == LSTM_OK && is_public)
        log_warn("tls_key_public", L_STR("path", key_path),
                 L_STR("message", "every user of this machine may read the key; chmod o-r"));
    return status;
}

static enum lstm_status parse(struct credentials *credentials, const char *certificate_path,
                              const char *key_path, struct lstm_error *error)
{
    enum lstm_status status = parse_chain(credentials, certificate_path, error);
    if (status == LSTM_OK)
        status = parse_key(credentials, key_path, error);
    if (status == LSTM_OK && !is_pair(credentials))
        status = lstm_fail(error, LSTM_INVALID, "%s is not the private key of the certificate %s",
                           key_path, certificate_path);
    return status;
}

enum lstm_status tls_load(const char *certificate_path, const char *key_path,
                          struct lstm_error *error)
{
    struct credentials *served = atomic_load(&current);
    struct credentials *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the certificate");
    enum lstm_status status = read_files(fresh, certificate_path, key_path, error);
    if (status != LSTM_OK || is_unchanged(fresh, served))
        goto out;
    status = parse(fresh, certificate_path, key_path, error);
    if (status != LSTM_OK)
        goto out;
    fresh->replaced = served;
    atomic_store(&current, fresh);
    fresh = NULL;
out:
    destroy(fresh);
    return status;
}

void tls_release(void)
{
    struct credentials *credentials = atomic_exchange(&current, NULL);
    while (credentials != NULL) {
        struct credentials *replaced = credentials->replaced;
        destroy(credentials);
        credentials = replaced;
    }
}
