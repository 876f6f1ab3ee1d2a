/* keras_read.c: keras_read.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_read.h"

#include <stdio.h>
#include <string.h>

#include "core/activation.h"
#include "core/status.h"

bool keras_read_flag(const struct doc *config, const char *key)
{
    bool value = false;
    const struct doc *found = doc_get(config, key);
    if (found != NULL)
        doc_bool(found, &value);
    return value;
}

double keras_read_real(const struct doc *config, const char *key, double value)
{
    const struct doc *found = doc_get(config, key);
    if (found != NULL)
        doc_real(found, &value);
    return value;
}

const char *keras_read_text(const struct doc *config, const char *key)
{
    const char *text = NULL;
    const struct doc *found = doc_get(config, key);
    return found != NULL && doc_text(found, &text) ? text : NULL;
}

enum lstm_status keras_read_refuse(struct keras_planning *planning, const struct keras_layer *layer,
                                   const char *why)
{
    return lstm_fail(planning->error, LSTM_UNSUPPORTED, "Keras layer '%.60s' (%.40s): %s",
                     layer->name, layer->class_name, why);
}

/* ---- Activations ---------------------------------------------------------------------------- */

const char *keras_read_activation_text(const struct doc *config, const char *key)
{
    const struct doc *value = doc_get(config, key);
    return value != NULL && doc_is_object(value) ? keras_read_text(value, "config")
                                                 : keras_read_text(config, key);
}

/* hard_sigmoid is clip(0.2 x + 0.5, 0, 1) up to Keras 2 and relu6(x + 3) / 6 since Keras 3. */
enum lstm_status keras_read_named_activation(struct keras_planning *planning,
                                             const struct keras_layer *layer,
                                             const char *keras_name, bool is_gate, char name[32])
{
    const bool is_hard = strcmp(keras_name, "hard_sigmoid") == 0;
    const char *known =
        is_hard && planning->model->generation >= 3 ? "hard_sigmoid_keras3" : keras_name;
    for (size_t k = 0; activation_names[k] != NULL; k++)
        if (strcmp(activation_names[k], known) == 0 &&
            !(is_gate && activation_is_over_rows(known))) {
            snprintf(name, 32, "%s", known);
            return LSTM_OK;
        }
    return lstm_fail(planning->error, LSTM_UNSUPPORTED,
                     "Keras layer '%.60s' (%.40s): activation '%.40s' is not supported; train it "
                     "with tanh, sigmoid, relu or another that models/README.md lists",
                     layer->name, layer->class_name, keras_name);
}

enum lstm_status keras_read_activation(struct keras_planning *planning,
                                       const struct keras_layer *layer, const struct doc *config,
                                       const char *key, const char *convention, bool is_gate,
                                       char name[32])
{
    const char *text = keras_read_activation_text(config, key);
    const struct doc *value = doc_get(config, key);
    if (text == NULL && value != NULL && !doc_is_null(value))
        return keras_read_refuse(planning, layer,
                                 "its activation is a layer or a function of one's own");
    /* null is no activation at all; an older generation's absent key is the default. */
    if (text == NULL)
        text = value == NULL ? convention : "linear";
    return keras_read_named_activation(planning, layer, text, is_gate, name);
}

/* ---- Weights -------------------------------------------------------------------------------- */

enum lstm_status keras_read_weights(struct keras_planning *planning,
                                    const struct keras_layer *layer, struct keras_weights *weights)
{
    enum lstm_status status =
        keras_weights_collect(planning->source, layer->scope, weights, planning->error);
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
