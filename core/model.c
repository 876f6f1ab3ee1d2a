/* model.c: models made, loaded and described. SPDX-License-Identifier: Apache-2.0 */
#include "core/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/float_formats.h"
#include "core/memory.h"
#include "core/safetensors.h"
#include "core/status.h"

static const size_t max_json_bytes = 16u << 20, max_weights_bytes = (size_t)8 << 30;

/* Tensors begin on borders; what lies between them is read with them. */
static void clear_gaps(const struct spec *spec, float *weights)
{
    for (size_t k = 0; k < spec->n_tensors; k++) {
        const size_t end = spec->tensors[k].offset + spec->tensors[k].n;
        const size_t next = k + 1 < spec->n_tensors ? spec->tensors[k + 1].offset : spec->n_weights;
        memset(weights + end, 0, (next - end) * sizeof *weights);
    }
}

enum lstm_status model_create(struct spec *spec, const float *weights, struct lstm_model **model,
                              struct lstm_error *error)
{
    *model = NULL;
    struct lstm_model *made = calloc(1, sizeof *made);
    float *copy = memory_floats_unset(spec->n_weights);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu weights", spec->n_weights);
    }
    if (weights != NULL)
        memcpy(copy, weights, spec->n_weights * sizeof *copy);
    else
        clear_gaps(spec, copy);
    made->spec = spec_retain(spec);
    made->weights = copy;
    *model = made;
    return LSTM_OK;
}

void lstm_model_destroy(struct lstm_model *model)
{
    if (model == NULL)
        return;
    spec_release(model->spec);
    free(model->weights);
    free(model);
}

/* Each tensor draws from a stream of its own, so adding a layer leaves the others as they were. */
enum lstm_status lstm_model_create(const char *json, size_t json_bytes, uint64_t seed,
                                   struct lstm_model **model, struct lstm_error *error)
{
    struct spec *spec;
    *model = NULL;
    enum lstm_status status = spec_create(json, json_bytes, &spec, error);
    if (status != LSTM_OK)
        return status;
    status = model_create(spec, NULL, model, error);
    for (size_t k = 0; status == LSTM_OK && k < spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &spec->tensors[k];
        struct lstm_random random;
        lstm_random_init(&random, seed, k);
        initializer_fill(&tensor->initializer, (*model)->weights + tensor->offset, tensor->shape[0],
                         tensor->shape[1], &random);
    }
    spec_release(spec);
    return status;
}

static enum lstm_status check_entry(const struct tensor_spec *tensor,
                                    const struct safetensors_entry *entry, struct lstm_error *error)
{
    if (entry == NULL)
        return lstm_fail(error, LSTM_FORMAT, "tensor %s is missing from the weights", tensor->name);
    const bool fits = entry->rank == tensor->rank && entry->shape[0] == tensor->shape[0] &&
                      (tensor->rank == 1 || entry->shape[1] == tensor->shape[1]);
    if (fits)
        return LSTM_OK;
    char found[96] = "";
    for (size_t i = 0, n = 0; i < entry->rank && n < sizeof found; i++)
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%zu", i > 0 ? ", " : "",
                              entry->shape[i]);
    if (tensor->rank == 1)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor %s: expected shape [%zu] by model.json, found [%s]", tensor->name,
                         tensor->shape[0], found);
    return lstm_fail(error, LSTM_FORMAT,
                     "tensor %s: expected shape [%zu, %zu] by model.json, found [%s]", tensor->name,
                     tensor->shape[0], tensor->shape[1], found);
}

/* Checked before the weights' memory is asked for: a description larger than its file is an error,
 * not an allocation. */
static enum lstm_status check_entries(const struct spec *spec, const struct safetensors *file,
                                      struct lstm_error *error)
{
    for (size_t k = 0; k < spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &spec->tensors[k];
        enum lstm_status status = check_entry(tensor, safetensors_find(file, tensor->name), error);
        if (status != LSTM_OK)
            return status;
    }
    for (size_t i = 0; i < file->n; i++) {
        size_t k = 0;
        while (k < spec->n_tensors && strcmp(spec->tensors[k].name, file->entries[i].name) != 0)
            k++;
        if (k == spec->n_tensors)
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor %.80s is in the weights, but model.json has no layer for it",
                             file->entries[i].name);
    }
    return LSTM_OK;
}

static enum lstm_status fill_weights(struct lstm_model *model, const struct safetensors *file,
                                     struct lstm_error *error)
{
    for (size_t k = 0; k < model->spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &model->spec->tensors[k];
        enum lstm_status status = safetensors_floats(safetensors_find(file, tensor->name),
                                                     model->weights + tensor->offset, error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

enum lstm_status lstm_model_parse(const char *json, size_t json_bytes, const void *weights,
                                  size_t weights_bytes, struct lstm_model **model,
                                  struct lstm_error *error)
{
    struct spec *spec;
    struct safetensors file = {0};
    *model = NULL;
    enum lstm_status status = spec_create(json, json_bytes, &spec, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, MODEL_FILE);
    status = safetensors_open(weights, weights_bytes, &file, error);
    if (status == LSTM_OK)
        status = check_entries(spec, &file, error);
    if (status == LSTM_OK)
        status = model_create(spec, NULL, model, error);
    if (status == LSTM_OK)
        status = fill_weights(*model, &file, error);
    if (status != LSTM_OK) {
        lstm_model_destroy(*model);
        *model = NULL;
        lstm_fail_in(error, status, WEIGHTS_FILE);
    }
    safetensors_release(&file);
    spec_release(spec);
    return status;
}

enum lstm_status model_path(char path[PATH_MAX], const char *folder, const char *name,
                            struct lstm_error *error)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    if (n >= 0 && n < PATH_MAX)
        return LSTM_OK;
    return lstm_fail(error, LSTM_INVALID, "the path %.80s... is too long", folder);
}

static enum lstm_status read_part(const char *folder, const char *name, size_t max_bytes,
                                  char **data, size_t *n, struct lstm_error *error)
{
    char path[PATH_MAX];
    *data = NULL;
    enum lstm_status status = model_path(path, folder, name, error);
    return status == LSTM_OK ? file_read(path, max_bytes, data, n, error) : status;
}

enum lstm_status lstm_model_load(const char *folder, struct lstm_model **model,
                                 struct lstm_error *error)
{
    char *json = NULL, *weights = NULL;
    size_t json_bytes = 0, weights_bytes = 0;
    *model = NULL;
    enum lstm_status status =
        read_part(folder, MODEL_FILE, max_json_bytes, &json, &json_bytes, error);
    if (status == LSTM_OK)
        status =
            read_part(folder, WEIGHTS_FILE, max_weights_bytes, &weights, &weights_bytes, error);
    if (status == LSTM_OK) {
        status = lstm_model_parse(json, json_bytes, weights, weights_bytes, model, error);
        if (status != LSTM_OK)
            lstm_fail_in(error, status, "%s", folder);
    }
    free(json);
    free(weights);
    return status;
}

enum lstm_status lstm_model_check(const struct lstm_model *model, struct lstm_error *error)
{
    for (size_t k = 0; k < model->spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &model->spec->tensors[k];
        const float *const values = model->weights + tensor->offset;
        const size_t i = float_format_find_non_finite(LSTM_F32, values, tensor->n);
        if (i < tensor->n)
            return lstm_fail(error, LSTM_NON_FINITE,
                             "tensor %s: value %zu is %g; expected finite numbers: with these "
                             "weights no output would be one",
                             tensor->name, i, (double)values[i]);
    }
    return LSTM_OK;
}

const struct lstm_model_info *lstm_model_info(const struct lstm_model *model)
{
    return &model->spec->info;
}

const struct lstm_state_info *lstm_model_state(const struct lstm_model *model, size_t k)
{
    return &model->spec->states[k];
}

size_t lstm_model_n_layers(const struct lstm_model *model)
{
    return model->spec->n_layers;
}

struct lstm_layer_info lstm_model_layer(const struct lstm_model *model, size_t k)
{
    return spec_layer_info(model->spec, k);
}

size_t lstm_model_n_tensors(const struct lstm_model *model)
{
    return model->spec->n_tensors;
}

struct lstm_tensor lstm_model_tensor(const struct lstm_model *model, size_t k)
{
    const struct tensor_spec *tensor = &model->spec->tensors[k];
    return (struct lstm_tensor){.name = tensor->name,
                                .rank = tensor->rank,
                                .shape = {tensor->shape[0], tensor->shape[1]},
                                .data = model->weights + tensor->offset};
}

bool lstm_model_same_architecture(const struct lstm_model *a, const struct lstm_model *b)
{
    return spec_same_architecture(a->spec, b->spec);
}
