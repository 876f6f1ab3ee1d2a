/* top_view.c: metrics as a page of text. SPDX-License-Identifier: Apache-2.0 */
#include "server/top_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/terminal.h"

enum { NAME_BYTES = 48, LINE_COLUMNS = 34, BAR_COLUMNS = 50 };

/* Routes of who looks, us among them. */
static bool is_work(const struct metric_line *line)
{
    static const char *const looks[] = {"metrics", "live",      "ready", "openapi",
                                        "page",    "page_file", NULL};
    char route[NAME_BYTES];
    metric_line_label(line, "route", route, sizeof route);
    for (size_t k = 0; looks[k] != NULL; k++)
        if (strcmp(route, looks[k]) == 0)
            return false;
    return true;
}

/* The sum of a gauge's or counter's series. */
static double sum_of(const struct metrics_reading *reading, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < reading->n; i++)
        if (metric_line_is(&reading->lines[i], name))
            sum += reading->lines[i].value;
    return sum;
}

static double request_growth(const struct top_interval *interval, const struct metric_line *line)
{
    return metric_line_is(line, "lstmd_requests_total") && is_work(line)
               ? metric_line_growth(line, interval->before)
               : 0;
}

static void append_milliseconds(struct buf *out, const char *name, double seconds)
{
    if (seconds < 0)
        buf_printf(out, "   %s -", name);
    else
        buf_printf(out, "   %s %.*f ms", name, seconds < 0.01 ? 2 : 0, 1000 * seconds);
}

static void append_summary(const struct top_interval *interval, struct buf *out)
{
    struct metric_growth latency;
    double requests = 0;
    for (size_t i = 0; i < interval->now->n; i++)
        requests += request_growth(interval, &interval->now->lines[i]);
    metrics_growth_of(interval->now, interval->before, "lstmd_request_duration_seconds", is_work,
                      &latency);
    buf_printf(out, "requests  %.1f /s   in flight %.0f", requests / interval->seconds,
               fmax(0, sum_of(interval->now, "lstmd_requests_in_flight") - 1)); /* but for ours */
    append_milliseconds(out, "p50", metric_growth_quantile(&latency, 0.5));
    append_milliseconds(out, "p99", metric_growth_quantile(&latency, 0.99));
    buf_printf(out, "\nsessions  %.0f   memory %.1f MB\n",
               sum_of(interval->now, "lstmd_sessions_live"),
               sum_of(interval->now, "process_resident_memory_bytes") / 1e6);
}

/* Whether an earlier line has the same model and code: then it was counted with it. */
static bool is_repeated(const struct metrics_reading *reading, size_t i, const char *model,
                        const char *code)
{
    char other_model[NAME_BYTES], other_code[NAME_BYTES];
    for (size_t k = 0; k < i; k++) {
        const struct metric_line *const line = &reading->lines[k];
        if (!metric_line_is(line, "lstmd_requests_total") || !is_work(line))
            continue;
        metric_line_label(line, "model", other_model, sizeof other_model);
        metric_line_label(line, "code", other_code, sizeof other_code);
        if (strcmp(model, other_model) == 0 && strcmp(code, other_code) == 0)
            return true;
    }
    return false;
}

/* Of all routes of this model that answered with this code. */
static double growth_of_code(const struct top_interval *interval, const char *model,
                             const char *code)
{
    char other_model[NAME_BYTES], other_code[NAME_BYTES];
    double sum = 0;
    for (size_t i = 0; i < interval->now->n; i++) {
        const struct metric_line *const line = &interval->now->lines[i];
        metric_line_label(line, "model", other_model, sizeof other_model);
        metric_line_label(line, "code", other_code, sizeof other_code);
        if (strcmp(model, other_model) == 0 && strcmp(code, other_code) == 0)
            sum += request_growth(interval, line);
    }
    return sum;
}

static void append_requests(const struct top_interval *interval, struct buf *out)
{
    char model[NAME_BYTES], code[NAME_BYTES];
    buf_printf(out, "\n%-24s %4s %12s\n", "MODEL", "CODE", "REQUESTS/s");
    for (size_t i = 0; i < interval->now->n; i++) {
        const struct metric_line *const line = &interval->now->lines[i];
        if (!metric_line_is(line, "lstmd_requests_total") || !is_work(line))
            continue;
        metric_line_label(line, "model", model, sizeof model);
        metric_line_label(line, "code", code, sizeof code);
        if (!is_repeated(interval->now, i, model, code))
            buf_printf(out, "%-24s %4s %12.1f\n", model[0] != '\0' ? model : "-", code,
                       growth_of_code(interval, model, code) / interval->seconds);
    }
}

/* The line of this metric and model; NULL: there is none. */
static const struct metric_line *find_line(const struct metrics_reading *reading, const char *name,
                                           const char *model)
{
    char other[NAME_BYTES];
    for (size_t i = 0; i < reading->n; i++) {
        metric_line_label(&reading->lines[i], "model", other, sizeof other);
        if (metric_line_is(&reading->lines[i], name) && strcmp(other, model) == 0)
            return &reading->lines[i];
    }
    return NULL;
}

static void append_models(const struct top_interval *interval, struct buf *out)
{
    char model[NAME_BYTES];
    buf_printf(out, "\n%-24s %8s %8s %12s %9s\n", "MODEL", "VERSIONS", "QUEUED", "TRAIN STEPS",
               "STEPS/s");
    for (size_t i = 0; i < interval->now->n; i++) {
        const struct metric_line *const versions = &interval->now->lines[i];
        if (!metric_line_is(versions, "lstmd_loaded_versions"))
            continue;
        metric_line_label(versions, "model", model, sizeof model);
        const struct metric_line *const queue =
            find_line(interval->now, "lstmd_queue_depth", model);
        const struct metric_line *const steps =
            find_line(interval->now, "lstmd_train_steps_total", model);
        buf_printf(out, "%-24s %8.0f %8.0f %12.0f %9.1f\n", model, versions->value,
                   queue == NULL ? 0 : queue->value, steps == NULL ? 0 : steps->value,
                   steps == NULL ? 0
                                 : metric_line_growth(steps, interval->before) / interval->seconds);
    }
}

/* "1", "3-4", "over 1024". */
static void write_range(const struct metric_growth *growth, size_t k, char out[32])
{
    const double below = k > 0 ? growth->bounds[k - 1] : 0;
    if (isinf(growth->bounds[k]))
        snprintf(out, 32, "over %.0f", below);
    else if (growth->bounds[k] <= below + 1)
        snprintf(out, 32, "%.0f", growth->bounds[k]);
    else
        snprintf(out, 32, "%.0f-%.0f", below + 1, growth->bounds[k]);
}

static void append_batches(const struct top_interval *interval, size_t columns, struct buf *out)
{
    struct metric_growth growth;
    char range[32];
    double most = 1;
    size_t last = 0;
    metrics_growth_of(interval->now, interval->before, "lstmd_batch_size", NULL, &growth);
    for (size_t k = 0; k < growth.n; k++) {
        most = fmax(most, growth.counts[k]);
        last = growth.counts[k] > 0 ? k + 1 : last;
    }
    const size_t room = columns > LINE_COLUMNS + 10 ? columns - LINE_COLUMNS : 10;
    buf_printf(out, "\n%-12s %12s\n", "BATCH SIZE", "BATCHES/s");
    for (size_t k = 0; k < last; k++) {
        write_range(&growth, k, range);
        buf_printf(out, "%-12s %12.1f  ", range, growth.counts[k] / interval->seconds);
        terminal_bar(out, growth.counts[k] / most, room < BAR_COLUMNS ? room : BAR_COLUMNS);
        buf_text(out, "\n");
    }
}

void top_view(const struct top_interval *interval, size_t columns, struct buf *out)
{
    append_summary(interval, out);
    append_requests(interval, out);
    append_models(interval, out);
    append_batches(interval, columns, out);
}
