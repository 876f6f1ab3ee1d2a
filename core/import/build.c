/* build.c: a plan becomes a model, in memory or in files. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/fill.h"
#include "core/memory.h"
#include "core/status.h"

enum lstm_status import_add_layer(struct import_plan *plan, enum import_kind kind, const char *name,
                                  struct import_layer **layer, struct lstm_error *error)
{
    *layer = NULL;
    if (plan->n_layers >= IMPORT_MAX_LAYERS)
        return lstm_fail(error, LSTM_UNSUPPORTED, "the network has more than %d layers",
                         IMPORT_MAX_LAYERS);
    struct import_layer *made = &plan->layers[plan->n_layers++];
    made->kind = kind;
    const size_t n = strlen(name), kept = n < sizeof made->name ? n : sizeof made->name - 1;
    memcpy(made->name, name, kept);
    made->name[kept] = '\0';
    *layer = made;
    return LSTM_OK;
}

enum lstm_status import_describe(struct import_plan *plan, const char *const *labels,
                                 size_t n_labels, struct spec **spec, struct lstm_error *error)
{
    char *json = NULL;
    size_t n;
    *spec = NULL;
    enum lstm_status status = build_check(plan, error);
    if (status == LSTM_OK)
        status = build_text(plan, labels, n_labels, &json, &n, error);
    if (status == LSTM_OK)
        status = spec_create(json, n, spec, error);
    free(json);
    return status;
}

/* Values that are filled at once. They stay in the caches from where the system clears their memory
 * to where it is filled, and from there to where they are written. */
static const size_t piece_values = (size_t)1 << 18;

/* Whether a plan's matrices are better filled at once. */
static bool fills_lines(const struct import_plan *plan)
{
    for (size_t k = 0; k < plan->n_layers; k++)
        if (import_fills_lines(&plan->layers[k].kernel) ||
            import_fills_lines(&plan->layers[k].cells[0].kernel[0]))
            return true;
    return false;
}

/* The weights of one tensor, at most so many values at a time, but a row at least. */
static enum lstm_status fill_tensor(const struct import_plan *plan, const struct spec *spec,
                                    const struct build_views *views,
                                    const struct tensor_spec *tensor, size_t most, float *weights,
                                    struct lstm_error *error)
{
    const size_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
    const size_t end = tensor->offset + tensor->n;
    const size_t step = most > columns ? most / columns * columns : columns;
    enum lstm_status status = LSTM_OK;
    for (size_t begin = tensor->offset; begin < end && status == LSTM_OK; begin += step) {
        const struct build_window window = {begin, end - begin < step ? end : begin + step,
                                            weights + begin};
        status = build_fill(plan, spec, views, &window, error);
    }
    return status;
}

static enum lstm_status fill_weights(const struct import_plan *plan, const struct spec *spec,
                                     const struct build_views *views, float *weights,
                                     struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    const bool at_once = fills_lines(plan);
    const size_t most = at_once ? SIZE_MAX / sizeof *weights : piece_values;
    if (at_once)
        memory_populate(weights, spec->n_weights);
    for (size_t k = 0; k < spec->n_tensors && status == LSTM_OK; k++)
        status = fill_tensor(plan, spec, views, &spec->tensors[k], most, weights, error);
    return status;
}

enum lstm_status import_build(const struct import_plan *plan, struct spec *spec,
                              struct lstm_model **model, struct lstm_error *error)
{
    const struct build_views views = {0};
    enum lstm_status status = model_create(spec, NULL, model, error);
    if (status == LSTM_OK)
        status = fill_weights(plan, spec, &views, (*model)->weights, error);
    if (status != LSTM_OK) {
        lstm_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

/* ---- Files ---------------------------------------------------------------------------------- */

struct pieces {
    const struct import_plan *plan;
    const struct spec *spec;
    float *values;
};

static enum lstm_status get_rows(void *context, const struct tensor_spec *tensor, size_t first,
                                 size_t n, const float **values, struct lstm_error *error)
{
    const struct pieces *pieces = context;
    const struct build_views views = {0};
    const size_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
    const size_t begin = tensor->offset + first * columns;
    const struct build_window window = {begin, begin + n * columns, pieces->values};
    *values = pieces->values;
    return build_fill(pieces->plan, pieces->spec, &views, &window, error);
}

enum lstm_status import_save(const struct import_plan *plan, const struct spec *spec,
                             const char *folder, struct lstm_error *error)
{
    size_t most = piece_values;
    for (size_t k = 0; k < spec->n_tensors; k++)
        if (spec->tensors[k].rank == 2 && spec->tensors[k].shape[1] > most)
            most = spec->tensors[k].shape[1];
    struct pieces pieces = {plan, spec, memory_floats_unset(most)};
    if (pieces.values == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a piece of %zu weights", most);
    const struct model_rows rows = {get_rows, &pieces, most};
    const enum lstm_status status = model_save(spec, &rows, folder, error);
    free(pieces.values);
    return status;
}

/* ---- Optimizer slots ------------------------------------------------------------------------ */

struct slot_turn {
    const struct import_source *source;
    const char *suffix;
};

/* The view of a variable becomes the same view of its slot. */
static enum lstm_status turn_to_slot(void *context, struct import_array *view,
                                     struct lstm_error *error)
{
    const struct slot_turn *turn = context;
    char name[512];
    const struct import_array *variable = import_find(turn->source, view->name);
    const size_t n = strlen(view->name), n_suffix = strlen(turn->suffix);
    if (variable == NULL || n + n_suffix >= sizeof name)
        return lstm_fail(error, LSTM_NOT_FOUND, "array '%.80s' has no optimizer slots", view->name);
    memcpy(name, view->name, n);
    memcpy(name + n, turn->suffix, n_suffix + 1);
    const struct import_array *slot = import_find(turn->source, name);
    if (slot == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "the optimizer slot '%.80s' is missing", name);
    if (slot->dtype != variable->dtype || slot->rank != variable->rank ||
        memcmp(slot->shape, variable->shape, sizeof slot->shape) != 0 ||
        memcmp(slot->stride, variable->stride, sizeof slot->stride) != 0)
        return lstm_fail(error, LSTM_SHAPE,
                         "the optimizer slot '%.80s' is of another type or shape than its variable",
                         name);
    view->data = slot->data + (view->data - variable->data);
    return LSTM_OK;
}

enum lstm_status import_fill_slot(const struct import_source *source,
                                  const struct import_plan *plan, const char *suffix,
                                  const struct spec *spec, float *slot, struct lstm_error *error)
{
    struct slot_turn turn = {source, suffix};
    const struct build_views views = {turn_to_slot, &turn};
    return fill_weights(plan, spec, &views, slot, error);
}
