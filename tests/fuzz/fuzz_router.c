/* fuzz_router.c: what a path's parts decode to is clean, and finds the same route when it is
 * written as a path again. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"};
enum { N_METHODS = sizeof methods / sizeof *methods };

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_part(const char *text, size_t bytes)
{
    require(memchr(text, '\0', bytes) != NULL);
    for (; *text != '\0'; text++)
        require((unsigned char)*text >= ' ' && *text != 0x7F && *text != '/');
}

static const char *find_part(const struct path_parts *parts, const char *pattern)
{
    const struct {
        const char *name, *text;
    } table[] = {{"{model}", parts->model},
                 {"{version}", parts->version},
                 {"{label}", parts->label},
                 {"{session}", parts->session},
                 {"{file}", parts->file}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (strncmp(pattern, table[k].name, strlen(table[k].name)) == 0)
            return table[k].text;
    abort();
}

/* The route's path with these parts; every byte of a part escaped, but for digits. */
static void write_path(const struct route *route, const struct path_parts *parts, char *out)
{
    for (const char *p = route->path; *p != '\0'; p++) {
        if (*p != '{') {
            *out++ = *p;
            continue;
        }
        const char *part = find_part(parts, p);
        require(*part != '\0');
        for (; *part != '\0'; part++)
            out += *part >= '0' && *part <= '9'
                       ? sprintf(out, "%c", *part)
                       : sprintf(out, "%%%02X", (unsigned)(unsigned char)*part);
        p = strchr(p, '}');
    }
    *out = '\0';
}

static void check_match(const struct route *route, const char *method,
                        const struct path_parts *parts)
{
    char path[2048], allow[64];
    struct path_parts again;
    check_part(parts->model, sizeof parts->model);
    check_part(parts->version, sizeof parts->version);
    check_part(parts->label, sizeof parts->label);
    check_part(parts->session, sizeof parts->session);
    check_part(parts->file, sizeof parts->file);
    require(strspn(parts->version, "0123456789") == strlen(parts->version));
    write_path(route, parts, path);
    require(router_match(routes, method, path, &again, allow, sizeof allow) == route);
    require(strcmp(parts->model, again.model) == 0 && strcmp(parts->version, again.version) == 0);
    require(strcmp(parts->label, again.label) == 0 && strcmp(parts->session, again.session) == 0);
    require(strcmp(parts->file, again.file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *const path = malloc(size), allow[64];
    struct path_parts parts;
    require(path != NULL);
    memcpy(path, data + 1, size - 1);
    path[size - 1] = '\0';
    const char *const method = methods[data[0] % N_METHODS];
    const struct route *route = router_match(routes, method, path, &parts, allow, sizeof allow);
    require(strlen(allow) < sizeof allow);
    if (route != NULL) {
        require(allow[0] == '\0');
        check_match(route, method, &parts);
    } else {
        require(parts.model[0] == '\0' && strstr(allow, method) == NULL);
    }
    free(path);
    return 0;
}
