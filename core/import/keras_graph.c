/* keras_graph.c: keras_graph.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_graph.h"

#include <stdlib.h>
#include <string.h>

#include "core/import/keras_mask.h"
#include "core/status.h"

/* ---- What a layer is called with ------------------------------------------------------------ */

/* Arguments of a call that models are known to have, and what to do instead. */
static const struct {
    const char *keyword, *advice;
} advices[] = {
    {"initial_state", "a request gives initial states, a model cannot"},
    {"mask", "put a Masking layer in front, or mask_zero=True into the Embedding"},
    {"training", "lstmd drops no values in predictions; build it without"},
};

static enum lstm_status refuse_keyword(const struct keras_layer *layer, const char *keyword,
                                       struct lstm_error *error)
{
    const char *advice = "build the model without";
    for (size_t k = 0; k < sizeof advices / sizeof *advices; k++)
        if (strcmp(advices[k].keyword, keyword) == 0)
            advice = advices[k].advice;
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "Keras layer '%.60s' (%.40s) is called with '%.40s', which is not "
                     "supported: %s",
                     layer->name, layer->class_name, keyword, advice);
}

static enum lstm_status check_call(const struct keras_layer *layer, const struct keras_call *call,
                                   struct lstm_error *error)
{
    const bool is_input = strcmp(layer->class_name, "InputLayer") == 0;
    if (doc_length(layer->inbound) > 1)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras layer '%.80s' is used %zu times; shared layers are not supported",
                         layer->name, doc_length(layer->inbound));
    if (call->keyword != NULL)
        return refuse_keyword(layer, call->keyword, error);
    if (call->has_constant)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras layer '%.60s' (%.40s) is called with values beside the output of "
                         "another layer, which is not supported; build the model without",
                         layer->name, layer->class_name);
    if (call->n != (is_input ? 0 : 1))
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras layer '%.80s' (%.40s) takes %zu inputs; only models in which each "
                         "layer follows one other are supported",
                         layer->name, layer->class_name, call->n);
    return LSTM_OK;
}

/* ---- Which of a layer's tensors are read ---------------------------------------------------- */

/* States that a layer gives behind its output. */
static size_t n_states(const struct keras_layer *layer)
{
    static const struct {
        const char *class_name;
        size_t n;
    } cells[] = {{"CuDNNGRU", 1}, {"CuDNNLSTM", 2}, {"GRU", 1}, {"LSTM", 2}};
    const bool is_bidirectional = strcmp(layer->class_name, "Bidirectional") == 0;
    const struct doc *inner = doc_get(layer->config, "layer"), *config = layer->config;
    const char *class_name = layer->class_name;
    bool returns_state = false;
    if (is_bidirectional) {
        config = doc_get(inner, "config");
        class_name = "";
        doc_text(doc_get(inner, "class_name"), &class_name);
    }
    doc_bool(doc_get(config, "return_state"), &returns_state);
    for (size_t k = 0; returns_state && k < sizeof cells / sizeof *cells; k++)
        if (strcmp(cells[k].class_name, class_name) == 0)
            return cells[k].n * (is_bidirectional ? 2 : 1);
    return 0;
}

static enum lstm_status check_exists(const struct keras_layer *layer,
                                     const struct keras_tensor *tensor, struct lstm_error *error)
{
    if (tensor->call != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras layer '%.80s': its call %zu is read; shared layers are not "
                         "supported",
                         layer->name, tensor->call);
    if (tensor->tensor > n_states(layer))
        return lstm_fail(error, LSTM_INVALID,
                         "Keras configuration: tensor %zu of layer '%.60s' (%.40s) is read, which "
                         "gives %zu",
                         tensor->tensor, layer->name, layer->class_name, n_states(layer) + 1);
    return LSTM_OK;
}

/* The tensor that the next layer, or who asks the model, gets. The state h is the output at the
 * last step; nothing else reads the others' where each layer follows one. */
static enum lstm_status take_tensor(struct keras_layer *layer, const struct keras_tensor *tensor,
                                    struct lstm_error *error)
{
    enum lstm_status status = check_exists(layer, tensor, error);
    if (status != LSTM_OK || tensor->tensor == 0)
        return status;
    layer->gives_last_step = true;
    if (tensor->tensor == 1 && strcmp(layer->class_name, "Bidirectional") != 0)
        return LSTM_OK;
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "Keras layer '%.60s' (%.40s): the model goes on with tensor %zu of it; only "
                     "its output (0), and of an LSTM or a GRU its state h (1), go to the next "
                     "layer or to the output",
                     layer->name, layer->class_name, tensor->tensor);
}

/* ---- The order ------------------------------------------------------------------------------ */

/* The one layer whose input comes from `from` (NULL: the input layer). */
static enum lstm_status find_next(const struct keras_layers *layers,
                                  const struct keras_tensor *inputs, const char *from, size_t *next,
                                  struct lstm_error *error)
{
    size_t n = 0;
    for (size_t k = 0; k < layers->n; k++) {
        const char *input = inputs[k].layer;
        const bool follows =
            from == NULL ? input == NULL : input != NULL && strcmp(input, from) == 0;
        n += follows;
        if (follows)
            *next = k;
    }
    if (n == 1)
        return LSTM_OK;
    if (from == NULL)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras model with %zu inputs; models with one are supported", n);
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "Keras layer '%.80s' feeds %zu others; only models in which each layer "
                     "follows one other are supported",
                     from, n);
}

/* Masks that are operations of the model are those that lstmd's layers pass on anyway. */
static enum lstm_status take_masks(struct keras_layers *layers, struct lstm_error *error)
{
    for (size_t k = 0; k < layers->n; k++) {
        struct keras_call call;
        keras_call_read(doc_at(layers->layers[k].inbound, 0), &call);
        if (call.has_mask && !keras_mask_is_implied(layers, &call.mask))
            return refuse_keyword(&layers->layers[k], "mask", error);
    }
    keras_mask_drop_operations(layers);
    return layers->n > 0 ? LSTM_OK
                         : lstm_fail(error, LSTM_UNSUPPORTED,
                                     "Keras model with 0 inputs; models with one are supported");
}

/* The tensor that each layer takes; of the input layer none. */
static enum lstm_status read_inputs(const struct keras_layers *layers, struct keras_tensor *inputs,
                                    struct lstm_error *error)
{
    for (size_t k = 0; k < layers->n; k++) {
        struct keras_call call;
        keras_call_read(doc_at(layers->layers[k].inbound, 0), &call);
        const enum lstm_status status = check_call(&layers->layers[k], &call, error);
        if (status != LSTM_OK)
            return status;
        inputs[k] = call.n == 0 ? (struct keras_tensor){.layer = NULL} : call.tensors[0];
    }
    return LSTM_OK;
}

static enum lstm_status sort(struct keras_layers *layers, const size_t *order,
                             struct lstm_error *error)
{
    struct keras_layer *sorted = malloc(layers->n * sizeof *sorted);
    if (sorted == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    for (size_t k = 0; k < layers->n; k++)
        sorted[k] = layers->layers[order[k]];
    memcpy(layers->layers, sorted, layers->n * sizeof *sorted);
    free(sorted);
    return LSTM_OK;
}

static enum lstm_status follow(struct keras_layers *layers, struct lstm_error *error)
{
    struct keras_tensor inputs[KERAS_MAX_LAYERS];
    size_t order[KERAS_MAX_LAYERS];
    struct keras_layer *from = NULL;
    enum lstm_status status = take_masks(layers, error);
    if (status == LSTM_OK)
        status = read_inputs(layers, inputs, error);
    for (size_t k = 0; k < layers->n && status == LSTM_OK; k++) {
        status = find_next(layers, inputs, from == NULL ? NULL : from->name, &order[k], error);
        if (status == LSTM_OK && from != NULL)
            status = take_tensor(from, &inputs[order[k]], error);
        from = status == LSTM_OK ? &layers->layers[order[k]] : NULL;
    }
    return status == LSTM_OK ? sort(layers, order, error) : status;
}

/* ---- The outputs ---------------------------------------------------------------------------- */

/* Whether the tensor is a state of a recurrent layer, which `:state` gives. */
static bool is_state(const struct keras_layers *layers, const struct keras_tensor *tensor)
{
    for (size_t k = 0; k < layers->n; k++)
        if (strcmp(layers->layers[k].name, tensor->layer) == 0)
            return tensor->call == 0 && tensor->tensor > 0 &&
                   tensor->tensor <= n_states(&layers->layers[k]);
    return false;
}

static enum lstm_status check_others(const struct keras_layers *layers,
                                     const struct keras_call *outputs, struct lstm_error *error)
{
    for (size_t k = 1; k < outputs->n; k++)
        if (k >= KERAS_MAX_TENSORS || !is_state(layers, &outputs->tensors[k]))
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "Keras model with %zu outputs; one is supported, and states of "
                             "recurrent layers behind it: build a model with the one to serve, as "
                             "Model(inputs, output)",
                             outputs->n);
    return LSTM_OK;
}

/* The first output is served; it must be what the last layer gives. */
static enum lstm_status take_outputs(struct import_source *source, const struct doc *config,
                                     struct keras_layers *layers, struct lstm_error *error)
{
    struct keras_call outputs;
    struct keras_layer *last = &layers->layers[layers->n - 1];
    const struct doc *said = doc_get(config, "output_layers");
    keras_call_read_outputs(said, &outputs);
    if (said == NULL)
        return LSTM_OK;
    if (outputs.n == 0)
        return lstm_fail(error, LSTM_INVALID, "Keras configuration: output_layers names no layer");
    enum lstm_status status = check_others(layers, &outputs, error);
    if (status != LSTM_OK)
        return status;
    if (strcmp(outputs.tensors[0].layer, last->name) != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras model whose output is layer '%.60s', but whose last layer is "
                         "'%.60s'; build a model that ends with its output, as Model(inputs, "
                         "output)",
                         outputs.tensors[0].layer, last->name);
    status = take_tensor(last, &outputs.tensors[0], error);
    if (status == LSTM_OK && outputs.n > 1)
        import_note(source,
                    "outputs: the first of %zu is served; the others are states of recurrent "
                    "layers, which :state gives",
                    outputs.n);
    return status;
}

enum lstm_status keras_graph_order(struct import_source *source, const struct doc *config,
                                   struct keras_layers *layers, struct lstm_error *error)
{
    const enum lstm_status status = follow(layers, error);
    return status == LSTM_OK ? take_outputs(source, config, layers, error) : status;
}
