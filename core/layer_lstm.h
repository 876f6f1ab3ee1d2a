/* layer_lstm.h: what BasicLSTMCell (layer_lstm.c) and LSTMCell with more than that has
 * (layer_lstm_variant.c) share. SPDX-License-Identifier: Apache-2.0 */
#ifndef LAYER_LSTM_H
#define LAYER_LSTM_H

#include "core/blas.h"
#include "core/recurrent.h"

/* Where a layer's tensors are in layer->tensors; those behind the bias are there if asked for. */
enum { LSTM_KERNEL, LSTM_BIAS, LSTM_W_I, LSTM_W_F, LSTM_W_O, LSTM_MAX_TENSORS = 6 };

struct lstm_weights {
    struct matrix by_x, by_h; /* the two parts of the kernel [D + H, 4U] */
    const float *bias;        /* [4U] */
};

struct lstm_weights lstm_weights_of(const struct layer *layer, const float *weights);

/* The x part of the gates of steps t .. t + parallel_iterations as one product; `offset` rows lie
 * before step t. */
void lstm_project(const struct layer *layer, const struct layer_forward *pass,
                  const struct lstm_weights *w, size_t t, size_t offset);

/* The end of a backward pass: what pass->gates, the gradient before activation, means for kernel,
 * bias and x. Fills pass->history. */
void lstm_add_gradients(const struct layer *layer, const struct layer_backward *pass);

/* The passes of a layer that is more than a BasicLSTMCell. */
void lstm_variant_forward(const struct layer *layer, const struct layer_forward *pass);
void lstm_variant_backward(const struct layer *layer, const struct layer_backward *pass);

#endif
