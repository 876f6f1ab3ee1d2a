/* state_options.c: the options of a state request, from JSON or from a query.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/state_codec.h"

static const struct {
    const char *name;
    size_t offset; /* of a bool in struct state_options */
} flags[] = {
    {"gates", offsetof(struct state_options, gates)},
    {"predictions", offsetof(struct state_options, predictions)},
    {"state_is_tuple", offsetof(struct state_options, state_is_tuple)},
    {"trace", offsetof(struct state_options, trace)},
};
enum { N_FLAGS = sizeof flags / sizeof *flags };

static bool *flag_of(struct state_options *options, size_t k)
{
    return (bool *)((char *)options + flags[k].offset);
}

static const struct state_options defaults = {.state_is_tuple = true};

/* Room for as many layers as the model has. */
static enum lstm_status make_layers(struct state_options *options, size_t n_recurrent,
                                    struct lstm_error *error)
{
    options->layers = calloc(n_recurrent, sizeof *options->layers);
    if (options->layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a list of layers");
    return LSTM_OK;
}

/* Each layer at most once, so that there is room for all of them. */
static enum lstm_status add_layer(struct state_options *options, double layer, size_t n_recurrent,
                                  struct lstm_error *error)
{
    if (!(layer >= 0 && layer < (double)n_recurrent && layer == floor(layer)))
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: expected the number of a recurrent layer, 0 to %zu, found "
                         "%.9g",
                         options->n_layers, n_recurrent - 1, layer);
    for (size_t i = 0; i < options->n_layers; i++)
        if (options->layers[i] == (size_t)layer)
            return lstm_fail(error, LSTM_INVALID, "layers[%zu]: layer %zu is there already",
                             options->n_layers, (size_t)layer);
    options->layers[options->n_layers++] = (size_t)layer;
    return LSTM_OK;
}

static enum lstm_status decode_layers(const struct json_body *body, const struct json_t *value,
                                      size_t n_recurrent, struct state_options *options,
                                      struct lstm_error *error)
{
    const struct scanned_tensor *const tensor = json_tensor(body, value);
    if (tensor == NULL || tensor->rank != 1 || tensor->n_values == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "layers: expected an array of one or more numbers of recurrent layers, "
                         "found %s",
                         tensor == NULL      ? json_kind_name(value)
                         : tensor->rank != 1 ? "arrays within an array"
                                             : "an empty array");
    enum lstm_status status = make_layers(options, n_recurrent, error);
    for (size_t i = 0; i < tensor->n_values && status == LSTM_OK; i++)
        status = add_layer(options, (double)tensor->values[i], n_recurrent, error);
    return status;
}

enum lstm_status state_options_decode(const struct lstm_model *model, const struct json_body *body,
                                      struct state_options *options, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    *options = defaults;
    for (size_t k = 0; k < N_FLAGS && status == LSTM_OK; k++) {
        const struct json_t *const value = json_member(body->root, flags[k].name);
        if (value == NULL)
            continue;
        if (json_kind(value) != JSON_KIND_BOOLEAN)
            status = lstm_fail(error, LSTM_INVALID, "%s: expected true or false, found %s",
                               flags[k].name, json_kind_name(value));
        *flag_of(options, k) = json_truth(value);
    }
    const struct json_t *const layers = json_member(body->root, "layers");
    if (status == LSTM_OK && layers != NULL)
        status = decode_layers(body, layers, lstm_model_info(model)->n_recurrent, options, error);
    if (status != LSTM_OK)
        state_options_release(options);
    return status;
}

/* "0,2". */
static enum lstm_status read_layers(const char *text, size_t n_recurrent,
                                    struct state_options *options, struct lstm_error *error)
{
    enum lstm_status status = make_layers(options, n_recurrent, error);
    for (const char *at = text; status == LSTM_OK; at++) {
        const size_t n = strspn(at, "0123456789");
        if (n == 0 || (at[n] != ',' && at[n] != '\0'))
            return lstm_fail(error, LSTM_INVALID,
                             "layers: expected numbers of recurrent layers with commas between "
                             "them, found '%.40s'",
                             text);
        status = add_layer(options, strtod(at, NULL), n_recurrent, error);
        at += n;
        if (*at == '\0')
            break;
    }
    return status;
}

enum lstm_status state_options_read_query(const struct lstm_model *model,
                                          const struct request *request,
                                          struct state_options *options, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    *options = defaults;
    for (size_t k = 0; k < N_FLAGS && status == LSTM_OK; k++) {
        const char *const text = request->query(request, flags[k].name);
        if (text == NULL)
            continue;
        const bool is_true = strcmp(text, "true") == 0;
        if (!is_true && strcmp(text, "false") != 0)
            status = lstm_fail(error, LSTM_INVALID, "%s: expected true or false, found '%.40s'",
                               flags[k].name, text);
        *flag_of(options, k) = is_true;
    }
    const char *const layers = request->query(request, "layers");
    if (status == LSTM_OK && layers != NULL)
        status = read_layers(layers, lstm_model_info(model)->n_recurrent, options, error);
    if (status != LSTM_OK)
        state_options_release(options);
    return status;
}

void state_options_release(struct state_options *options)
{
    if (options == NULL)
        return;
    free(options->layers);
    *options = (struct state_options){0};
}

struct predict_outputs state_options_outputs(const struct state_options *options)
{
    return (struct predict_outputs){.output = options->predictions,
                                    .rnn_output = true,
                                    .final_state = true,
                                    .state_trace = options->trace,
                                    .gates_trace = options->gates,
                                    .is_padded = true};
}
