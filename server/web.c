/* web.c: finds the demo page's files. SPDX-License-Identifier: Apache-2.0 */
#include "server/web.h"

#include <string.h>

static const struct {
    const char *ending, *content_type;
} types[] = {{".css", "text/css; charset=utf-8"},
             {".html", "text/html; charset=utf-8"},
             {".js", "text/javascript; charset=utf-8"},
             {".svg", "image/svg+xml"}};

const struct web_file *web_find(const char *name)
{
    for (const struct web_file *file = web_files; file->name != NULL; file++)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

const char *web_content_type(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t k = 0; ending != NULL && k < sizeof types / sizeof *types; k++)
        if (strcmp(types[k].ending, ending) == 0)
            return types[k].content_type;
    return NULL;
}
