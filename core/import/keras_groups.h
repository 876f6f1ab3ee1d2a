/* keras_groups.h: the layers that the names of Keras' weights tell, and their order.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_KERAS_GROUPS_H
#define IMPORT_KERAS_GROUPS_H

#include "core/import/keras_weights.h"
#include "core/import/names_keras.h"

/* A layer by its weights. */
struct keras_group {
    const char *scope; /* of its arrays' names */
    size_t n_layer;    /* so many bytes of it are a layer that the file lists; 0: it lists none */
    struct keras_weights weights;
    enum import_kind kind;
    size_t inputs, outputs;
};

struct keras_groups {
    size_t n;
    struct keras_group list[IMPORT_MAX_LAYERS];
};

bool keras_group_is_recurrent(const struct keras_group *group);

/* The last part of a scope, without the folders that Keras puts around a layer. */
const char *keras_group_name(const struct keras_group *group);

/* Any array of a weight, as all gates have the same shape; NULL: there is none. */
const struct import_array *keras_group_part(const struct keras_weight *weight);

/* Finds the layers, or those that options->layers names, in its order. INVALID: it names one that
 * there is not, or one twice; UNSUPPORTED: too many, or a weight that no layer of lstmd has;
 * FORMAT: two arrays for one weight; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status keras_groups_find(struct import_source *source,
                                                   const struct lstm_import_options *options,
                                                   const struct names_keras_file *file,
                                                   struct keras_groups *groups,
                                                   struct lstm_error *error);

/* Keeps the order if `is_said`; else embeddings come first, then recurrent layers, then dense ones,
 * each by the number in its name, with a note (keras_order.c). SHAPE: they do not follow each
 * other; UNSUPPORTED: names of several kinds fit together in more than one way. */
LSTM_MUST_CHECK enum lstm_status keras_groups_order(struct import_source *source, bool is_said,
                                                    struct keras_groups *groups,
                                                    struct lstm_error *error);

#endif
