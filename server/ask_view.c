/* ask_view.c: bars of probabilities, pictures of states. SPDX-License-Identifier: Apache-2.0 */
#include "server/ask_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_INSTANCES = 8, MAX_CLASSES = 10, BAR_COLUMNS = 40, INDENT = 2 };

static const char bold[] = "\033[1m", plain[] = "\033[0m";

/* A tensor [n][rows][columns] of equal instances; rows is 1 if it has rank 2. */
struct block {
    const float *values;
    size_t n, rows, columns;
};

/* False: it is no such tensor; a ragged one is none. */
static bool read_block(const struct scanned_tensor *tensor, struct block *block)
{
    if (tensor == NULL || tensor->rank < 2 || tensor->rank > 3 || tensor->n_values == 0)
        return false;
    const size_t last = tensor->rank - 1;
    *block = (struct block){.values = tensor->values,
                            .n = tensor->lengths[0][0],
                            .rows = last == 2 ? tensor->lengths[1][0] : 1,
                            .columns = tensor->lengths[last][0]};
    return block->n > 0 && block->n * block->rows * block->columns == tensor->n_values;
}

static float strongest(const float *values, size_t n)
{
    float most = 0;
    for (size_t k = 0; k < n; k++)
        most = fmaxf(most, fabsf(values[k]));
    return most;
}

/* Names what cannot be drawn. */
static void append_other(struct buf *out, const char *what)
{
    buf_printf(out, "%*s%s: not drawn; --json prints the numbers\n", INDENT, "", what);
}

static void append_title(struct buf *out, const struct block *block, size_t i)
{
    if (block->n > 1)
        buf_printf(out, "instance %zu\n", i);
}

static void append_rest(struct buf *out, size_t n)
{
    if (n > MAX_INSTANCES)
        buf_printf(out, "and %zu more; --json prints all\n", n - MAX_INSTANCES);
}

/* ---- predict ------------------------------------------------------------------------------ */

static const char *label_of(const struct json_t *labels, size_t k)
{
    if (labels == NULL || k >= json_n_elements(labels))
        return NULL;
    return json_read_text(json_element(labels, k));
}

/* The largest value that is smaller than `below`, or is as large but behind it. */
static size_t next_largest(const float *values, size_t n, size_t below)
{
    size_t best = n;
    for (size_t k = 0; k < n; k++) {
        const bool is_behind =
            below == n || values[k] < values[below] || (values[k] == values[below] && k > below);
        if (is_behind && (best == n || values[k] > values[best]))
            best = k;
    }
    return best;
}

static void append_class(const struct terminal *terminal, const float *values, size_t k,
                         double whole, bool is_best, const char *label, struct buf *out)
{
    const size_t taken = 30;
    const size_t room = terminal->columns > taken + 10 ? terminal->columns - taken : 10;
    const bool is_bold = is_best && terminal->has_colour;
    char number[24];
    snprintf(number, sizeof number, "%zu", k);
    buf_printf(out, "%s%*s%8.20s  ", is_bold ? bold : "", INDENT, "",
               label != NULL ? label : number);
    terminal_bar(out, (double)values[k] / whole, room < BAR_COLUMNS ? room : BAR_COLUMNS);
    buf_printf(out, "  %.4g%s\n", (double)values[k], is_bold ? plain : "");
}

/* Few classes in their order; of many the largest. */
static void append_classes(const struct terminal *terminal, const float *values, size_t n,
                           const struct json_t *labels, struct buf *out)
{
    const double whole = fmax(1, (double)strongest(values, n));
    const size_t best = next_largest(values, n, n), shown = n < MAX_CLASSES ? n : MAX_CLASSES;
    size_t k = best;
    for (size_t i = 0; i < shown; i++) {
        const size_t one = n <= MAX_CLASSES ? i : k;
        append_class(terminal, values, one, whole, one == best, label_of(labels, one), out);
        k = next_largest(values, n, k);
    }
    if (n > shown)
        buf_printf(out, "%*sand %zu more\n", INDENT, "", n - shown);
}

void ask_view_predict(const struct terminal *terminal, const struct json_body *answer,
                      const struct json_t *labels, struct buf *out)
{
    const struct json_t *value = json_member(answer->root, "predictions");
    struct block block;
    if (value == NULL)
        value = json_member(answer->root, "outputs");
    if (!read_block(json_tensor(answer, value), &block)) {
        append_other(out, "predictions");
        return;
    }
    for (size_t i = 0; i < block.n && i < MAX_INSTANCES; i++) {
        const float *const values = block.values + i * block.rows * block.columns;
        append_title(out, &block, i);
        if (block.rows == 1)
            append_classes(terminal, values, block.columns, labels, out);
        else
            terminal_draw(terminal, out, values, block.rows, block.columns, PALETTE_HEAT, INDENT);
    }
    append_rest(out, block.n);
}

/* ---- state -------------------------------------------------------------------------------- */

/* One row of numbers, scaled to the strongest; they may be of any size. */
static void append_row(const struct terminal *terminal, const float *values, size_t n,
                       struct buf *out)
{
    const float most = strongest(values, n);
    float *const scaled = malloc(n * sizeof *scaled);
    if (scaled == NULL)
        return;
    for (size_t k = 0; k < n; k++)
        scaled[k] = most > 1 ? values[k] / most : values[k];
    terminal_draw(terminal, out, scaled, 1, n, PALETTE_HEAT, INDENT);
    free(scaled);
}

/* Part `name` of a layer's state, of instance i. */
static void append_part(const struct terminal *terminal, const struct json_body *answer,
                        const struct json_t *value, const char *name, size_t i, struct buf *out)
{
    struct block block;
    if (!read_block(json_tensor(answer, value), &block) || i >= block.n) {
        append_other(out, name);
        return;
    }
    const float *const values = block.values + i * block.rows * block.columns;
    buf_printf(out, "%s  %zu units, strongest %.3g\n", name, block.columns,
               (double)strongest(values, block.columns));
    append_row(terminal, values, block.columns, out);
}

/* A layer's state, {"c", "h"}, or c and h in one array. */
static void append_layer(const struct terminal *terminal, const struct json_body *answer,
                         const struct json_t *layer, size_t i, struct buf *out)
{
    if (json_kind(layer) != JSON_KIND_OBJECT) {
        append_part(terminal, answer, layer, "state", i, out);
        return;
    }
    for (const char *key = json_next_key(layer, NULL); key != NULL; key = json_next_key(layer, key))
        append_part(terminal, answer, json_member(layer, key), key, i, out);
}

static void append_state(const struct terminal *terminal, const struct json_body *answer, size_t i,
                         struct buf *out)
{
    const struct json_t *const state = json_member(answer->root, "state");
    if (json_kind(state) != JSON_KIND_LIST) {
        append_layer(terminal, answer, state, i, out);
        return;
    }
    for (size_t k = 0; k < json_n_elements(state); k++) {
        buf_printf(out, "layer %zu: ", k);
        append_layer(terminal, answer, json_element(state, k), i, out);
    }
}

void ask_view_state(const struct terminal *terminal, const struct json_body *answer,
                    struct buf *out)
{
    struct block block;
    if (!read_block(json_tensor(answer, json_member(answer->root, "outputs")), &block)) {
        append_other(out, "outputs");
        return;
    }
    for (size_t i = 0; i < block.n && i < MAX_INSTANCES; i++) {
        append_title(out, &block, i);
        buf_printf(out, "outputs  %zu steps of %zu units\n", block.rows, block.columns);
        terminal_draw(terminal, out, block.values + i * block.rows * block.columns, block.rows,
                      block.columns, PALETTE_HEAT, INDENT);
        append_state(terminal, answer, i, out);
    }
    append_rest(out, block.n);
}
