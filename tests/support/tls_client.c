/* tls_client.c: GnuTLS from the other side. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/patience.h"
#include "tests/support/temp_folder.h"

enum { DAY = 24 * 3600 };

static void assert_good(int code)
{
    ck_assert_msg(code >= 0, "GnuTLS: %s", gnutls_strerror(code));
}

void certificate_write(const char *common_name, const char *certificate_path, const char *key_path)
{
    static const unsigned char loopback[] = {127, 0, 0, 1};
    static unsigned char serial;
    unsigned char number = ++serial;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t pem;
    assert_good(gnutls_x509_privkey_init(&key));
    assert_good(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    assert_good(gnutls_x509_crt_init(&certificate));
    assert_good(gnutls_x509_crt_set_version(certificate, 3));
    assert_good(gnutls_x509_crt_set_serial(certificate, &number, 1));
    assert_good(gnutls_x509_crt_set_activation_time(certificate, time(NULL) - DAY));
    assert_good(gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + DAY));
    assert_good(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                              common_name, (unsigned)strlen(common_name)));
    assert_good(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, loopback,
                                                     sizeof loopback, GNUTLS_FSAN_SET));
    assert_good(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, common_name,
                                                     (unsigned)strlen(common_name),
                                                     GNUTLS_FSAN_APPEND));
    assert_good(gnutls_x509_crt_set_key(certificate, key));
    assert_good(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0));

    assert_good(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem));
    temp_file_write(certificate_path, pem.data, pem.size);
    gnutls_free(pem.data);
    assert_good(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    temp_file_write(key_path, pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void read_common_name(gnutls_session_t session, char *out, size_t room)
{
    unsigned n;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    gnutls_x509_crt_t certificate;
    ck_assert_ptr_nonnull(chain);
    assert_good(gnutls_x509_crt_init(&certificate));
    assert_good(gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER));
    assert_good(
        gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &room));
    gnutls_x509_crt_deinit(certificate);
}

int tls_client_try(struct tls_client *client, uint16_t port, const char *priorities)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    int code;
    client->fd = connect_to(port);
    assert_good(gnutls_certificate_allocate_credentials(&credentials));
    assert_good(gnutls_init(&session, GNUTLS_CLIENT));
    client->session = session;
    client->credentials = credentials;
    assert_good(priorities != NULL ? gnutls_priority_set_direct(session, priorities, NULL)
                                   : gnutls_set_default_priority(session));
    assert_good(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials));
    gnutls_transport_set_int(session, client->fd);
    gnutls_handshake_set_timeout(session, PATIENCE_MS);
    do
        code = gnutls_handshake(session);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    if (code < 0) {
        tls_client_close(client);
        return code;
    }
    read_common_name(session, client->common_name, sizeof client->common_name);
    const char *protocol = gnutls_protocol_get_name(gnutls_protocol_get_version(session));
    snprintf(client->protocol, sizeof client->protocol, "%s", protocol);
    return 0;
}

void tls_client_connect(struct tls_client *client, uint16_t port, const char *priorities)
{
    assert_good(tls_client_try(client, port, priorities));
}

void tls_client_ask(struct tls_client *client, const char *request, char *answer, size_t room)
{
    size_t n = 0;
    gnutls_record_set_timeout(client->session, PATIENCE_MS);
    assert_good((int)gnutls_record_send(client->session, request, strlen(request)));
    answer[0] = '\0';
    while (strchr(answer, '}') == NULL) {
        ssize_t more = gnutls_record_recv(client->session, answer + n, room - 1 - n);
        if (more == GNUTLS_E_AGAIN || more == GNUTLS_E_INTERRUPTED)
            continue;
        ck_assert_msg(more > 0, "no whole answer: '%s' %s", answer, gnutls_strerror((int)more));
        n += (size_t)more;
        answer[n] = '\0';
    }
}

void tls_client_close(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    close(client->fd);
}
