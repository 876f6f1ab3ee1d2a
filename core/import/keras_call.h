/* keras_call.h: the tensors that Keras' configuration of a functional model refers to.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   Keras 1       ["lstm", 0, 0]: the layer, which of its calls, which tensor of that call
 *   Keras 2       ["lstm", 0, 0, {"training": false}]: and the keywords of the call that reads it
 *   Keras 3       {"class_name": "__keras_tensor__", "config": {"keras_history": ["lstm", 0, 0]}}
 *                 in the "args" and "kwargs" of a call */
#ifndef IMPORT_KERAS_CALL_H
#define IMPORT_KERAS_CALL_H

#include "core/json_doc.h"

/* A tensor: of a recurrent layer that returns its states, 0 is the output, 1 is h and 2 is c. */
struct keras_tensor {
    const char *layer;
    size_t call, tensor;
};

enum { KERAS_MAX_TENSORS = 64 };

/* What a layer is called with, or what a model gives. Borrowed from the document. */
struct keras_call {
    size_t n; /* those beyond KERAS_MAX_TENSORS are counted only */
    struct keras_tensor tensors[KERAS_MAX_TENSORS];
    bool has_constant; /* a value that is no tensor stands among them */
    bool has_mask;     /* Keras 3: the keyword "mask" is a tensor */
    struct keras_tensor mask;
    const char *keyword; /* the first other one that says something (not null, false or empty);
                            NULL: none */
};

/* A node of "inbound_nodes"; NULL: nothing. */
void keras_call_read(const struct doc *node, struct keras_call *call);

/* "output_layers": tensors in lists, or by name. */
void keras_call_read_outputs(const struct doc *outputs, struct keras_call *call);

#endif
