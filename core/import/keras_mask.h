/* keras_mask.h: masks that Keras 3 writes into a functional model as operations.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Embedding(mask_zero=True) of x makes an operation not_equal(x, 0), and Masking any(not_equal(x,
 * mask_value), axis=-1); the layers behind are called with mask=that. lstmd's layers pass the same
 * mask on by themselves. */
#ifndef IMPORT_KERAS_MASK_H
#define IMPORT_KERAS_MASK_H

#include "core/import/keras_call.h"
#include "core/import/keras_config.h"

/* Whether the tensor is the mask that an Embedding or a Masking layer of the model makes. */
bool keras_mask_is_implied(const struct keras_layers *layers, const struct keras_tensor *mask);

/* Takes the operations off the list. */
void keras_mask_drop_operations(struct keras_layers *layers);

#endif
