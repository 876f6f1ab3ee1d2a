/* activation.h: the activation functions and their names. SPDX-License-Identifier: Apache-2.0
 *
 * Each derivative is a function of the output alone, so the backward pass keeps no inputs. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#define ACTIVATION_LIST(X)                                                                         \
    X(LINEAR, "linear")                                                                            \
    X(TANH, "tanh")                                                                                \
    X(SIGMOID, "sigmoid")                                                                          \
    X(RELU, "relu")                                                                                \
    X(SOFTMAX, "softmax") /* over the values of a row; dense layers only */

enum activation {
#define X(id, name) ACTIVATION_##id,
    ACTIVATION_LIST(X)
#undef X
        N_ACTIVATIONS
};

/* NULL-ended, indexed by enum activation. */
extern const char *const activation_names[N_ACTIVATIONS + 1];

/* Applies an activation to x [rows, columns] in place. */
void activation_apply(enum activation activation, float *x, size_t rows, size_t columns);

/* dy [rows, columns], the gradient by the output y, becomes the gradient by the input. */
void activation_backward(enum activation activation, const float *y, float *dy, size_t rows,
                         size_t columns);

#endif
