/* keras_layers.c: keras_config.h: layers of Keras as layers of lstmd, by a table of their classes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/import/keras_norm.h"
#include "core/import/keras_read.h"
#include "core/status.h"

/* [null, T, D] of the input; [null, T] in front of an embedding. */
static void read_input_shape(struct keras_planning *planning, const struct doc *config)
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

/* ---- Layers with weights -------------------------------------------------------------------- */

static enum lstm_status add_dense(struct keras_planning *planning, const struct keras_layer *layer,
                                  const struct doc *config)
{
    struct keras_weights weights;
    struct import_layer *made;
    enum lstm_status status = keras_read_weights(planning, layer, &weights);
    if (status == LSTM_OK)
        status =
            import_add_layer(planning->plan, IMPORT_DENSE, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        status = keras_read_activation(planning, layer, config, "activation", "linear", false,
                                       made->activation);
    if (status != LSTM_OK)
        return status;
    const struct keras_cell *cell = &weights.cells[0];
    if (cell->kernel.whole == NULL)
        return keras_read_refuse(planning, layer, "the file has no kernel of it");
    made->kernel = *cell->kernel.whole;
    if (cell->bias.whole != NULL)
        made->bias = *cell->bias.whole;
    return LSTM_OK;
}

static enum lstm_status add_embedding(struct keras_planning *planning,
                                      const struct keras_layer *layer, const struct doc *config)
{
    struct keras_weights weights;
    struct import_layer *made;
    enum lstm_status status = keras_read_weights(planning, layer, &weights);
    if (status == LSTM_OK)
        status =
            import_add_layer(planning->plan, IMPORT_EMBEDDING, layer->name, &made, planning->error);
    if (status != LSTM_OK)
        return status;
    const struct import_array *kernel =
        weights.embeddings != NULL ? weights.embeddings : weights.cells[0].kernel.whole;
    if (kernel == NULL)
        return keras_read_refuse(planning, layer, "the file has no embeddings of it");
    made->kernel = *kernel;
    made->mask_zero = keras_read_flag(config, "mask_zero");
    planning->plan->features = 1;
    return LSTM_OK;
}

/* ---- Layers without weights ----------------------------------------------------------------- */

static enum lstm_status add_input(struct keras_planning *planning, const struct keras_layer *layer,
                                  const struct doc *config)
{
    (void)planning;
    (void)layer;
    (void)config;
    return LSTM_OK;
}

/* Noise and penalties that do nothing where a model serves, and that lstmd's training has not. */
static enum lstm_status leave_out(struct keras_planning *planning, const struct keras_layer *layer,
                                  const struct doc *config)
{
    (void)config;
    import_note(planning->source, "layer %.80s (%.40s) is for training only and was left out",
                layer->name, layer->class_name);
    return LSTM_OK;
}

static enum lstm_status add_dropout(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config)
{
    struct import_layer *made;
    const struct doc *noise_shape = doc_get(config, "noise_shape");
    if (noise_shape != NULL && !doc_is_null(noise_shape)) /* values fall in groups, not alone */
        return leave_out(planning, layer, config);
    const double rate = keras_read_real(config, "rate", keras_read_real(config, "p", 0));
    if (!(rate > 0) || !(rate < 1))
        return LSTM_OK;
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_DROPOUT, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        made->rate = rate;
    return status;
}

static enum lstm_status add_masking(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config)
{
    struct import_layer *made;
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_MASKING, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        made->mask_value = keras_read_real(config, "mask_value", 0);
    return status;
}

/* Keras' mean leaves out what is masked; its maximum knows no mask, and has the outputs of masked
 * steps, too. */
static bool has_mask(const struct import_plan *plan)
{
    return plan->n_layers > 0 &&
           (plan->layers[0].kind == IMPORT_MASKING || plan->layers[0].mask_zero);
}

static enum lstm_status add_pooling(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config)
{
    struct import_layer *made;
    const bool is_max = strcmp(layer->class_name, "GlobalMaxPooling1D") == 0;
    const char *format = keras_read_text(config, "data_format");
    if (format != NULL && strcmp(format, "channels_last") != 0)
        return keras_read_refuse(planning, layer, "data_format must be channels_last");
    if (keras_read_flag(config, "keepdims"))
        return keras_read_refuse(planning, layer, "keepdims is not supported");
    if (is_max && has_mask(planning->plan))
        return keras_read_refuse(planning, layer,
                                 "behind a mask Keras takes the maximum over the masked steps, "
                                 "too, which lstmd skips; GlobalAveragePooling1D knows the mask");
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_POOLING, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        made->reduce = is_max ? "max" : "mean";
    return status;
}

/* An activation of its own belongs to the dense layer in front of it; dropout between the two does
 * nothing where a model serves. */
static enum lstm_status set_last_activation(struct keras_planning *planning,
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
        return keras_read_refuse(
            planning, layer,
            "an activation is supported behind a Dense layer that has none of its own");
    return keras_read_named_activation(planning, layer, name, false,
                                       plan->layers[k - 1].activation);
}

static enum lstm_status add_activation(struct keras_planning *planning,
                                       const struct keras_layer *layer, const struct doc *config)
{
    const char *name = keras_read_activation_text(config, "activation");
    return name == NULL ? keras_read_refuse(planning, layer, "its activation has no name")
                        : set_last_activation(planning, layer, name);
}

static enum lstm_status add_softmax(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config)
{
    if (doc_get(config, "axis") != NULL && keras_read_real(config, "axis", 0) != -1)
        return keras_read_refuse(planning, layer,
                                 "only a softmax over the last axis (-1) is supported");
    return set_last_activation(planning, layer, "softmax");
}

static enum lstm_status add_relu(struct keras_planning *planning, const struct keras_layer *layer,
                                 const struct doc *config)
{
    const double most = keras_read_real(config, "max_value", 0);
    if (keras_read_real(config, "negative_slope", 0) != 0 ||
        keras_read_real(config, "threshold", 0) != 0 || (most != 0 && most != 6))
        return keras_read_refuse(planning, layer,
                                 "negative_slope and threshold must be 0, and max_value none or 6");
    return set_last_activation(planning, layer, most != 0 ? "relu6" : "relu");
}

static enum lstm_status add_wrapped(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config);

/* A class of Keras, and what adds it. `config` is its own also where another layer wraps it. */
static const struct {
    const char *class_name;
    enum lstm_status (*add)(struct keras_planning *planning, const struct keras_layer *layer,
                            const struct doc *config);
    bool may_be_wrapped; /* in TimeDistributed: it treats each step alone anyway */
} classes[] = {{"Activation", add_activation, true},
               {"ActivityRegularization", leave_out, true},
               {"AlphaDropout", leave_out, true},
               {"BatchNormalization", keras_norm_add, false},
               {"Bidirectional", keras_recurrent_add_bidirectional, false},
               {"CuDNNGRU", keras_recurrent_add, false},
               {"CuDNNLSTM", keras_recurrent_add, false},
               {"Dense", add_dense, true},
               {"Dropout", add_dropout, true},
               {"Embedding", add_embedding, false},
               {"GRU", keras_recurrent_add, false},
               {"GaussianDropout", leave_out, true},
               {"GaussianNoise", leave_out, true},
               {"GlobalAveragePooling1D", add_pooling, false},
               {"GlobalMaxPooling1D", add_pooling, false},
               {"InputLayer", add_input, false},
               {"LSTM", keras_recurrent_add, false},
               {"Masking", add_masking, false},
               {"ReLU", add_relu, true},
               {"Softmax", add_softmax, true},
               {"SpatialDropout1D", leave_out, false},
               {"TimeDistributed", add_wrapped, false},
               {"TimeDistributedDense", add_dense, false}};

static enum lstm_status add_wrapped(struct keras_planning *planning,
                                    const struct keras_layer *layer, const struct doc *config)
{
    const struct doc *inner = doc_get(config, "layer");
    const char *name = keras_read_text(inner, "class_name");
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
        if (name != NULL && classes[k].may_be_wrapped && strcmp(classes[k].class_name, name) == 0)
            return classes[k].add(planning, layer, doc_get(inner, "config"));
    return keras_read_refuse(planning, layer, "only a Dense layer inside of it is supported");
}

static enum lstm_status add(struct keras_planning *planning, const struct keras_layer *layer)
{
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
        if (strcmp(classes[k].class_name, layer->class_name) == 0) {
            if (planning->plan->n_layers == 0)
                read_input_shape(planning, layer->config);
            return classes[k].add(planning, layer, layer->config);
        }
    return keras_read_refuse(
        planning, layer,
        "lstmd has no such layer; take it out of the model, or serve the part up to it");
}

enum lstm_status keras_config_plan(struct import_source *source, const struct keras_model *model,
                                   struct import_plan *plan, struct lstm_error *error)
{
    struct keras_planning planning = {source, model, plan, error};
    struct keras_layers *layers = calloc(1, sizeof *layers);
    if (layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    enum lstm_status status = keras_config_list(source, model, layers, error);
    for (size_t k = 0; k < layers->n && status == LSTM_OK; k++)
        status = add(&planning, &layers->layers[k]);
    free(layers);
    return status;
}
