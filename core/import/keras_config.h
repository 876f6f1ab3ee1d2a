/* keras_config.h: networks from the architecture that Keras stores as JSON.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sequential models and functional ones without a branch, of Keras 1 (output_dim,
 * inner_activation), 2 and 3. What lstmd does not run is refused with the layer's name. */
#ifndef IMPORT_KERAS_CONFIG_H
#define IMPORT_KERAS_CONFIG_H

#include "core/import/import.h"
#include "core/json_doc.h"

/* A model as a reader found it. Everything is borrowed. */
struct keras_model {
    const struct doc *config; /* {"class_name": ..., "config": ...} */
    unsigned generation;      /* the first number of Keras' version */
    const char *prefix;       /* of the names of all weights, "model_weights/", "layers/" or "" */
    bool is_by_class; /* weights under class names, numbered ("lstm_1"), as in .keras; otherwise
                         under the layers' own names */
};

/* A layer of the configuration, in the order of the data. */
struct keras_layer {
    const char *class_name, *name;
    const struct doc *config;
    const struct doc *inbound; /* of a functional model: where its input comes from */
    char scope[256];           /* of its weights */
    bool gives_last_step;      /* its state h is read, not its output, whatever return_sequences */
};

enum { KERAS_MAX_LAYERS = 128 };

struct keras_layers {
    size_t n;
    struct keras_layer layers[KERAS_MAX_LAYERS];
};

/* Lists the layers, inputs first. INVALID: not such a configuration; UNSUPPORTED: too many, and
 * what keras_graph_order() gives of a functional model. */
LSTM_MUST_CHECK enum lstm_status keras_config_list(struct import_source *source,
                                                   const struct keras_model *model,
                                                   struct keras_layers *layers,
                                                   struct lstm_error *error);

/* Lays the model out as layers of lstmd (keras_layers.c). What keras_config_list() gives, and
 * UNSUPPORTED: which layer, what of it, what to do. FORMAT, SHAPE: its weights. */
LSTM_MUST_CHECK enum lstm_status keras_config_plan(struct import_source *source,
                                                   const struct keras_model *model,
                                                   struct import_plan *plan,
                                                   struct lstm_error *error);

/* The first number of a version ("2.2.4-tf"); 2 if it is none. */
unsigned keras_generation(const char *version);

#endif
