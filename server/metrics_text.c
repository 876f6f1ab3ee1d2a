/* metrics_text.c: metrics in the Prometheus text format 0.0.4. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/metrics_series.h"

static void write_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            buf_text(out, "\\n");
        else if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else
            buf_append(out, text, 1);
    }
}

/* {model="mnist",le="0.1"}; `bound` is the value of le, NULL: none. */
static void write_labels(struct buf *out, const struct metric_series *series, const char *bound)
{
    const char *separator = "{";
    for (size_t k = 0; k < 3 && series->family->labels[k] != NULL; k++) {
        buf_printf(out, "%s%s=\"", separator, series->family->labels[k]);
        write_escaped(out, series->labels[k]);
        buf_text(out, "\"");
        separator = ",";
    }
    if (bound != NULL) {
        buf_printf(out, "%sle=\"%s\"", separator, bound);
        separator = ",";
    }
    if (*separator == ',')
        buf_text(out, "}");
}

static void write_line(struct buf *out, const struct metric_series *series, const char *suffix,
                       const char *bound, double value)
{
    buf_printf(out, "%s%s", series->family->name, suffix);
    write_labels(out, series, bound);
    buf_printf(out, " %.15g\n", value);
}

static void write_histogram(struct buf *out, const struct metric_series *series)
{
    uint64_t total = 0;
    for (size_t k = 0; k <= series->n_buckets; k++) {
        char bound[32] = "+Inf";
        if (k < series->n_buckets)
            snprintf(bound, sizeof bound, "%.15g", series->family->buckets[k]);
        total += atomic_load_explicit(&series->counts[k], memory_order_relaxed);
        write_line(out, series, "_bucket", bound, (double)total);
    }
    write_line(out, series, "_sum", NULL, metric_value(series));
    write_line(out, series, "_count", NULL, (double)total);
}

static int compare(const void *a, const void *b)
{
    const struct metric_series *const *left = a, *const *right = b;
    for (size_t k = 0; k < 3; k++) {
        int order = strcmp((*left)->labels[k], (*right)->labels[k]);
        if (order != 0)
            return order;
    }
    return 0;
}

static void write_family(struct buf *out, enum metric metric)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    const struct metric_family *family = &metric_families[metric];
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
               kinds[family->kind]);
    /* A family without labels is shown from the start, as zero. */
    if (family->labels[0] == NULL)
        metric_series(metric, NULL, NULL, NULL);
    const struct metric_series *found[METRIC_MAX_SERIES];
    size_t n = metric_collect(metric, found);
    qsort(found, n, sizeof *found, compare);
    for (size_t k = 0; k < n; k++) {
        if (family->kind == METRIC_HISTOGRAM)
            write_histogram(out, found[k]);
        else
            write_line(out, found[k], "", NULL, metric_value(found[k]));
    }
}

void metrics_write(struct buf *out)
{
    for (enum metric metric = 0; metric < N_METRICS; metric++)
        write_family(out, metric);
}
