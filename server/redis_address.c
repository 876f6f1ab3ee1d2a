/* redis_address.c: redis:// addresses. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/redis.h"

enum { DEFAULT_PORT = 6379, MAX_PORT = 65535, MAX_DATABASE = 9999 };

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-decodes [from, to) into a text of `room` bytes. False: it does not fit, or is malformed.
 */
static bool decode(const char *from, const char *to, char *text, size_t room)
{
    size_t n = 0;
    while (from < to) {
        char c = *from++;
        if (c == '%') {
            if (to - from < 2 || digit_of(from[0]) < 0 || digit_of(from[1]) < 0)
                return false;
            c = (char)(digit_of(from[0]) * 16 + digit_of(from[1]));
            from += 2;
        }
        if (c == '\0' || n + 1 >= room)
            return false;
        text[n++] = c;
    }
    text[n] = '\0';
    return true;
}

/* A whole number that is all of [from, to). */
static bool read_number(const char *from, const char *to, unsigned most, unsigned *number)
{
    *number = 0;
    for (const char *c = from; c < to; c++) {
        if (!isdigit((unsigned char)*c) || *number > most)
            return false;
        *number = *number * 10 + (unsigned)(*c - '0');
    }
    return from < to && *number <= most;
}

/* host, host:port or [host]:port in [from, to). */
static bool read_host(const char *from, const char *to, struct redis_address *address)
{
    unsigned port = DEFAULT_PORT;
    const bool is_bracketed = from < to && *from == '[';
    const char *end = is_bracketed ? memchr(from, ']', (size_t)(to - from)) : NULL;
    const char *colon = NULL;
    if (is_bracketed && end == NULL)
        return false;
    if (!is_bracketed)
        colon = memchr(from, ':', (size_t)(to - from));
    else if (end + 1 < to)
        colon = end + 1;
    if (colon != NULL && (*colon != ':' || !read_number(colon + 1, to, MAX_PORT, &port)))
        return false;
    if (!is_bracketed)
        end = colon != NULL ? colon : to;
    address->port = (uint16_t)port;
    return port > 0 && decode(from + is_bracketed, end, address->host, sizeof address->host) &&
           address->host[0] != '\0';
}

/* user:password or :password in [from, to). */
static bool read_user(const char *from, const char *to, struct redis_address *address)
{
    const char *colon = memchr(from, ':', (size_t)(to - from));
    return colon != NULL && decode(from, colon, address->user, sizeof address->user) &&
           decode(colon + 1, to, address->password, sizeof address->password) &&
           address->password[0] != '\0';
}

enum lstm_status redis_address_read(const char *text, struct redis_address *address,
                                    struct lstm_error *error)
{
    static const char scheme[] = "redis://", with_tls[] = "rediss://";
    *address = (struct redis_address){.port = DEFAULT_PORT};
    if (strncmp(text, with_tls, sizeof with_tls - 1) == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "rediss:// is not spoken: let a TLS tunnel (stunnel, a sidecar) listen on "
                         "this machine, and give its address as redis://");
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return lstm_fail(error, LSTM_INVALID,
                         "expected memory, or redis://[user:password@]host[:port][/database]");
    const char *from = text + sizeof scheme - 1;
    const char *slash = strchr(from, '/');
    const char *to = slash != NULL ? slash : from + strlen(from);
    const char *sign = memrchr(from, '@', (size_t)(to - from));
    if (sign != NULL && !read_user(from, sign, address))
        return lstm_fail(error, LSTM_INVALID,
                         "before the @: expected user:password or :password, percent-encoded "
                         "where they have / @ : or %%");
    if (!read_host(sign != NULL ? sign + 1 : from, to, address))
        return lstm_fail(error, LSTM_INVALID,
                         "expected a host, and behind a colon a port from 1 to %d", MAX_PORT);
    if (slash != NULL && slash[1] != '\0' &&
        !read_number(slash + 1, slash + strlen(slash), MAX_DATABASE, &address->database))
        return lstm_fail(error, LSTM_INVALID,
                         "behind the host's /: expected the number of a database, at most %d",
                         MAX_DATABASE);
    return LSTM_OK;
}
