/* build.c: a plan becomes a model. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/build.h"

#include <stdlib.h>
#include <string.h>

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

enum lstm_status import_build(struct import_plan *plan, const char *const *labels, size_t n_labels,
                              struct lstm_model **model, struct lstm_error *error)
{
    const struct build_views views = {0};
    struct spec *spec = NULL;
    char *json = NULL;
    size_t n;
    *model = NULL;
    enum lstm_status status = build_check(plan, error);
    if (status == LSTM_OK)
        status = build_text(plan, labels, n_labels, &json, &n, error);
    if (status == LSTM_OK)
        status = spec_create(json, n, &spec, error);
    if (status == LSTM_OK)
        status = model_create(spec, NULL, model, error);
    if (status == LSTM_OK)
        status = build_fill(plan, spec, &views, (*model)->weights, error);
    if (status != LSTM_OK) {
        lstm_model_destroy(*model);
        *model = NULL;
    }
    spec_release(spec);
    free(json);
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
                                  const struct lstm_model *model, float *slot,
                                  struct lstm_error *error)
{
    struct slot_turn turn = {source, suffix};
    const struct build_views views = {turn_to_slot, &turn};
    return build_fill(plan, model->spec, &views, slot, error);
}
