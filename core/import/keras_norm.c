/* keras_norm.c: the arrays of a BatchNormalization by their names. SPDX-License-Identifier:
 * Apache-2.0
 *
 *   Keras 2, tf.keras  batch_normalization/batch_normalization/gamma:0, beta, moving_mean,
 *                      moving_variance
 *   Keras 3 .keras     layers/batch_normalization/vars/0 and so on, in this order, without those
 *                      that `scale` and `center` leave out */
#include "core/import/keras_norm.h"

#include <stdio.h>
#include <string.h>

#include "core/import/affine.h"
#include "core/import/build.h"
#include "core/status.h"

enum { GAMMA, BETA, MEAN, VARIANCE, N_PARTS };

static const char *const part_names[] = {"gamma", "beta", "moving_mean", "moving_variance"};

/* Keras' default of both is true. */
static bool has(const struct doc *config, const char *key)
{
    return doc_get(config, key) == NULL || keras_read_flag(config, key);
}

/* The last part of a name, without TensorFlow's ":0". */
static bool ends_as(const char *name, const char *part)
{
    const char *slash = strrchr(name, '/'), *last = slash == NULL ? name : slash + 1;
    const size_t n = strlen(part);
    return strncmp(last, part, n) == 0 && (last[n] == '\0' || last[n] == ':');
}

/* The array of one part; NULL: the file has none. */
static const struct import_array *find_part(const struct keras_planning *planning,
                                            const struct keras_layer *layer, const char *part,
                                            unsigned number)
{
    char name[sizeof layer->scope + 16];
    snprintf(name, sizeof name, "%s/vars/%u", layer->scope, number);
    const size_t n = strlen(layer->scope);
    for (size_t k = 0; k < planning->source->n_arrays; k++) {
        const struct import_array *array = &planning->source->arrays[k];
        if (strncmp(array->name, layer->scope, n) == 0 && array->name[n] == '/' &&
            (ends_as(array->name, part) || strcmp(array->name, name) == 0))
            return array;
    }
    return NULL;
}

static enum lstm_status find_parts(struct keras_planning *planning, const struct keras_layer *layer,
                                   const struct doc *config, const struct import_array **parts)
{
    const bool is_there[] = {has(config, "scale"), has(config, "center"), true, true};
    unsigned number = 0;
    for (size_t k = 0; k < N_PARTS; k++) {
        parts[k] = is_there[k] ? find_part(planning, layer, part_names[k], number) : NULL;
        if (is_there[k] && parts[k] == NULL)
            return lstm_fail(planning->error, LSTM_FORMAT,
                             "Keras layer '%.60s' (%.40s): the file has no %s of it under '%.80s'",
                             layer->name, layer->class_name, part_names[k], layer->scope);
        number += is_there[k];
    }
    return LSTM_OK;
}

/* Whether what the layers so far give has steps, and not a row a sequence. */
static bool has_steps(const struct import_plan *plan)
{
    for (size_t k = plan->n_layers; k-- > 0;) {
        if (plan->layers[k].kind == IMPORT_POOLING)
            return false;
        if (build_is_recurrent(&plan->layers[k]))
            return plan->layers[k].return_sequences;
    }
    return true;
}

/* That of the features: the last one, -1, or 2 of a sequence and 1 of a row. */
static bool is_over_features(const struct import_plan *plan, const struct doc *config)
{
    const struct doc *axis = doc_get(config, "axis");
    double value = -1;
    if (axis != NULL && doc_is_array(axis))
        axis = doc_length(axis) == 1 ? doc_at(axis, 0) : NULL;
    if (doc_get(config, "axis") != NULL && (axis == NULL || !doc_real(axis, &value)))
        return false;
    return value == -1 || value == (has_steps(plan) ? 2 : 1);
}

/* The dense layer that it can be folded into; NULL: there is none. */
static struct import_layer *dense_before(const struct import_plan *plan)
{
    if (plan->n_layers == 0)
        return NULL;
    struct import_layer *last = &plan->layers[plan->n_layers - 1];
    return last->kind == IMPORT_DENSE && strcmp(last->activation, "linear") == 0 ? last : NULL;
}

static enum lstm_status add_dense(struct keras_planning *planning, const struct keras_layer *layer,
                                  const struct import_affine *affine)
{
    struct import_layer *made;
    enum lstm_status status =
        import_add_layer(planning->plan, IMPORT_DENSE, layer->name, &made, planning->error);
    if (status != LSTM_OK)
        return status;
    snprintf(made->activation, sizeof made->activation, "linear");
    import_note(planning->source,
                "layer %.80s (BatchNormalization) becomes a dense layer with its factors on the "
                "diagonal",
                layer->name);
    return import_affine_dense(planning->source, affine, &made->kernel, &made->bias,
                               planning->error);
}

enum lstm_status keras_norm_add(struct keras_planning *planning, const struct keras_layer *layer,
                                const struct doc *config)
{
    const struct import_array *parts[N_PARTS];
    struct import_affine affine;
    if (!is_over_features(planning->plan, config))
        return keras_read_refuse(planning, layer, "only an axis of features (-1) is supported");
    enum lstm_status status = find_parts(planning, layer, config, parts);
    if (status != LSTM_OK)
        return status;
    const struct import_norm norm = {.gamma = parts[GAMMA],
                                     .beta = parts[BETA],
                                     .mean = parts[MEAN],
                                     .variance = parts[VARIANCE],
                                     .epsilon = keras_read_real(config, "epsilon", 1e-3)};
    status = import_norm_read(planning->source, &norm, &affine, planning->error);
    struct import_layer *dense = dense_before(planning->plan);
    if (status != LSTM_OK || dense == NULL)
        return status == LSTM_OK ? add_dense(planning, layer, &affine) : status;
    import_note(planning->source,
                "layer %.80s (BatchNormalization) is folded into the dense layer in front of it",
                layer->name);
    return import_affine_fold(planning->source, &affine, dense, planning->error);
}
