/* build_check.c: a plan whose arrays fit together. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/import/build.h"
#include "core/memory.h"
#include "core/status.h"

/* Names of tensors are the layer's and a suffix; both must fit. */
enum { MAX_NAME = NAME_MAX_BYTES - 16 };

bool build_is_recurrent(const struct import_layer *layer)
{
    return layer->kind == IMPORT_LSTM || layer->kind == IMPORT_GRU;
}

bool build_has_peepholes(const struct import_layer *layer)
{
    for (size_t cell = 0; cell < 2; cell++)
        for (size_t gate = 0; gate < IMPORT_MAX_GATES; gate++)
            if (layer->cells[cell].peephole[gate].data != NULL)
                return true;
    return false;
}

size_t build_cell_outputs(const struct import_layer *layer)
{
    const struct import_array *projection = &layer->cells[0].projection;
    return projection->data != NULL ? projection->shape[1] : layer->units;
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* As model.json allows them: other characters become "_". */
static void clean_name(struct import_layer *layer)
{
    char *name = layer->name;
    if (name[0] == '\0')
        snprintf(name, sizeof layer->name, "%s", build_kind_names[layer->kind]);
    name[MAX_NAME - 1] = '\0';
    for (char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("_.-/>", *c) != NULL))
            *c = '_';
    if (name[0] == '/')
        name[0] = '_';
}

static bool is_taken(const struct import_plan *plan, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(plan->layers[i].name, name) == 0)
            return true;
    return false;
}

static void name_layer(struct import_plan *plan, size_t k)
{
    struct import_layer *layer = &plan->layers[k];
    clean_name(layer);
    if (layer->reuse) {
        for (size_t i = k; i-- > 0;)
            if (plan->layers[i].kind == layer->kind) {
                memcpy(layer->name, plan->layers[i].name, sizeof layer->name);
                return;
            }
        layer->reuse = false;
    }
    char base[NAME_MAX_BYTES];
    memcpy(base, layer->name, sizeof base);
    for (unsigned n = 1; is_taken(plan, k, layer->name); n++)
        snprintf(layer->name, sizeof layer->name, "%.*s_%u", MAX_NAME - 8, base, n);
}

/* ---- Shapes --------------------------------------------------------------------------------- */

static void describe_shape(const struct import_array *view, char text[96])
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < view->rank && n < 96; i++)
        n += (size_t)snprintf(text + n, 96 - n, "%s%zu", i > 0 ? ", " : "", view->shape[i]);
}

static enum lstm_status fail_shape(const struct import_layer *layer,
                                   const struct import_array *view, size_t rank, size_t rows,
                                   size_t columns, struct lstm_error *error)
{
    char found[96];
    describe_shape(view, found);
    if (rank == 1)
        return lstm_fail(error, LSTM_SHAPE,
                         "layer %.40s: array '%.60s': expected a part of shape [%zu], found [%s]",
                         layer->name, view->name, rows, found);
    return lstm_fail(error, LSTM_SHAPE,
                     "layer %.40s: array '%.60s': expected a part of shape [%zu, %zu], found [%s]",
                     layer->name, view->name, rows, columns, found);
}

/* A view that is there must be of floats and have this shape; columns 0: a vector. */
static enum lstm_status check_view(const struct import_layer *layer,
                                   const struct import_array *view, size_t rows, size_t columns,
                                   struct lstm_error *error)
{
    const size_t rank = columns == 0 ? 1 : 2;
    const enum lstm_status status = import_check_floats(view, error);
    if (status != LSTM_OK || view->data == NULL)
        return status;
    if (view->rank != rank || view->shape[0] != rows || (rank == 2 && view->shape[1] != columns))
        return fail_shape(layer, view, rank, rows, columns, error);
    return LSTM_OK;
}

static enum lstm_status require_view(const struct import_layer *layer,
                                     const struct import_array *view, const char *what, size_t rows,
                                     size_t columns, struct lstm_error *error)
{
    if (view->data == NULL)
        return lstm_fail(error, LSTM_FORMAT, "layer %.60s has no %s", layer->name, what);
    return check_view(layer, view, rows, columns, error);
}

static enum lstm_status check_cell(const struct import_layer *layer, const struct import_cell *cell,
                                   size_t width, struct lstm_error *error)
{
    const size_t n_gates = layer->kind == IMPORT_LSTM ? 4 : 3, units = layer->units;
    const size_t outputs = build_cell_outputs(layer);
    enum lstm_status status = LSTM_OK;
    for (size_t g = 0; g < n_gates && status == LSTM_OK; g++) {
        status = require_view(layer, &cell->kernel[g], "kernel", width, units, error);
        if (status == LSTM_OK)
            status =
                require_view(layer, &cell->recurrent[g], "recurrent kernel", outputs, units, error);
        if (status == LSTM_OK)
            status = check_view(layer, &cell->bias[g], units, 0, error);
        if (status == LSTM_OK)
            status = check_view(layer, &cell->recurrent_bias[g], units, 0, error);
        if (status == LSTM_OK)
            status = check_view(layer, &cell->peephole[g], units, 0, error);
    }
    if (status == LSTM_OK && layer->cells[0].projection.data != NULL)
        status = require_view(layer, &cell->projection, "projection", units, outputs, error);
    return status == LSTM_OK ? check_view(layer, &cell->projection, units, outputs, error) : status;
}

static enum lstm_status check_recurrent(struct import_layer *layer, size_t *width,
                                        struct lstm_error *error)
{
    const struct import_array *first = &layer->cells[0].kernel[0];
    const struct import_array *projection = &layer->cells[0].projection;
    const bool is_bidirectional = layer->bidirectional[0] != '\0';
    if (layer->units == 0 && first->data != NULL && first->rank == 2)
        layer->units = first->shape[1];
    if (projection->data != NULL && (projection->rank != 2 || layer->kind == IMPORT_GRU))
        return lstm_fail(error, LSTM_SHAPE, "layer %.60s: array '%.60s' is no projection",
                         layer->name, projection->name);
    enum lstm_status status = check_cell(layer, &layer->cells[0], *width, error);
    if (status == LSTM_OK && is_bidirectional)
        status = check_cell(layer, &layer->cells[1], *width, error);
    *width = build_cell_outputs(layer);
    if (is_bidirectional && strcmp(layer->bidirectional, "concat") == 0)
        *width *= 2;
    return status;
}

static enum lstm_status check_layer(struct import_layer *layer, size_t *width,
                                    struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    if (build_is_recurrent(layer))
        return check_recurrent(layer, width, error);
    if (layer->kind != IMPORT_DENSE && layer->kind != IMPORT_EMBEDDING)
        return LSTM_OK;
    if (layer->kernel.data == NULL || layer->kernel.rank != 2)
        return lstm_fail(error, LSTM_SHAPE, "layer %.60s: its kernel '%.60s' is no matrix",
                         layer->name, layer->kernel.name != NULL ? layer->kernel.name : "");
    layer->units = layer->kernel.shape[1];
    const size_t rows = layer->kind == IMPORT_DENSE ? *width : layer->kernel.shape[0];
    status = check_view(layer, &layer->kernel, rows, layer->units, error);
    if (status == LSTM_OK)
        status = check_view(layer, &layer->bias, layer->units, 0, error);
    *width = layer->units;
    return status;
}

/* D of the input, by the first layer that has a kernel. */
static size_t find_features(const struct import_plan *plan)
{
    for (size_t i = 0; i < plan->n_layers; i++) {
        const struct import_layer *layer = &plan->layers[i];
        const struct import_array *kernel =
            build_is_recurrent(layer) ? &layer->cells[0].kernel[0] : &layer->kernel;
        if (layer->kind == IMPORT_EMBEDDING)
            return 1;
        if (kernel->data != NULL && kernel->rank == 2)
            return kernel->shape[0];
    }
    return 0;
}

enum lstm_status build_check(struct import_plan *plan, struct lstm_error *error)
{
    if (plan->features == 0)
        plan->features = find_features(plan);
    size_t width = plan->features;
    for (size_t k = 0; k < plan->n_layers; k++) {
        name_layer(plan, k);
        const enum lstm_status status = check_layer(&plan->layers[k], &width, error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}
