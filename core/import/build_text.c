/* build_text.c: the model.json of a plan. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/build.h"
#include "core/status.h"
#include "core/text.h"

const char *const build_kind_names[] = {
    [IMPORT_LSTM] = "lstm",           [IMPORT_GRU] = "gru",         [IMPORT_DENSE] = "dense",
    [IMPORT_EMBEDDING] = "embedding", [IMPORT_DROPOUT] = "dropout", [IMPORT_MASKING] = "masking",
    [IMPORT_POOLING] = "pooling"};

static void put_text(struct text *out, const char *key, const char *text)
{
    if (text[0] == '\0')
        return;
    text_printf(out, ", \"%s\": ", key);
    text_quote(out, text);
}

static void put_flag(struct text *out, const char *key, bool value)
{
    if (value)
        text_printf(out, ", \"%s\": true", key);
}

/* Numbers that JSON can hold; 17 digits read back to the same bits. */
static void put_real(struct text *out, const char *key, double value)
{
    text_printf(out, ", \"%s\": %.17g", key, isfinite(value) ? value : 0.0);
}

static void put_positive(struct text *out, const char *key, double value)
{
    if (value > 0)
        put_real(out, key, value);
}

static void put_recurrent(struct text *out, const struct import_layer *layer)
{
    text_printf(out, ", \"units\": %zu", layer->units);
    if (layer->kind == IMPORT_LSTM) {
        put_real(out, "forget_bias", layer->forget_bias);
        put_positive(out, "cell_clip", layer->cell_clip);
        put_flag(out, "use_peepholes", build_has_peepholes(layer));
        if (layer->cells[0].projection.data != NULL)
            text_printf(out, ", \"num_proj\": %zu", layer->cells[0].projection.shape[1]);
        put_positive(out, "proj_clip", layer->proj_clip);
    }
    put_text(out, "activation", layer->activation);
    if (strcmp(layer->recurrent_activation, "sigmoid") != 0)
        put_text(out, "recurrent_activation", layer->recurrent_activation);
    put_flag(out, "reset_after", layer->reset_after && layer->kind == IMPORT_GRU);
    put_flag(out, "go_backwards", layer->go_backwards);
    put_text(out, "bidirectional", layer->bidirectional);
    put_flag(out, "return_sequences", layer->return_sequences);
    put_flag(out, "reuse", layer->reuse);
}

static void put_layer(struct text *out, const struct import_layer *layer)
{
    text_printf(out, "    { \"type\": \"%s\"", build_kind_names[layer->kind]);
    if (layer->kind < IMPORT_DROPOUT)
        put_text(out, "name", layer->name);
    switch (layer->kind) {
    case IMPORT_LSTM:
    case IMPORT_GRU:
        put_recurrent(out, layer);
        break;
    case IMPORT_DENSE:
        text_printf(out, ", \"units\": %zu", layer->units);
        put_text(out, "activation", layer->activation);
        put_flag(out, "reuse", layer->reuse);
        break;
    case IMPORT_EMBEDDING:
        text_printf(out, ", \"vocabulary\": %zu, \"units\": %zu", layer->kernel.shape[0],
                    layer->units);
        put_flag(out, "mask_zero", layer->mask_zero);
        break;
    case IMPORT_DROPOUT:
        put_real(out, "rate", layer->rate);
        break;
    case IMPORT_MASKING:
        put_real(out, "mask_value", layer->mask_value);
        break;
    case IMPORT_POOLING:
        put_text(out, "reduce", layer->reduce);
        break;
    }
    text_printf(out, " }");
}

static void put_labels(struct text *out, const char *const *labels, size_t n)
{
    if (n == 0)
        return;
    text_printf(out, ",\n  \"labels\": [ ");
    for (size_t i = 0; i < n; i++) {
        text_printf(out, i > 0 ? ", " : "");
        text_quote(out, labels[i]);
    }
    text_printf(out, " ]");
}

enum lstm_status build_text(const struct import_plan *plan, const char *const *labels,
                            size_t n_labels, char **json, size_t *n, struct lstm_error *error)
{
    struct text out = {0};
    *json = NULL;
    *n = 0;
    text_printf(&out, "{\n  \"format\": \"lstmd-model-1\",\n  \"input\": { ");
    if (plan->steps > 0)
        text_printf(&out, "\"steps\": %zu, ", plan->steps);
    text_printf(&out, "\"features\": %zu", plan->features);
    if (plan->scale != 0 && isfinite(plan->scale))
        put_real(&out, "scale", plan->scale);
    text_printf(&out, " },\n  \"layers\": [\n");
    for (size_t i = 0; i < plan->n_layers; i++) {
        put_layer(&out, &plan->layers[i]);
        text_printf(&out, i + 1 < plan->n_layers ? ",\n" : "\n");
    }
    text_printf(&out, "  ]");
    put_labels(&out, labels, n_labels);
    text_printf(&out, "\n}\n");
    if (!out.failed) {
        *json = out.data;
        *n = out.n;
        return LSTM_OK;
    }
    free(out.data);
    return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for model.json");
}
