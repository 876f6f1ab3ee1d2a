/* history_svg.c: the history as two charts, loss and accuracy, in one self-contained SVG.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Colours are classes of a style sheet with a variant for dark pages. */
#include <stdint.h>
#include <string.h>

#include "server/history.h"

enum {
    IMAGE_WIDTH = 960,
    IMAGE_HEIGHT = 420,
    PLOT_TOP = 104,
    PLOT_WIDTH = 390,
    PLOT_HEIGHT = 250,
    MAX_TICKS = 6,
    N_SERIES = 3
};

/* One curve: a column of the history. */
struct series {
    const char *label;
    const char *style; /* class */
    size_t offset;     /* of the double in struct history_row */
};

struct chart {
    const char *title;
    int left;                       /* of the plot, in pixels */
    double highest;                 /* the axis ends there at most */
    const char *unit;               /* after the numbers */
    double factor;                  /* from the values to the numbers */
    struct series series[N_SERIES]; /* those without a label are left out */
};

static const struct chart charts[] = {
    {"Loss",
     64,
     HUGE_VAL,
     "",
     1,
     {{"training", "train", offsetof(struct history_row, train_loss)},
      {"validation", "validation", offsetof(struct history_row, validation_loss)}}},
    {"Accuracy",
     546,
     100,
     "%",
     100,
     {{"training", "train", offsetof(struct history_row, train_accuracy)},
      {"validation", "validation", offsetof(struct history_row, validation_accuracy)},
      {"test", "test", offsetof(struct history_row, test_accuracy)}}},
};

/* An axis from low to high in steps of a round number. */
struct axis {
    double low, high, step;
};

static const char style[] =
    "<style>\n"
    "  text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #59636e; "
    "font-variant-numeric: tabular-nums }\n"
    "  .title { font-size: 17px; font-weight: 600; fill: #1f2328 }\n"
    "  .name { font-size: 14px; font-weight: 600; fill: #1f2328 }\n"
    "  .paper { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #e4e9ee } .axis { stroke: #8c959f "
    "}\n"
    "  path, .key { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round "
    "}\n"
    "  .train { stroke: #8c6bb1; stroke-dasharray: 2 5 } .validation { stroke: #0969da }\n"
    "  .test { stroke: #bf5300 }\n"
    "  circle { stroke: none } .train-dot { fill: #8c6bb1 } .validation-dot { fill: #0969da }\n"
    "  .test-dot { fill: #bf5300 }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #9198a1 } .title, .name { fill: #f0f6fc }\n"
    "    .paper { fill: #0d1117; stroke: #3d444d } .grid { stroke: #21262d } .axis { stroke: "
    "#656c76 }\n"
    "    .train { stroke: #b998e6 } .validation { stroke: #4493f8 } .test { stroke: #f0883e }\n"
    "    .train-dot { fill: #b998e6 } .validation-dot { fill: #4493f8 } .test-dot { fill: #f0883e "
    "}\n"
    "  }\n"
    "</style>\n";

static double value_at(const struct history *history, size_t i, const struct chart *chart,
                       const struct series *series)
{
    const char *row = (const char *)&history->rows[i];
    double value;
    memcpy(&value, row + series->offset, sizeof value);
    return value * chart->factor;
}

/* The smallest of 1, 2, 5, 10, 20, 50, ... (or their fractions) that cuts the range into at most
 * MAX_TICKS parts. */
static double round_step(double range)
{
    double power = pow(10, floor(log10(range / MAX_TICKS)));
    static const double factors[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (range / (factors[i] * power) <= MAX_TICKS)
            return factors[i] * power;
    return 10 * power;
}

/* An axis that holds all values of the chart. */
static struct axis value_axis(const struct history *history, const struct chart *chart)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t k = 0; k < N_SERIES && chart->series[k].label != NULL; k++)
        for (size_t i = 0; i < history->n; i++) {
            double value = value_at(history, i, chart, &chart->series[k]);
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    if (!(low <= high))
        return (struct axis){0, 1, 1};
    if (high - low < 1e-6 * fabs(high) + 1e-9) {
        low -= 0.05 * fabs(low) + 1e-3;
        high += 0.05 * fabs(high) + 1e-3;
    }
    double step = round_step(high - low);
    high = ceil(high / step - 1e-9) * step;
    return (struct axis){floor(low / step + 1e-9) * step,
                         high > chart->highest ? chart->highest : high, step};
}

/* An axis over the epochs, in whole steps. */
static struct axis epoch_axis(const struct history *history)
{
    double first = history->rows[0].epoch, last = history->rows[history->n - 1].epoch;
    if (first == last)
        return (struct axis){first - 1, last + 1, 1};
    double step = round_step(last - first);
    return (struct axis){first, last, step < 1 ? 1 : step};
}

static double x_of(const struct chart *chart, const struct axis *axis, double epoch)
{
    return chart->left + PLOT_WIDTH * (epoch - axis->low) / (axis->high - axis->low);
}

static double y_of(const struct axis *axis, double value)
{
    return PLOT_TOP + PLOT_HEIGHT * (axis->high - value) / (axis->high - axis->low);
}

static void draw_axes(struct buf *out, const struct chart *chart, const struct axis *x,
                      const struct axis *y)
{
    int right = chart->left + PLOT_WIDTH, bottom = PLOT_TOP + PLOT_HEIGHT;
    for (double value = y->low; value <= y->high + y->step * 1e-6; value += y->step)
        buf_printf(out,
                   "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                   "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g%s</text>\n",
                   chart->left, right, y_of(y, value), y_of(y, value), chart->left - 8,
                   y_of(y, value) + 4, fabs(value) < y->step / 2 ? 0 : value, chart->unit);
    for (double epoch = ceil(x->low / x->step) * x->step; epoch <= x->high; epoch += x->step)
        if (epoch > 0)
            buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                       x_of(chart, x, epoch), bottom + 20, epoch);
    buf_printf(out,
               "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
               "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>\n",
               chart->left, right, bottom, bottom, chart->left + PLOT_WIDTH / 2, bottom + 42);
}

static void draw_curve(struct buf *out, const struct history *history, const struct chart *chart,
                       const struct series *series, const struct axis *x, const struct axis *y)
{
    const char *command = "M";
    buf_printf(out, "<path class=\"%s\" d=\"", series->style);
    for (size_t i = 0; i < history->n; i++) {
        double value = value_at(history, i, chart, series);
        if (isnan(value))
            continue;
        buf_printf(out, "%s%.1f %.1f", command, x_of(chart, x, history->rows[i].epoch),
                   y_of(y, value));
        command = "L";
    }
    buf_printf(out, "\"/>\n");
    double last = value_at(history, history->n - 1, chart, series);
    if (!isnan(last))
        buf_printf(out, "<circle class=\"%s-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"/>\n",
                   series->style, x_of(chart, x, history->rows[history->n - 1].epoch),
                   y_of(y, last));
}

/* The curve's name and its last value, above the plot. */
static void draw_legend(struct buf *out, const struct history *history, const struct chart *chart,
                        const struct series *series, size_t k)
{
    double last = value_at(history, history->n - 1, chart, series);
    if (isnan(last))
        return;
    static const int columns[N_SERIES] = {0, 134, 282};
    int x = chart->left + columns[k], y = PLOT_TOP - 20;
    buf_printf(out,
               "<line class=\"key %s\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
               "<text x=\"%d\" y=\"%d\">%s %.4g%s</text>\n",
               series->style, x, x + 20, y, y, x + 26, y + 4, series->label, last, chart->unit);
}

static void draw_chart(struct buf *out, const struct history *history, const struct chart *chart)
{
    struct axis x = epoch_axis(history), y = value_axis(history, chart);
    buf_printf(out, "<text class=\"name\" x=\"%d\" y=\"%d\">%s</text>\n", chart->left,
               PLOT_TOP - 38, chart->title);
    draw_axes(out, chart, &x, &y);
    for (size_t k = 0; k < N_SERIES && chart->series[k].label != NULL; k++) {
        draw_curve(out, history, chart, &chart->series[k], &x, &y);
        draw_legend(out, history, chart, &chart->series[k], k);
    }
}

static void write_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            buf_text(out, "&lt;");
        else if (*text == '&')
            buf_text(out, "&amp;");
        else if ((unsigned char)*text >= ' ')
            buf_append(out, text, 1);
    }
}

enum lstm_status history_write_svg(const struct history *history, const char *title,
                                   const char *path, struct lstm_error *error)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    buf_printf(&out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Loss and accuracy by epoch\">\n"
               "%s<rect class=\"paper\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n"
               "<text class=\"title\" x=\"%d\" y=\"36\">",
               IMAGE_WIDTH, IMAGE_HEIGHT, IMAGE_WIDTH, IMAGE_HEIGHT, style, IMAGE_WIDTH - 1,
               IMAGE_HEIGHT - 1, charts[0].left);
    write_escaped(&out, title);
    buf_text(&out, "</text>\n");
    for (size_t i = 0; history->n > 0 && i < sizeof charts / sizeof *charts; i++)
        draw_chart(&out, history, &charts[i]);
    buf_text(&out, "</svg>\n");
    const enum lstm_status status = history_write(&out, path, error);
    buf_release(&out);
    return status;
}
