/* keras_layers.c: keras_config.h: layers of Keras as layers of lstmd, by a table of their classes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/activation.h"
#include "core/import/keras_config.h"
#include "core/import/keras_weights.h"
#include "core/status.h"

/* A plan being made. */
struct planning {
    struct import_source *source;
    const struct keras_model *model;
    struct import_plan *plan;
    struct lstm_error *error;
};

/* Reads a key of a layer's configuration; what is absent, null or of another kind stays. */
static bool flag_of(const struct doc *config, const char *key)
{
    bool value = false;
    const struct doc *found = doc_get(config, key);
    if (found != NULL)
        doc_bool(found, &value);
    return value;
}

static double real_of(const struct doc *config, const char *key, double value)
{
    const struct doc *found = doc_get(config, key);
    if (found != NULL)
        doc_real(found, &value);
    return value;
}

static const char *text_of(const struct doc *config, const char *key)
{
    const char *text = NULL;
    const struct doc *found = doc_get(config, key);
    return found != NULL && doc_text(found, &text) ? text : NULL;
}

static enum lstm_status refuse(struct planning *planning, const struct keras_layer *layer,
                               const char *why)
{
    return lstm_fail(planning->error, LSTM_UNSUPPORTED, "Keras layer '%.60s' (%.40s): %s",
                     layer->name, layer->class_name, why);
}

/* [null, T, D] of the input; [null, T] in front of an embedding. */
static void read_input_shape(struct planning *planning, const struct doc *config)
{
    static const char *const keys[] = {"batch_input_shape", "batch_shape"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const struct doc *shape = doc_get(config, keys[k]);
        const size_t rank = shape == NULL ? 0 : doc_length(shape);
        if (rank != 2 && rank != 3)
            continue;
        doc_size(doc_at(shape, 1), &planning->plan->steps);
        if (rank == 3)
            doc_size(doc_at(shape, 2), &planning->plan->features);
    }
}

/* ---- Activations ---------------------------------------------------------------------------- */

/* The name of an activation: a text, or since Keras 3 perhaps {"class_name": "function", "config":
 * "tanh"}. NULL: none is said. */
static const char *activation_text(const struct doc *config, const char *key)
{
    const struct doc *value = doc_get(config, key);
    return value != NULL && doc_is_object(value) ? text_of(value, "config") : text_of(config, key);
}

/* Puts lstmd's name of an activation into name[32]. hard_sigmoid is clip(0.2 x + 0.5, 0, 1) up to
 * Keras 2 and relu6(x + 3) / 6 since Keras 3. */
static enum lstm_status set_activation(struct planning *planning, const struct keras_layer *layer,
                                       const char *keras_name, bool is_gate, char name[32])
{
    const bool is_hard = strcmp(keras_name, "hard_sigmoid") == 0;
    const char *known =
        is_hard && planning->model->generation >= 3 ? "hard_sigmoid_keras3" : keras_name;
    for (size_t k = 0; activation_names[k] != NULL; k++)
        if (strcmp(activation_names[k], known) == 0 &&
            !(is_gate && strcmp(known, "softmax") == 0)) {
            snprintf(name, 32, "%s", known);
            return LSTM_OK;
        }
    return lstm_fail(planning->error, LSTM_UNSUPPORTED,
                     "Keras layer '%.60s' (%.40s): activation '%.40s' is not supported; train it "
                     "with tanh, sigmoid, relu or another that models/README.md lists",
                     layer->name, layer->class_name, keras_name);
}

/* Reads an activation of a configuration; absent is `convention`. */
static enum lstm_status read_activation(struct planning *planning, const struct keras_layer *layer,
                                        const struct doc *config, const char *key,
                                        const char *convention, bool is_gate, char name[32])
{
    const char *text = activation_text(config, key);
    const struct doc *value = doc_get(config, key);
    if (text == NULL && value != NULL && !doc_is_null(value))
        return refuse(planning, layer, "its activation is a layer or a function of one's own");
    /* null is no activation at all; an older generation's absent key is the default. */
    if (text == NULL)
        text = value == NULL ? convention : "linear";
    return set_activation(planning, layer, text, is_gate, name);
}

/* ---- Layers with weights -------------------------------------------------------------------- */

static enum lstm_status collect(struct planning *planning, const struct keras_layer *layer,
                                struct keras_weights *weights)
{
    enum lstm_status status = keras_weights_collect(planning->source, layer->scope,
                                                    strlen(layer->scope), weights, planning->error);
    if (status != LSTM_OK)
        return status;
    if (weights->other != NULL)
        return lstm_fail(planning->error, LSTM_UNSUPPORTED,
                         "Keras layer '%.60s' (%.40s) has a weight '%.60s', which such a layer of "
                         "lstmd has not",
                         layer->name, layer->class_name, weights->other->name);
    if (weights->n_arrays == 0)
        return lstm_fail(planning->error, LSTM_FORMAT,
                         "Keras layer '%.60s' (%.40s): the file has no weights of it under '%.80s'",
                         layer->name, layer->class_name, layer->scope);
    return LSTM_OK;
}

static enum lstm_status check_recurrent(struct planning *planning, const struct keras_layer *layer,
                                        const struct doc *config)
{
    if (flag_of(config, "time_major"))
        return refuse(planning, layer, "time_major is not supported; save it batch-major");
    if (flag_of(config, "zero_output_for_mask") && flag_of(config, "return_sequences"))
        return refuse(planning, layer,
                      "zero_output_for_mask is not supported; masked steps repeat the last output");
    if (flag_of(config, "stateful"))
        import_note(planning->source,
                    "layer %.80s: stateful is ignored; sessions keep a state between requests",
                    layer->name);
    if (real_of(config, "dropout", 0) > 0 || real_of(config, "recurrent_dropout", 0) > 0 ||
        real_of(config, "dropout_U", 0) > 0 || real_of(config, "dropout_W", 0) > 0)
        import_note(planning->source,
                    "layer %.80s: its dropout is for training only and was left out", layer->name);
    return LSTM_OK;
}

/* A cell's settings; CuDNN's layers have none of them, and are tanh and sigmoid. */
static enum lstm_status read_cell(struct planning *planning, const struct keras_layer *layer,
                                  const struct doc *config, bool is_cudnn,
                                  struct import_layer *made)
{
    const char *gates =
        doc_get(config, "inner_activation") != NULL ? "inner_activation" : "recurrent_activation";
    const bool was_hard = planning->model->generation < 2 && !is_cudnn;
    enum lstm_status status = check_recurrent(planning, layer, config);
    if (status == LSTM_OK)
        status =
            read_activation(planning, layer, config, "activation", "tanh", true, made->activation);
    if (status == LSTM_OK)
        status =
            read_activation(planning, layer, config, gates, was_hard ? "hard_sigmoid" : "sigmoid",
                            true, made->recurrent_activation);
    made->return_sequences = flag_of(config, "return_sequences");
    made->go_backwards = flag_of(config, "go_backwards");
    made->reset_after = made->kind == IMPORT_GRU && flag_of(config, "reset_after");
    /* Keras then gives the last step first. */
    if (status == LSTM_OK && made->go_backwards && made->return_sequences)
        return refuse(planning, layer, "go_backwards with return_sequences is not supported");
    return status;
}

/* A recurrent layer, or the one inside a Bidirectional: `inner` and `config` are then its own. */
static enum lstm_status add_cells(struct planning *planning, const struct keras_layer *layer,
                                  const char *inner, const struct doc *config,
                                  const char *bidirectional)
{
    struct keras_weights weights;
    struct import_layer *made;
    const bool is_cudnn = strncmp(inner, "CuDNN", 5) == 0;
    const char *cell = is_cudnn ? inner + 5 : inner;
    const enum import_kind kind = strcmp(cell, "LSTM") == 0 ? IMPORT_LSTM : IMPORT_GRU;
    enum lstm_status status = collect(planning, layer, &weights);
    if (status == LSTM_OK)
        status = import_add_layer(planning->plan, kind, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        status = read_cell(planning, layer, config, is_cudnn, made);
    if (status != LSTM_OK)
        return status;
    if (weights.is_bidirectional != (bidirectional != NULL))
        return refuse(planning, layer, "its weights are not those of such a layer");
    if (bidirectional != NULL)
        snprintf(made->bidirectional, sizeof made->bidirectional, "%s", bidirectional);
    return keras_cells_fill(planning->source, &weights, made, planning->error);
}

static enum lstm_status add_recurrent(struct planning *planning, const struct keras_layer *layer,
                                      const struct doc *config)
{
    return add_cells(planning, layer, layer->class_name, config, NULL);
}

static bool is_recurrent_class(const char *name)
{
    static const char *const names[] = {"LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (name != NULL && strcmp(names[k], name) == 0)
            return true;
    return false;
}

/* The backward layer is the forward one turned round, unless a configuration of its own says
 * otherwise. */
static bool is_mirrored(const struct doc *forward, const struct doc *backward)
{
    static const char *const keys[] = {"activation", "recurrent_activation"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *a = activation_text(forward, keys[k]), *b = activation_text(backward, keys[k]);
        if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
            return false;
    }
    return flag_of(backward, "go_backwards") &&
           flag_of(forward, "return_sequences") == flag_of(backward, "return_sequences") &&
           flag_of(forward, "reset_after") == flag_of(backward, "reset_after");
}

static enum lstm_status add_bidirectional(struct planning *planning,
                                          const struct keras_layer *layer, const struct doc *config)
{
    static const char *const modes[] = {"concat", "sum", "mul", "ave"};
    const struct doc *inner = doc_get(config, "layer"),
                     *backward = doc_get(config, "backward_layer");
    const struct doc *inner_config = doc_get(inner, "config");
    const char *class_name = text_of(inner, "class_name"), *mode = text_of(config, "merge_mode");
    bool is_mode = false;
    for (size_t k = 0; k < sizeof modes / sizeof *modes; k++)
        is_mode = is_mode || (mode != NULL && strcmp(mode, modes[k]) == 0);
    if (!is_recurrent_class(class_name) || inner_config == NULL)
        return refuse(planning, layer, "only an LSTM or a GRU inside of it is supported");
    if (!is_mode)
        return refuse(planning, layer, "merge_mode must be concat, sum, mul or ave");
    if (flag_of(inner_config, "go_backwards"))
        return refuse(planning, layer, "go_backwards inside of it is not supported");
    if (backward != NULL && doc_is_object(backward) &&
        !is_mirrored(inner_config, doc_get(backward, "config")))
        return refuse(planning, layer, "its backward_layer differs from its layer");
    return add_cells(planning, layer, class_name, inner_config, mode);
}

static enum lstm_status add_dense(struct planning *planning, const struct keras_layer *layer,
                                  const struct doc *config)
{
    struct keras_weights weights;
    struct import_layer *made;
    enum lstm_status status = collect(planning, layer, &weights);
    if (status == LSTM_OK)
        status =
            import_add_layer(planning->plan, IMPORT_DENSE, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        status = read_activation(planning, layer, config, "activation", "linear", false,
                                 made->activation);
    if (status != LSTM_OK)
        return status;
    const struct keras_cell *cell = &weights.cells[0];
    if (cell->kernel.whole == NULL)
        return refuse(planning, layer, "the file has no kernel of it");
    made->kernel = *cell->kernel.whole;
    if (cell->bias.whole != NULL)
        made->bias = *cell->bias.whole;
    return LSTM_OK;
}

static enum lstm_status add_embedding(struct planning *planning, const struct keras_layer *layer,
                                      const struct doc *config)
{
    struct keras_weights weights;
    struct import_layer *made;
    enum lstm_status status = collect(planning, layer, &weights);
    if (status == LSTM_OK)
        status =
            import_add_layer(planning->plan, IMPORT_EMBEDDING, layer->name, &made, planning->error);
    if (status != LSTM_OK)
        return status;
    const struct import_array *kernel =
        weights.embeddings != NULL ? weights.embeddings : weights.cells[0].kernel.whole;
    if (kernel == NULL)
        return refuse(planning, layer, "the file has no embeddings of it");
    made->kernel = *kernel;
    made->mask_zero = flag_of(config, "mask_zero");
    planning->plan->features = 1;
    return LSTM_OK;
}

/* ---- Layers without weights ----------------------------------------------------------------- */

static enum lstm_status add_input(struct planning *planning, const struct keras_layer *layer,
                                  const struct doc *config)
{
    (void)planning;
    (void)layer;
    (void)config;
    return LSTM_OK;
}

static enum lstm_status add_dropout(struct planning *planning, const struct keras_layer *layer,
                                    const struct doc *config)
{
    struct import_layer *made;
    const double rate = real_of(config, "rate", real_of(config, "p", 0));
    if (!(rate > 0) || !(rate < 1))
        return LSTM_OK;
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_DROPOUT, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        made->rate = rate;
    return status;
}

static enum lstm_status add_masking(struct planning *planning, const struct keras_layer *layer,
                                    const struct doc *config)
{
    struct import_layer *made;
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_MASKING, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        made->mask_value = real_of(config, "mask_value", 0);
    return status;
}

/* An activation of its own belongs to the dense layer in front of it; dropout between the two does
 * nothing where a model serves. */
static enum lstm_status set_last_activation(struct planning *planning,
                                            const struct keras_layer *layer, const char *name)
{
    struct import_plan *plan = planning->plan;
    size_t k = plan->n_layers;
    if (strcmp(name, "linear") == 0)
        return LSTM_OK;
    while (k > 0 && plan->layers[k - 1].kind == IMPORT_DROPOUT)
        k--;
    if (k == 0 || plan->layers[k - 1].kind != IMPORT_DENSE ||
        strcmp(plan->layers[k - 1].activation, "linear") != 0)
        return refuse(planning, layer,
                      "an activation is supported behind a Dense layer that has none of its own");
    return set_activation(planning, layer, name, false, plan->layers[k - 1].activation);
}

static enum lstm_status add_activation(struct planning *planning, const struct keras_layer *layer,
                                       const struct doc *config)
{
    const char *name = activation_text(config, "activation");
    return name == NULL ? refuse(planning, layer, "its activation has no name")
                        : set_last_activation(planning, layer, name);
}

static enum lstm_status add_softmax(struct planning *planning, const struct keras_layer *layer,
                                    const struct doc *config)
{
    if (doc_get(config, "axis") != NULL && real_of(config, "axis", 0) != -1)
        return refuse(planning, layer, "only a softmax over the last axis (-1) is supported");
    return set_last_activation(planning, layer, "softmax");
}

static enum lstm_status add_relu(struct planning *planning, const struct keras_layer *layer,
                                 const struct doc *config)
{
    const double most = real_of(config, "max_value", 0);
    if (real_of(config, "negative_slope", 0) != 0 || real_of(config, "threshold", 0) != 0 ||
        (most != 0 && most != 6))
        return refuse(planning, layer,
                      "negative_slope and threshold must be 0, and max_value none or 6");
    return set_last_activation(planning, layer, most != 0 ? "relu6" : "relu");
}

static enum lstm_status add_wrapped(struct planning *planning, const struct keras_layer *layer,
                                    const struct doc *config);

/* A class of Keras, and what adds it. `config` is its own also where another layer wraps it. */
static const struct {
    const char *class_name;
    enum lstm_status (*add)(struct planning *planning, const struct keras_layer *layer,
                            const struct doc *config);
    bool may_be_wrapped; /* in TimeDistributed: it treats each step alone anyway */
} classes[] = {{"Activation", add_activation, true},
               {"Bidirectional", add_bidirectional, false},
               {"CuDNNGRU", add_recurrent, false},
               {"CuDNNLSTM", add_recurrent, false},
               {"Dense", add_dense, true},
               {"Dropout", add_dropout, true},
               {"Embedding", add_embedding, false},
               {"GRU", add_recurrent, false},
               {"InputLayer", add_input, false},
               {"LSTM", add_recurrent, false},
               {"Masking", add_masking, false},
               {"ReLU", add_relu, true},
               {"Softmax", add_softmax, true},
               {"SpatialDropout1D", add_dropout, false},
               {"TimeDistributed", add_wrapped, false},
               {"TimeDistributedDense", add_dense, false}};

static enum lstm_status add_wrapped(struct planning *planning, const struct keras_layer *layer,
                                    const struct doc *config)
{
    const struct doc *inner = doc_get(config, "layer");
    const char *name = text_of(inner, "class_name");
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
        if (name != NULL && classes[k].may_be_wrapped && strcmp(classes[k].class_name, name) == 0)
            return classes[k].add(planning, layer, doc_get(inner, "config"));
    return refuse(planning, layer, "only a Dense layer inside of it is supported");
}

static enum lstm_status add(struct planning *planning, const struct keras_layer *layer)
{
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
        if (strcmp(classes[k].class_name, layer->class_name) == 0) {
            if (planning->plan->n_layers == 0)
                read_input_shape(planning, layer->config);
            return classes[k].add(planning, layer, layer->config);
        }
    return refuse(planning, layer,
                  "lstmd has no such layer; take it out of the model, or serve the part up to it");
}

enum lstm_status keras_config_plan(struct import_source *source, const struct keras_model *model,
                                   struct import_plan *plan, struct lstm_error *error)
{
    struct planning planning = {source, model, plan, error};
    struct keras_layers *layers = calloc(1, sizeof *layers);
    if (layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    enum lstm_status status = keras_config_list(model, layers, error);
    for (size_t k = 0; k < layers->n && status == LSTM_OK; k++)
        status = add(&planning, &layers->layers[k]);
    free(layers);
    return status;
}
