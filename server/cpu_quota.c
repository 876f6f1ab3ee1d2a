/* cpu_quota.c: cpu.max of control groups. SPDX-License-Identifier: Apache-2.0 */
#include "server/cpu_quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the second generation, which has one line in the file of a process's groups. */
#define GROUP_PREFIX "0::"

/* The first line that begins so, without its end. */
static bool read_line(const char *path, const char *prefix, char line[PATH_MAX])
{
    FILE *file = fopen(path, "re");
    bool is_found = false;
    while (file != NULL && !is_found && fgets(line, PATH_MAX, file) != NULL)
        is_found = strncmp(line, prefix, strlen(prefix)) == 0;
    if (file != NULL)
        fclose(file);
    if (is_found)
        line[strcspn(line, "\n")] = '\0';
    return is_found;
}

/* Of "QUOTA PERIOD", both in microseconds, or "max PERIOD". */
static unsigned n_cores_of(const char *text)
{
    char *end;
    const unsigned long long quota = strtoull(text, &end, 10);
    const unsigned long long period = strtoull(end, NULL, 10);
    if (quota == 0 || period == 0 || quota / period >= UINT_MAX)
        return UINT_MAX;
    return (unsigned)((quota - 1) / period + 1);
}

static unsigned n_cores_of_group(const char *groups, const char *group)
{
    char path[PATH_MAX], text[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s%s/cpu.max", groups, group);
    if (length < 0 || (size_t)length >= sizeof path || !read_line(path, "", text))
        return UINT_MAX;
    return n_cores_of(text);
}

unsigned cpu_quota_n_cores(const char *groups, const char *own)
{
    char line[PATH_MAX];
    if (!read_line(own, GROUP_PREFIX, line))
        return UINT_MAX;
    char *group = line + strlen(GROUP_PREFIX);
    unsigned least = UINT_MAX;
    for (char *end = group + strlen(group); end != NULL; end = strrchr(group, '/')) {
        *end = '\0';
        const unsigned n_cores = n_cores_of_group(groups, group);
        least = n_cores < least ? n_cores : least;
    }
    return least;
}
