/* http_head.c: looks through the lines. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *http_head_field(const char *head, const char *name)
{
    static char value[256];
    const size_t n = strlen(name);
    const char *line = strstr(head, "\r\n");
    for (; line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
            continue;
        const char *text = line + 2 + n + 1;
        text += strspn(text, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(text, "\r"), text);
        return value;
    }
    return NULL;
}
