/* router.c: matches paths to patterns. SPDX-License-Identifier: Apache-2.0 */
#include "server/router.h"

#include <stdio.h>
#include <string.h>

/* The parts that a pattern may name. */
static const struct part {
    const char *name;
    size_t offset, bytes; /* of the text in struct path_parts */
    bool digits;          /* nothing but decimal digits */
} parts_table[] = {
#define PART(field) offsetof(struct path_parts, field), sizeof((struct path_parts *)NULL)->field
    {"model", PART(model), false}, {"version", PART(version), true},
    {"label", PART(label), false}, {"session", PART(session), false},
    {"file", PART(file), false},
#undef PART
};

static const struct part *find_part(const char *name, size_t n)
{
    for (size_t k = 0; k < sizeof parts_table / sizeof *parts_table; k++) {
        const struct part *part = &parts_table[k];
        if (strlen(part->name) == n && memcmp(part->name, name, n) == 0)
            return part;
    }
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character at text[0..n), its escape decoded; *used bytes of text. -1: a bad escape. */
static int decode_character(const char *text, size_t n, size_t *used)
{
    *used = 1;
    if (text[0] != '%')
        return (unsigned char)text[0];
    if (n < 3)
        return -1;
    int high = hex_value(text[1]), low = hex_value(text[2]);
    *used = 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_allowed(int c, bool digits)
{
    if (digits)
        return c >= '0' && c <= '9';
    return c >= ' ' && c != 0x7F && c != '/';
}

/* Decodes text to the part's place. False: it cannot be such a part. */
static bool decode_part(const struct part *part, const char *text, size_t n,
                        struct path_parts *parts)
{
    char *out = (char *)parts + part->offset;
    size_t length = 0;
    for (size_t k = 0, used; k < n; k += used) {
        int c = decode_character(text + k, n - k, &used);
        if (!is_allowed(c, part->digits) || length + 1 >= part->bytes)
            return false;
        out[length++] = (char)c;
    }
    out[length] = '\0';
    return length > 0;
}

static bool match_path(const char *pattern, const char *path, struct path_parts *parts)
{
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t name = strcspn(pattern, "}"), n = strcspn(path, "/:");
        const struct part *part = find_part(pattern + 1, name - 1);
        if (part == NULL || !decode_part(part, path, n, parts))
            return false;
        pattern += name + 1;
        path += n;
    }
    return *path == '\0';
}

static void clear_parts(struct path_parts *parts)
{
    parts->model[0] = parts->version[0] = parts->label[0] = parts->session[0] = '\0';
    parts->file[0] = '\0';
}

static void add_method(char *allow, size_t allow_bytes, const char *method)
{
    size_t n = strlen(allow);
    snprintf(allow + n, allow_bytes - n, "%s%s", n > 0 ? ", " : "", method);
}

const struct route *router_match(const struct route *table, const char *method, const char *path,
                                 struct path_parts *parts, char *allow, size_t allow_bytes)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    allow[0] = '\0';
    for (const struct route *route = table; route->method != NULL; route++) {
        clear_parts(parts);
        if (!match_path(route->path, path, parts))
            continue;
        if (strcmp(route->method, wanted) == 0) {
            allow[0] = '\0';
            return route;
        }
        add_method(allow, allow_bytes, route->method);
    }
    clear_parts(parts);
    return NULL;
}
