/* spec_read.c: the keys of model.json. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/spec_internal.h"
#include "core/status.h"

const char *const spec_dtype_names[] = {
    [LSTM_F32] = "F32", [LSTM_F64] = "F64", [LSTM_F16] = "F16", [LSTM_BF16] = "BF16", NULL};

const char *const spec_loss_names[] = {[LSTM_SOFTMAX_CROSS_ENTROPY] = "softmax_cross_entropy",
                                       [LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX] =
                                           "softmax_cross_entropy_on_softmax",
                                       [LSTM_MEAN_SQUARED_ERROR] = "mean_squared_error",
                                       NULL};

static const char *const optimizer_names[] = {[LSTM_ADAM] = "adam", [LSTM_SGD] = "sgd", NULL};
static const char *const format_names[] = {"lstmd-model-1", NULL};

/* What the tables below fill; copied into the spec once all is read. */
struct text {
    int format, dtype;
    size_t steps, features;
    double scale;
    int loss, optimizer;
    struct lstm_training training;
};

#define AT(member) offsetof(struct text, member)

static const struct field input_fields[] = {
    {"steps", FIELD_SIZE, AT(steps), 0, 1 << 24, NULL, NULL, false},
    {"features", FIELD_SIZE, AT(features), 1, LAYER_MAX_UNITS, NULL, NULL, true},
    {"scale", FIELD_REAL, AT(scale), -(double)FLT_MAX, (double)FLT_MAX, NULL, NULL, false},
    {0}};

static const struct field training_fields[] = {
    {"loss", FIELD_CHOICE, AT(loss), 0, 0, spec_loss_names, NULL, false},
    {"optimizer", FIELD_CHOICE, AT(optimizer), 0, 0, optimizer_names, NULL, false},
    {"learning_rate", FIELD_REAL, AT(training.learning_rate), 0, 1e6, NULL, NULL, false},
    {"beta1", FIELD_REAL, AT(training.beta1), 0, 0.999999999, NULL, NULL, false},
    {"beta2", FIELD_REAL, AT(training.beta2), 0, 0.999999999, NULL, NULL, false},
    {"epsilon", FIELD_REAL, AT(training.epsilon), 0, 1, NULL, NULL, false},
    {"clip_norm", FIELD_REAL, AT(training.clip_norm), 0, 1e30, NULL, NULL, false},
    {0}};

/* The nested objects fill the same struct: their rows' offsets count from its beginning. */
static const struct field top_fields[] = {
    {"format", FIELD_CHOICE, AT(format), 0, 0, format_names, NULL, true},
    {"dtype", FIELD_CHOICE, AT(dtype), 0, 0, spec_dtype_names, NULL, false},
    {"input", FIELD_OBJECT, 0, 0, 0, NULL, input_fields, true},
    {"layers", FIELD_OTHER, 0, 0, 0, NULL, NULL, true},
    {"labels", FIELD_OTHER, 0, 0, 0, NULL, NULL, false},
    {"training", FIELD_OBJECT, 0, 0, 0, NULL, training_fields, false},
    {0}};

static const struct layer_type *find_type(const struct doc *object)
{
    const char *name;
    if (!doc_text(doc_get(object, "type"), &name))
        return NULL;
    for (size_t i = 0; layer_types[i] != NULL; i++)
        if (strcmp(layer_types[i]->name, name) == 0)
            return layer_types[i];
    return NULL;
}

static enum lstm_status read_layer(const struct doc *object, size_t number, struct layer *layer,
                                   struct lstm_error *error)
{
    char path[32];
    snprintf(path, sizeof path, "layers[%zu]", number);
    if (!doc_is_object(object))
        return lstm_fail(error, LSTM_INVALID, "%s: expected an object, found %s", path,
                         doc_kind(object));
    const struct layer_type *type = find_type(object);
    if (type == NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "%s.type: expected one of: lstm, gru, masking, embedding, dense, dropout, "
                         "pooling",
                         path);
    *layer = (struct layer){.type = type,
                            .number = number,
                            .activation = type->is_recurrent ? ACTIVATION_TANH : ACTIVATION_LINEAR,
                            .recurrent_activation = ACTIVATION_SIGMOID,
                            .forget_bias = 1.0,
                            .bidirectional = MERGE_NONE,
                            .kernel_initializer.stddev = 1.0,
                            .bias_initializer.stddev = 1.0};
    const enum lstm_status status = fields_read(object, type->fields, layer, path, error);
    return status == LSTM_OK && type->check != NULL ? type->check(layer, error) : status;
}

static enum lstm_status read_layers(const struct doc *array, struct spec *spec,
                                    struct lstm_error *error)
{
    const size_t n = doc_length(array);
    if (!doc_is_array(array) || n == 0 || n > SPEC_MAX_LAYERS)
        return lstm_fail(error, LSTM_INVALID, "layers: expected an array of 1 to %d layers",
                         SPEC_MAX_LAYERS);
    spec->layers = calloc(n, sizeof *spec->layers);
    if (spec->layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu layers", n);
    spec->n_layers = n;
    for (size_t i = 0; i < n; i++) {
        enum lstm_status status = read_layer(doc_at(array, i), i, &spec->layers[i], error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

static enum lstm_status read_labels(const struct doc *array, struct spec *spec,
                                    struct lstm_error *error)
{
    if (array == NULL)
        return LSTM_OK;
    const size_t n = doc_length(array);
    if (!doc_is_array(array) || n == 0 || n > SPEC_MAX_LABELS)
        return lstm_fail(error, LSTM_INVALID, "labels: expected an array of 1 to %d strings",
                         SPEC_MAX_LABELS);
    spec->labels = calloc(n, sizeof *spec->labels);
    if (spec->labels == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu labels", n);
    spec->info.n_labels = n;
    for (size_t i = 0; i < n; i++) {
        const char *label;
        if (!doc_text(doc_at(array, i), &label))
            return lstm_fail(error, LSTM_INVALID, "labels[%zu]: expected a string, found %s", i,
                             doc_kind(doc_at(array, i)));
        spec->labels[i] = strdup(label);
        if (spec->labels[i] == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the labels");
    }
    spec->info.labels = (const char *const *)spec->labels;
    return LSTM_OK;
}

enum lstm_status spec_read(const struct doc *root, struct spec *spec, struct lstm_error *error)
{
    struct text text = {
        .scale = 1.0,
        .training = {.learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}};
    enum lstm_status status = fields_read(root, top_fields, &text, "model", error);
    if (status != LSTM_OK)
        return status;
    spec->dtype = text.dtype;
    spec->info.steps = text.steps;
    spec->info.features = text.features;
    spec->info.scale = (float)text.scale;
    spec->info.training = text.training;
    spec->info.training.loss = (enum lstm_loss)text.loss;
    spec->info.training.optimizer = (enum lstm_optimizer)text.optimizer;
    status = read_layers(doc_get(root, "layers"), spec, error);
    return status == LSTM_OK ? read_labels(doc_get(root, "labels"), spec, error) : status;
}
