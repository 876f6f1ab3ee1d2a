/* cmd_healthcheck.c: `lstmd healthcheck`: whether a server is ready, for containers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the server's own variables or file say where it listens, no argument is needed. HTTP is
 * asked over a plain socket, since an image that only serves has no libcurl; HTTPS needs it. */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"
#include "server/client_config.h"
#include "server/clock.h"
#include "server/commands.h"
#include "server/healthcheck_config.h"
#include "server/http_client.h"

#define READY "/v2/health/ready"

enum { URL_BYTES = 512, MAX_ANSWER = 4096 };

#define FIELD(name) offsetof(struct healthcheck_config, name)

const struct option healthcheck_options[] = {
    {"ca-file", OPTION_TEXT, FIELD(ca_file), .value = "FILE",
     .help = "certificates in PEM to trust instead of the system's; with --tls-cert: that one"},
    {"host", OPTION_TEXT, FIELD(host), "127.0.0.1", .value = "ADDRESS",
     .help = "address that the server listens on; 0.0.0.0 or ::, all, is asked on the loopback"},
    {"port", OPTION_INTEGER, FIELD(port), "8501", 1, 65535, .value = "N",
     .help = "port that it listens on"},
    {"server", OPTION_TEXT, FIELD(server), .value = "URL",
     .help = "server to ask, http or https, instead of host and port; https needs libcurl"},
    {"timeout-seconds", OPTION_INTEGER, FIELD(timeout_seconds), "5", 1, 3600, .value = "N",
     .help = "seconds that the answer may take"},
    {"tls-cert", OPTION_TEXT, FIELD(tls_cert), .value = "FILE",
     .help = "certificate of the server: given, host and port are asked by https"},
    {0}};

static void write_url(const struct healthcheck_config *config, char url[URL_BYTES])
{
    const char *host = config->host;
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    const bool is_bracketed = strchr(host, ':') != NULL;
    snprintf(url, URL_BYTES, "%s://%s%.255s%s:%" PRId64,
             config->tls_cert != NULL ? "https" : "http", is_bracketed ? "[" : "", host,
             is_bracketed ? "]" : "", config->port);
}

/* ---- HTTPS ----------------------------------------------------------------------------------- */

/* The certificate is the server's own, and its names need not be those of the loopback: trusting it
 * alone is enough only if it has them, so it should. */
static enum lstm_status ask_with_tls(const struct healthcheck_config *config, const char *url,
                                     struct lstm_error *error)
{
    const struct client_config client = {.server = url,
                                         .ca_file = config->ca_file != NULL ? config->ca_file
                                                                            : config->tls_cert,
                                         .timeout_seconds = config->timeout_seconds};
    const struct http_client_request request = {.path = READY};
    struct http_client *connection;
    struct buf answer;
    enum lstm_status status = http_client_create(&client, &connection, error);
    if (status != LSTM_OK)
        return status;
    buf_init(&answer, MAX_ANSWER);
    status = http_client_ask(connection, &request, &answer, error);
    buf_release(&answer);
    http_client_destroy(connection);
    return status;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

/* http://host[:port], and nothing behind it but a slash. */
static enum lstm_status read_url(const char *url, char host[256], char port[8],
                                 struct lstm_error *error)
{
    static const char scheme[] = "http://";
    const char *from = url + sizeof scheme - 1;
    const bool is_http = strncmp(url, scheme, sizeof scheme - 1) == 0;
    const bool is_bracketed = is_http && *from == '[';
    from += is_bracketed;
    const size_t n = is_http ? strcspn(from, is_bracketed ? "]" : ":/") : 0;
    const char *rest = from + n + (is_bracketed && from[n] == ']');
    if (n == 0 || n >= 256)
        return lstm_fail(
            error, LSTM_INVALID,
            "--server: expected http://host:port or https://host:port, found \"%.60s\"", url);
    memcpy(host, from, n);
    host[n] = '\0';
    snprintf(port, 8, "80");
    if (*rest == ':') {
        const size_t digits = strspn(rest + 1, "0123456789");
        if (digits == 0 || digits > 5)
            return lstm_fail(error, LSTM_INVALID, "--server: expected a port behind \"%.60s:\"",
                             host);
        snprintf(port, 8, "%.*s", (int)digits, rest + 1);
        rest += 1 + digits;
    }
    if (*rest != '\0' && strcmp(rest, "/") != 0)
        return lstm_fail(error, LSTM_INVALID, "--server: expected nothing behind the port of %.60s",
                         url);
    return LSTM_OK;
}

/* Sends and reads until the other end closes, the room is full or the time is over. Returns how
 * much came; < 0: errno. */
static ssize_t exchange(int fd, const char *request, char *answer, size_t room, int64_t until_us)
{
    size_t n = 0;
    ssize_t got = send(fd, request, strlen(request), MSG_NOSIGNAL);
    while (got > 0 && n < room) {
        if (monotonic_us() >= until_us) {
            errno = EAGAIN;
            return -1;
        }
        got = recv(fd, answer + n, room - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? got : (ssize_t)n;
}

/* The first address that takes the connection; < 0: errno. */
static int connect_to(const struct addrinfo *addresses, int64_t seconds)
{
    const struct timeval timeout = {.tv_sec = seconds};
    for (; addresses != NULL; addresses = addresses->ai_next) {
        const int fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        if (connect(fd, addresses->ai_addr, addresses->ai_addrlen) == 0)
            return fd;
        const int failed = errno;
        close(fd);
        errno = failed;
    }
    return -1;
}

/* What an answer says: 200, or else its status and the body's sentence. */
static enum lstm_status judge(const char *url, const char *answer, struct lstm_error *error)
{
    static const char version[] = "HTTP/1.1 ";
    if (strncmp(answer, version, sizeof version - 1) != 0)
        return lstm_fail(error, LSTM_INVALID, "%s answers what is no HTTP", url);
    const char *status = answer + sizeof version - 1;
    if (strncmp(status, "200 ", 4) == 0)
        return LSTM_OK;
    const char *body = strstr(answer, "\r\n\r\n");
    return lstm_fail(error, LSTM_INVALID, "%s is not ready: %.3s %.300s", url, status,
                     body != NULL ? body + 4 : "");
}

static enum lstm_status ask(const char *url, int64_t seconds, struct lstm_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const int64_t until_us = monotonic_us() + seconds * 1000000;
    struct addrinfo *addresses;
    char host[256], port[8], request[512], answer[MAX_ANSWER + 1];
    const enum lstm_status status = read_url(url, host, port, error);
    if (status != LSTM_OK)
        return status;
    const int unknown = getaddrinfo(host, port, &hints, &addresses);
    if (unknown != 0)
        return lstm_fail(error, LSTM_IO, "%s: %s", url, gai_strerror(unknown));
    const int fd = connect_to(addresses, seconds);
    freeaddrinfo(addresses);
    if (fd < 0)
        return lstm_fail(error, LSTM_IO, "%s: %s", url,
                         errno == EINPROGRESS ? "no answer in time" : strerror(errno));
    snprintf(request, sizeof request,
             "GET " READY " HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    const ssize_t n = exchange(fd, request, answer, MAX_ANSWER, until_us);
    const int failed = errno;
    close(fd);
    if (n < 0)
        return lstm_fail(error, LSTM_IO, "%s: %s", url,
                         failed == EAGAIN ? "no answer in time" : strerror(failed));
    answer[n] = '\0';
    return judge(url, answer, error);
}

int cmd_healthcheck(const void *options, size_t n_arguments, char *const *arguments)
{
    const struct healthcheck_config *config = options;
    char url[URL_BYTES];
    struct lstm_error error;
    (void)n_arguments;
    (void)arguments;
    if (config->server != NULL)
        snprintf(url, sizeof url, "%s", config->server);
    else
        write_url(config, url);
    const enum lstm_status status = strncmp(url, "https://", 8) == 0
                                        ? ask_with_tls(config, url, &error)
                                        : ask(url, config->timeout_seconds, &error);
    if (status == LSTM_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "lstmd: %s\n", error.text);
    return EXIT_FAILURE;
}
