/* spec.c: the life of a description. SPDX-License-Identifier: Apache-2.0 */
#include "core/spec.h"

#include <stdlib.h>
#include <string.h>

#include "core/layer_pooling.h"
#include "core/spec_internal.h"
#include "core/status.h"

static void destroy(struct spec *spec)
{
    for (size_t i = 0; i < spec->n_tensors; i++)
        free(spec->tensors[i].name);
    for (size_t i = 0; i < spec->info.n_labels; i++)
        free(spec->labels[i]);
    free(spec->tensors);
    free(spec->labels);
    free(spec->states);
    free(spec->cells);
    free(spec->layers);
    free(spec->json);
    free(spec);
}

static enum lstm_status keep_text(struct spec *spec, const char *json, size_t n,
                                  struct lstm_error *error)
{
    spec->json = malloc(n + 1);
    if (spec->json == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the description");
    memcpy(spec->json, json, n);
    spec->json[n] = '\0';
    spec->json_bytes = n;
    return LSTM_OK;
}

enum lstm_status spec_create(const char *json, size_t n, struct spec **spec,
                             struct lstm_error *error)
{
    struct doc *root = NULL;
    *spec = NULL;
    struct spec *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a model");
    atomic_init(&made->references, 1);
    enum lstm_status status = doc_parse(json, n, &root, error);
    if (status == LSTM_OK)
        status = keep_text(made, json, n, error);
    if (status == LSTM_OK)
        status = spec_read(root, made, error);
    if (status == LSTM_OK)
        status = spec_layout(made, error);
    doc_destroy(root);
    if (status == LSTM_OK)
        *spec = made;
    else
        destroy(made);
    return status;
}

struct spec *spec_retain(struct spec *spec)
{
    atomic_fetch_add_explicit(&spec->references, 1, memory_order_relaxed);
    return spec;
}

void spec_release(struct spec *spec)
{
    if (spec != NULL && atomic_fetch_sub_explicit(&spec->references, 1, memory_order_acq_rel) == 1)
        destroy(spec);
}

/* A tensor belongs to the layer whose name it begins with; a layer that shares has none. */
static size_t count_parameters(const struct spec *spec, const struct layer *layer)
{
    const size_t n = strlen(layer->name);
    size_t sum = 0;
    for (size_t k = 0; k < spec->n_tensors && !layer->reuse && n > 0; k++)
        if (strncmp(spec->tensors[k].name, layer->name, n) == 0 && spec->tensors[k].name[n] == '/')
            sum += spec->tensors[k].n;
    return sum;
}

struct lstm_layer_info spec_layer_info(const struct spec *spec, size_t k)
{
    const struct layer *layer = &spec->layers[k];
    return (struct lstm_layer_info){.type = layer->type->name,
                                    .name = layer->name,
                                    .activation = layer->type == &layer_pooling
                                                      ? pooling_names[layer->reduce]
                                                      : activation_names[layer->activation],
                                    .inputs = layer->inputs,
                                    .units = layer->units,
                                    .n_parameters = count_parameters(spec, layer)};
}

static bool same_layer(const struct layer *a, const struct layer *b)
{
    return a->type == b->type && a->inputs == b->inputs && a->units == b->units &&
           a->activation == b->activation && a->recurrent_activation == b->recurrent_activation &&
           a->forget_bias == b->forget_bias && a->use_peepholes == b->use_peepholes &&
           a->num_proj == b->num_proj && a->proj_clip == b->proj_clip &&
           a->cell_clip == b->cell_clip && a->reset_after == b->reset_after &&
           a->vocabulary == b->vocabulary && a->return_sequences == b->return_sequences &&
           a->go_backwards == b->go_backwards && a->bidirectional == b->bidirectional &&
           a->mask_zero == b->mask_zero && a->reduce == b->reduce &&
           a->mask_value == b->mask_value && memcmp(a->tensors, b->tensors, sizeof a->tensors) == 0;
}

bool spec_same_architecture(const struct spec *a, const struct spec *b)
{
    if (a == b)
        return true;
    if (a->n_layers != b->n_layers || a->n_weights != b->n_weights ||
        a->info.steps != b->info.steps || a->info.features != b->info.features)
        return false;
    for (size_t i = 0; i < a->n_layers; i++)
        if (!same_layer(&a->layers[i], &b->layers[i]))
            return false;
    for (size_t k = 0; k < a->info.n_recurrent; k++)
        if (!same_layer(&a->cells[k], &b->cells[k]))
            return false;
    return true;
}
