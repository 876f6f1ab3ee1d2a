/* layer_pooling.c: mean, maximum or last of the rows of a sequence. SPDX-License-Identifier:
 * Apache-2.0 */
#include "core/layer_pooling.h"

#include <stddef.h>
#include <string.h>

const char *const pooling_names[] = {
    [POOLING_MEAN] = "mean", [POOLING_MAX] = "max", [POOLING_LAST] = "last", NULL};

static const struct field fields[] = {
    LAYER_FIELD_TYPE,
    LAYER_FIELD_NAME,
    {"reduce", FIELD_CHOICE, offsetof(struct layer, reduce), 0, 0, pooling_names, NULL, true},
    {0}};

/* ---- Forward -------------------------------------------------------------------------------- */

/* The mean of n rows is that of the first n - 1, moved towards the last by the nth of the way. */
static void add_to_mean(const float *row, size_t width, float share, float *pooled)
{
    for (size_t i = 0; i < width; i++)
        pooled[i] += (row[i] - pooled[i]) * share;
}

/* What is not a number stays: it must be seen. */
static void add_to_max(const float *row, size_t width, float *pooled)
{
    for (size_t i = 0; i < width; i++)
        pooled[i] = row[i] > pooled[i] || row[i] != row[i] ? row[i] : pooled[i];
}

void pooling_add(const struct layer *layer, const struct pack *pack, size_t first_step,
                 const float *x, float *pooled)
{
    const size_t width = layer->inputs;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t step = first_step + t;
        /* The first row alone is its mean, its maximum and the last. */
        const enum pooling reduce = step == 0 ? POOLING_LAST : (enum pooling)layer->reduce;
        for (size_t r = 0; r < pack->rows_at[t]; r++, x += width) {
            float *to = pooled + r * width;
            if (reduce == POOLING_MEAN)
                add_to_mean(x, width, 1.0f / (float)(step + 1), to);
            else if (reduce == POOLING_MAX)
                add_to_max(x, width, to);
            else
                memcpy(to, x, width * sizeof *to);
        }
    }
}

/* ---- Backward ------------------------------------------------------------------------------- */

/* Sequence r of a pack, of n steps. Its first row is row r of the pack; the next is as many rows on
 * as the step has. */
struct steps {
    const struct pack *pack;
    size_t r, n;
};

static void spread_mean(const struct steps *steps, size_t width, const float *dy, float *dx)
{
    const float share = 1.0f / (float)steps->n;
    size_t row = steps->r;
    for (size_t t = 0; t < steps->n; row += steps->pack->rows_at[t++])
        for (size_t i = 0; i < width; i++)
            dx[row * width + i] = dy[i] * share;
}

static void spread_last(const struct steps *steps, size_t width, const float *dy, float *dx)
{
    size_t row = steps->r;
    for (size_t t = 0; t < steps->n; row += steps->pack->rows_at[t++])
        if (t + 1 == steps->n)
            memcpy(dx + row * width, dy, width * sizeof *dx);
        else
            memset(dx + row * width, 0, width * sizeof *dx);
}

/* Of value i alone. */
static void spread_max(const struct steps *steps, size_t width, size_t i, const float *x,
                       float pooled, float dy, float *dx)
{
    float n_equal = 0;
    size_t row = steps->r;
    for (size_t t = 0; t < steps->n; row += steps->pack->rows_at[t++])
        n_equal += x[row * width + i] == pooled;
    row = steps->r;
    for (size_t t = 0; t < steps->n; row += steps->pack->rows_at[t++])
        dx[row * width + i] = x[row * width + i] == pooled ? dy / n_equal : 0.0f;
}

void pooling_spread(const struct layer *layer, const struct pack *pack, const float *x,
                    const float *pooled, const float *dy, float *dx)
{
    const size_t width = layer->inputs;
    struct steps steps = {.pack = pack, .n = pack->n_steps};
    const size_t n = pack->n_steps > 0 ? pack->rows_at[0] : 0;
    for (; steps.r < n; steps.r++, pooled += width, dy += width) {
        while (pack->rows_at[steps.n - 1] <= steps.r)
            steps.n--;
        if (layer->reduce == POOLING_MEAN)
            spread_mean(&steps, width, dy, dx);
        else if (layer->reduce == POOLING_LAST)
            spread_last(&steps, width, dy, dx);
        for (size_t i = 0; i < width && layer->reduce == POOLING_MAX; i++)
            spread_max(&steps, width, i, x, pooled[i], dy[i], dx);
    }
}

/* Without passes: whoever runs the layers pools where sequences end. */
const struct layer_type layer_pooling = {
    .name = "pooling", .default_name = "pooling", .fields = fields, .passes_on = true};
