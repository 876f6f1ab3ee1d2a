/* cors.c: a list of origins. SPDX-License-Identifier: Apache-2.0 */
#include "server/cors.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/status.h"

struct cors {
    bool any;
    size_t n;
    const char **origins; /* into text */
    char *text;
};

/* More than a name in the DNS, with scheme and port: the origin must fit into an answer. */
enum { MAX_ORIGIN = 300 };

/* "https://a.example:8443": a scheme and a host, and no path. */
static bool is_origin(const char *text)
{
    const char *host = strstr(text, "://");
    if (host == NULL || host == text || strlen(text) > MAX_ORIGIN)
        return false;
    for (const char *c = text; c < host; c++) {
        if (!islower((unsigned char)*c))
            return false;
    }
    host += strlen("://");
    return *host != '\0' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") == strlen(host);
}

/* Cuts cors->text at its commas. */
static enum lstm_status split(struct cors *cors, struct lstm_error *error)
{
    char *rest = cors->text, *entry;
    while ((entry = strsep(&rest, ",")) != NULL) {
        entry += strspn(entry, " ");
        if (!is_origin(entry))
            return lstm_fail(error, LSTM_INVALID,
                             "\"%.60s\" is no origin; expected \"*\" or a list like "
                             "https://a.example,http://localhost:3000, in lower case and without "
                             "paths",
                             entry);
        cors->origins[cors->n++] = entry;
    }
    return LSTM_OK;
}

enum lstm_status cors_create(const char *text, struct cors **out, struct lstm_error *error)
{
    enum lstm_status status;
    *out = NULL;
    struct cors *cors = calloc(1, sizeof *cors);
    if (cors == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the origins");
    cors->any = strcmp(text, "*") == 0;
    cors->text = strdup(text);
    cors->origins = calloc(strlen(text) + 1, sizeof *cors->origins);
    if (cors->text == NULL || cors->origins == NULL)
        status = lstm_fail(error, LSTM_NO_MEMORY, "no memory for the origins");
    else
        status = cors->any ? LSTM_OK : split(cors, error);
    if (status == LSTM_OK)
        *out = cors;
    else
        cors_destroy(cors);
    return status;
}

const char *cors_allow(const struct cors *cors, const char *origin)
{
    if (origin == NULL)
        return NULL;
    if (cors->any)
        return "*";
    for (size_t k = 0; k < cors->n; k++) {
        if (strcmp(cors->origins[k], origin) == 0)
            return cors->origins[k];
    }
    return NULL;
}

bool cors_has_host(const struct cors *cors, const char *host)
{
    for (size_t k = 0; k < cors->n; k++) {
        if (strcasecmp(strstr(cors->origins[k], "://") + strlen("://"), host) == 0)
            return true;
    }
    return cors->any;
}

bool cors_varies(const struct cors *cors)
{
    return !cors->any;
}

void cors_destroy(struct cors *cors)
{
    if (cors == NULL)
        return;
    free(cors->origins);
    free(cors->text);
    free(cors);
}
