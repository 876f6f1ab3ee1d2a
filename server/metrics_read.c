/* metrics_read.c: lines to numbers, and what grew between two readings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* A series' value stands behind the last space: label values may have spaces, too. */
static bool read_line(char *text, struct metric_line *line)
{
    char *const space = strrchr(text, ' '), *end;
    if (text[0] == '#' || space == NULL || space == text)
        return false;
    const double value = strtod(space + 1, &end);
    if (end == space + 1 || *end != '\0')
        return false;
    *space = '\0';
    *line = (struct metric_line){.series = text, .name_bytes = strcspn(text, "{"), .value = value};
    return true;
}

enum lstm_status metrics_read(struct buf *text, struct metrics_reading *reading,
                              struct lstm_error *error)
{
    *reading = (struct metrics_reading){.text = *text};
    *text = (struct buf){.limit = text->limit};
    if (reading->text.n == 0)
        return LSTM_OK;
    reading->lines = calloc(count_lines(reading->text.data), sizeof *reading->lines);
    if (reading->lines == NULL) {
        metrics_reading_release(reading);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for metrics");
    }
    for (char *at = reading->text.data, *next; at != NULL; at = next) {
        next = strchr(at, '\n');
        if (next != NULL)
            *next++ = '\0';
        reading->n += read_line(at, &reading->lines[reading->n]);
    }
    return LSTM_OK;
}

void metrics_reading_release(struct metrics_reading *reading)
{
    buf_release(&reading->text);
    free(reading->lines);
    *reading = (struct metrics_reading){0};
}

bool metric_line_is(const struct metric_line *line, const char *name)
{
    return strlen(name) == line->name_bytes && memcmp(line->series, name, line->name_bytes) == 0;
}

/* The first character of a label's value, and its length; NULL: there is none. */
static const char *find_label(const struct metric_line *line, const char *label, size_t *n)
{
    const char *at = line->series + line->name_bytes;
    while (*at == '{' || *at == ',') {
        const char *const name = at + 1;
        const size_t name_bytes = strcspn(name, "=");
        if (name[name_bytes] != '=' || name[name_bytes + 1] != '"')
            return NULL;
        const char *const value = name + name_bytes + 2;
        for (at = value; *at != '\0' && *at != '"'; at++)
            at += *at == '\\' && at[1] != '\0';
        *n = (size_t)(at - value);
        if (strlen(label) == name_bytes && memcmp(name, label, name_bytes) == 0)
            return value;
        at += *at == '"';
    }
    return NULL;
}

void metric_line_label(const struct metric_line *line, const char *label, char *out, size_t room)
{
    size_t n = 0;
    const char *const value = find_label(line, label, &n);
    snprintf(out, room, "%.*s", value == NULL ? 0 : (int)n, value == NULL ? "" : value);
}

double metric_line_growth(const struct metric_line *line, const struct metrics_reading *before)
{
    for (size_t i = 0; i < before->n; i++)
        if (strcmp(before->lines[i].series, line->series) == 0) {
            const double growth = line->value - before->lines[i].value;
            return growth < 0 ? line->value : growth;
        }
    return line->value;
}

/* Adds to the bucket of this bound, which is made if there is none. */
static void add_bucket(struct metric_growth *growth, double bound, double count)
{
    size_t k = growth->n;
    for (size_t i = 0; i < growth->n; i++)
        if (growth->bounds[i] == bound) {
            growth->counts[i] += count;
            return;
        }
    if (growth->n == METRIC_MAX_BOUNDS)
        return;
    for (growth->n++; k > 0 && growth->bounds[k - 1] > bound; k--) {
        growth->bounds[k] = growth->bounds[k - 1];
        growth->counts[k] = growth->counts[k - 1];
    }
    growth->bounds[k] = bound;
    growth->counts[k] = count;
}

void metrics_growth_of(const struct metrics_reading *now, const struct metrics_reading *before,
                       const char *name, bool (*is_wanted)(const struct metric_line *line),
                       struct metric_growth *growth)
{
    char bucket[128], bound[32];
    snprintf(bucket, sizeof bucket, "%s_bucket", name);
    growth->n = 0;
    for (size_t i = 0; i < now->n; i++) {
        const struct metric_line *const line = &now->lines[i];
        if (!metric_line_is(line, bucket) || (is_wanted != NULL && !is_wanted(line)))
            continue;
        metric_line_label(line, "le", bound, sizeof bound);
        add_bucket(growth, strtod(bound, NULL), metric_line_growth(line, before)); /* "+Inf", too */
    }
    for (size_t k = growth->n; k-- > 1;)
        growth->counts[k] = fmax(0, growth->counts[k] - growth->counts[k - 1]);
}

double metric_growth_quantile(const struct metric_growth *growth, double share)
{
    double total = 0, before = 0, low = 0;
    for (size_t k = 0; k < growth->n; k++)
        total += growth->counts[k];
    if (total <= 0)
        return -1;
    for (size_t k = 0; k < growth->n; k++) {
        const double count = growth->counts[k];
        if (count > 0 && before + count >= share * total)
            return isinf(growth->bounds[k])
                       ? low
                       : low + (growth->bounds[k] - low) * (share * total - before) / count;
        before += count;
        low = growth->bounds[k];
    }
    return low;
}
