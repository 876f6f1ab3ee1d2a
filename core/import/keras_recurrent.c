/* keras_recurrent.c: the recurrent layers of Keras, alone and in both directions.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/import/keras_read.h"
#include "core/status.h"

static bool returns_sequences(const struct keras_layer *layer, const struct doc *config)
{
    return keras_read_flag(config, "return_sequences") && !layer->gives_last_step;
}

static enum lstm_status check_recurrent(struct keras_planning *planning,
                                        const struct keras_layer *layer, const struct doc *config)
{
    if (keras_read_flag(config, "time_major"))
        return keras_read_refuse(planning, layer,
                                 "time_major is not supported; save it batch-major");
    if (keras_read_flag(config, "zero_output_for_mask") && returns_sequences(layer, config))
        return keras_read_refuse(
            planning, layer,
            "zero_output_for_mask is not supported; masked steps repeat the last output");
    if (keras_read_flag(config, "stateful"))
        import_note(planning->source,
                    "layer %.80s: stateful is ignored; sessions keep a state between requests",
                    layer->name);
    if (keras_read_real(config, "dropout", 0) > 0 ||
        keras_read_real(config, "recurrent_dropout", 0) > 0 ||
        keras_read_real(config, "dropout_U", 0) > 0 || keras_read_real(config, "dropout_W", 0) > 0)
        import_note(planning->source,
                    "layer %.80s: its dropout is for training only and was left out", layer->name);
    return LSTM_OK;
}

/* A cell's settings; CuDNN's layers have none of them, and are tanh and sigmoid. */
static enum lstm_status read_cell(struct keras_planning *planning, const struct keras_layer *layer,
                                  const struct doc *config, bool is_cudnn,
                                  struct import_layer *made)
{
    const char *gates =
        doc_get(config, "inner_activation") != NULL ? "inner_activation" : "recurrent_activation";
    const bool was_hard = planning->model->generation < 2 && !is_cudnn;
    enum lstm_status status = check_recurrent(planning, layer, config);
    if (status == LSTM_OK)
        status = keras_read_activation(planning, layer, config, "activation", "tanh", true,
                                       made->activation);
    if (status == LSTM_OK)
        status = keras_read_activation(planning, layer, config, gates,
                                       was_hard ? "hard_sigmoid" : "sigmoid", true,
                                       made->recurrent_activation);
    made->return_sequences = returns_sequences(layer, config);
    made->go_backwards = keras_read_flag(config, "go_backwards");
    made->reset_after = made->kind == IMPORT_GRU && keras_read_flag(config, "reset_after");
    /* Keras then gives the last step first. */
    if (status == LSTM_OK && made->go_backwards && made->return_sequences)
        return keras_read_refuse(planning, layer,
                                 "go_backwards with return_sequences is not supported");
    return status;
}

/* A recurrent layer, or the one inside a Bidirectional: `inner` and `config` are then its own. */
static enum lstm_status add_cells(struct keras_planning *planning, const struct keras_layer *layer,
                                  const char *inner, const struct doc *config,
                                  const char *bidirectional)
{
    struct keras_weights weights;
    struct import_layer *made;
    const bool is_cudnn = strncmp(inner, "CuDNN", 5) == 0;
    const char *cell = is_cudnn ? inner + 5 : inner;
    const enum import_kind kind = strcmp(cell, "LSTM") == 0 ? IMPORT_LSTM : IMPORT_GRU;
    enum lstm_status status = keras_read_weights(planning, layer, &weights);
    if (status == LSTM_OK)
        status = import_add_layer(planning->plan, kind, layer->name, &made, planning->error);
    if (status == LSTM_OK)
        status = read_cell(planning, layer, config, is_cudnn, made);
    if (status != LSTM_OK)
        return status;
    if (weights.is_bidirectional != (bidirectional != NULL))
        return keras_read_refuse(planning, layer, "its weights are not those of such a layer");
    if (bidirectional != NULL)
        snprintf(made->bidirectional, sizeof made->bidirectional, "%s", bidirectional);
    return keras_cells_fill(planning->source, &weights, made, planning->error);
}

enum lstm_status keras_recurrent_add(struct keras_planning *planning,
                                     const struct keras_layer *layer, const struct doc *config)
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
        const char *a = keras_read_activation_text(forward, keys[k]),
                   *b = keras_read_activation_text(backward, keys[k]);
        if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
            return false;
    }
    return keras_read_flag(backward, "go_backwards") &&
           keras_read_flag(forward, "return_sequences") ==
               keras_read_flag(backward, "return_sequences") &&
           keras_read_flag(forward, "reset_after") == keras_read_flag(backward, "reset_after");
}

enum lstm_status keras_recurrent_add_bidirectional(struct keras_planning *planning,
                                                   const struct keras_layer *layer,
                                                   const struct doc *config)
{
    static const char *const modes[] = {"concat", "sum", "mul", "ave"};
    const struct doc *inner = doc_get(config, "layer"),
                     *backward = doc_get(config, "backward_layer");
    const struct doc *inner_config = doc_get(inner, "config");
    const char *class_name = keras_read_text(inner, "class_name"),
               *mode = keras_read_text(config, "merge_mode");
    bool is_mode = false;
    for (size_t k = 0; k < sizeof modes / sizeof *modes; k++)
        is_mode = is_mode || (mode != NULL && strcmp(mode, modes[k]) == 0);
    if (!is_recurrent_class(class_name) || inner_config == NULL)
        return keras_read_refuse(planning, layer,
                                 "only an LSTM or a GRU inside of it is supported");
    if (!is_mode)
        return keras_read_refuse(planning, layer, "merge_mode must be concat, sum, mul or ave");
    if (keras_read_flag(inner_config, "go_backwards"))
        return keras_read_refuse(planning, layer, "go_backwards inside of it is not supported");
    if (backward != NULL && doc_is_object(backward) &&
        !is_mirrored(inner_config, doc_get(backward, "config")))
        return keras_read_refuse(planning, layer, "its backward_layer differs from its layer");
    return add_cells(planning, layer, class_name, inner_config, mode);
}
