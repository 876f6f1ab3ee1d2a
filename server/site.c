/* site.c: what Sec-Fetch-Site, Origin and Host tell. SPDX-License-Identifier: Apache-2.0 */
#include "server/site.h"

#include <string.h>
#include <strings.h>

/* Methods that change nothing; a page that may not read the answer gains nothing by them. */
static bool only_reads(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS"};
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
        if (strcmp(methods[k], method) == 0)
            return true;
    return false;
}

/* Browsers know best, and say it wherever the server's address is one they trust (https, or
 * localhost), also when a proxy gives the server another Host. */
static bool says_same_site(const char *fetch_site)
{
    return strcasecmp(fetch_site, "same-origin") == 0 || strcasecmp(fetch_site, "none") == 0;
}

/* Whether the origin's host and port are those that were asked. The scheme is a proxy's matter. */
static bool is_origin_of(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority != NULL && host != NULL && strcasecmp(authority + strlen("://"), host) == 0;
}

const char *site_foreign_field(const struct request *request)
{
    static const char by_fetch[] = "Sec-Fetch-Site", by_origin[] = "Origin";
    if (only_reads(request->method) || request->response.allow_origin != NULL)
        return NULL;
    const char *fetch_site = request->header(request, by_fetch);
    if (fetch_site != NULL)
        return says_same_site(fetch_site) ? NULL : by_fetch;
    const char *origin = request->header(request, by_origin);
    if (origin == NULL || is_origin_of(origin, request->header(request, "Host")))
        return NULL;
    return by_origin;
}

/* Numbers, or "[...]" of IPv6: whoever asks by address asked no name server. */
static bool is_address(const char *host, size_t n)
{
    return host[0] == '[' || strspn(host, "0123456789.") >= n;
}

/* Names without a dot, and below the domains that are no public ones (RFC 6761, RFC 6762, and
 * ICANN's reservation of "internal"). */
static bool is_private_name(const char *host, size_t n)
{
    static const char *const domains[] = {".localhost", ".local", ".internal"};
    for (size_t k = 0; k < sizeof domains / sizeof *domains; k++) {
        const size_t length = strlen(domains[k]);
        if (n > length && strncasecmp(host + n - length, domains[k], length) == 0)
            return true;
    }
    return memchr(host, '.', n) == NULL;
}

bool site_is_ours(const struct cors *origins, const char *host)
{
    if (host == NULL)
        return true;
    const size_t n = strcspn(host, ":");
    return is_address(host, n) || is_private_name(host, n) ||
           (origins != NULL && cors_has_host(origins, host));
}
