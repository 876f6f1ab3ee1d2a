/* http_fields.c: the texts of header fields. SPDX-License-Identifier: Apache-2.0
 *
 * Every request passes here, so that no common field is formatted with printf. */
#include "server/http_fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/lstm.h"
#include "server/clock.h"

/* A new identifier's bits. Generators are seeded by the kernel, one for each thread. */
static uint64_t draw(void)
{
    static _Thread_local struct lstm_random generator;
    static _Thread_local bool seeded;
    if (!seeded) {
        uint64_t seed[2];
        if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
            seed[0] = (uint64_t)monotonic_us();
            seed[1] = (uint64_t)(uintptr_t)&generator;
        }
        lstm_random_init(&generator, seed[0], seed[1]);
        seeded = true;
    }
    return lstm_random_bits(&generator);
}

static void make_id(char id[65])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = draw();
    for (size_t k = 0; k < 16; k++, bits >>= 4)
        id[k] = digits[bits & 15];
    id[16] = '\0';
}

void http_fields_id(char id[65], const char *given)
{
    size_t n = 0;
    for (; given != NULL && *given != '\0' && n < 64; given++) {
        if (*given > ' ' && *given <= '~' && *given != '"' && *given != '\'' && *given != '\\')
            id[n++] = *given;
    }
    id[n] = '\0';
    if (n == 0)
        make_id(id);
}

void http_fields_media_type(char *out, size_t out_bytes, const char *field)
{
    size_t n = 0;
    for (; field != NULL && *field != '\0' && *field != ';' && n + 1 < out_bytes; field++) {
        if (*field != ' ' && *field != '\t')
            out[n++] = (char)tolower((unsigned char)*field);
    }
    out[n] = '\0';
}

size_t http_fields_length(const char *field)
{
    if (field == NULL || !isdigit((unsigned char)*field))
        return 0;
    errno = 0;
    unsigned long long length = strtoull(field, NULL, 10);
    return errno != 0 || length > SIZE_MAX ? SIZE_MAX : (size_t)length;
}

static char *put(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

static char *put_milliseconds(char *out, int64_t us)
{
    char digits[24];
    size_t n = 0;
    /* From the last digit to the first: three behind the point, at least one before it. */
    for (; n < 5 || us > 0; us /= 10) {
        if (n == 3)
            digits[n++] = '.';
        digits[n++] = (char)('0' + us % 10);
    }
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

void http_fields_timing(const struct request *request, int64_t total_us,
                        char out[SERVER_TIMING_BYTES])
{
    const struct {
        const char *name;
        int64_t us;
    } parts[] = {
        {"decode;dur=", request->decode_us},
        {"queue;dur=", request->queue_us},
        {"compute;dur=", request->compute_us},
        {"encode;dur=", request->encode_us},
    };
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        if (parts[k].us <= 0)
            continue;
        out = put(out, parts[k].name);
        out = put_milliseconds(out, parts[k].us);
        out = put(out, ", ");
    }
    out = put(out, "total;dur=");
    out = put_milliseconds(out, total_us > 0 ? total_us : 0);
    *out = '\0';
}

static void add(struct http_fields *out, const char *name, const char *value)
{
    out->field[out->n].name = name;
    out->field[out->n].value = value;
    out->n++;
}

/* What lets a page of another site read the answer. */
static void add_cors(const struct response *response, struct http_fields *out)
{
    if (response->varies)
        add(out, "Vary", "Origin");
    if (response->allow_origin == NULL)
        return;
    add(out, "Access-Control-Allow-Origin", response->allow_origin);
    add(out, "Access-Control-Expose-Headers", "X-Request-Id, Server-Timing, Retry-After");
    if (!response->preflight)
        return;
    add(out, "Access-Control-Allow-Methods", response->allow);
    add(out, "Access-Control-Allow-Headers",
        "Content-Type, Authorization, X-API-Key, X-Request-Id, X-Request-Timeout-Ms");
    add(out, "Access-Control-Max-Age", "600");
}

void http_fields_answer(const struct request *request, int64_t total_us, struct http_fields *out)
{
    const struct response *response = &request->response;
    out->n = 0;
    http_fields_timing(request, total_us, out->timing);
    if (response->status != 204)
        add(out, "Content-Type",
            response->content_type ? response->content_type : "application/json");
    add(out, "X-Request-Id", request->id);
    add(out, "Server-Timing", out->timing);
    if (response->allow[0] != '\0')
        add(out, "Allow", response->allow);
    if (response->retry_after_s > 0) {
        snprintf(out->seconds, sizeof out->seconds, "%d", response->retry_after_s);
        add(out, "Retry-After", out->seconds);
    }
    if (response->closes)
        add(out, "Connection", "close");
    if (response->status == 401)
        add(out, "WWW-Authenticate", "Bearer realm=\"lstmd\"");
    add_cors(response, out);
    for (size_t k = 0; k < response->n_fields; k++)
        add(out, response->fields[k].name, response->fields[k].value);
}
