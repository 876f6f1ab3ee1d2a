/* activation.h: the activation functions and their names. SPDX-License-Identifier: Apache-2.0
 *
 * Each derivative is a function of the output y alone, so the backward pass keeps no inputs:
 *
 *   tanh            1 - y^2
 *   sigmoid         y (1 - y)
 *   relu, relu6     1 where 0 < y (and y < 6), else 0
 *   hard_sigmoid    0.2 (hard_sigmoid_keras3: 1/6) where 0 < y < 1, else 0
 *   softsign        (1 - |y|)^2, as 1 - |y| = 1 / (1 + |x|)
 *   softplus        1 - e^-y, which is sigmoid(x)
 *   elu             y + 1 where y < 0, else 1
 *   selu            y + scale alpha where y < 0, else scale
 *   exponential     y
 *   softmax         dx_k = y_k (dy_k - sum of y dy over the row)
 *   log_softmax     dx_k = dy_k - e^y_k sum of dy over the row */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

/* Of values by themselves: what a cell may have. */
#define ACTIVATION_ELEMENTWISE_LIST(X)                                                             \
    X(LINEAR, "linear")                                                                            \
    X(TANH, "tanh")                                                                                \
    X(SIGMOID, "sigmoid")                                                                          \
    X(RELU, "relu")                                                                                \
    X(RELU6, "relu6")               /* min(max(x, 0), 6) */                                        \
    X(HARD_SIGMOID, "hard_sigmoid") /* clip(0.2 x + 0.5, 0, 1): Keras 1 and 2, TensorFlow */       \
    X(HARD_SIGMOID_KERAS3, "hard_sigmoid_keras3") /* relu6(x + 3) / 6: Keras 3, PyTorch */         \
    X(SOFTSIGN, "softsign")                       /* x / (1 + |x|) */                              \
    X(SOFTPLUS, "softplus")                       /* log(1 + e^x) */                               \
    X(ELU, "elu")                                 /* x < 0: e^x - 1, else x */                     \
    X(SELU, "selu")                               /* 1.0507 (x < 0: 1.6733 (e^x - 1), else x) */   \
    X(EXPONENTIAL, "exponential")                 /* e^x */

#define ACTIVATION_LIST(X)                                                                         \
    ACTIVATION_ELEMENTWISE_LIST(X)                                                                 \
    X(SOFTMAX, "softmax") /* over the values of a row, as the next; dense layers only */           \
    X(LOG_SOFTMAX, "log_softmax")

enum activation {
#define X(id, name) ACTIVATION_##id,
    ACTIVATION_LIST(X)
#undef X
        N_ACTIVATIONS
};

/* NULL-ended, indexed by enum activation. */
extern const char *const activation_names[N_ACTIVATIONS + 1];

/* Whether a name is that of an activation over rows, which a cell cannot have. */
bool activation_is_over_rows(const char *name);

/* Applies an activation to x [rows, columns] in place. */
void activation_apply(enum activation activation, float *x, size_t rows, size_t columns);

/* dy [rows, columns], the gradient by the output y, becomes the gradient by the input. */
void activation_backward(enum activation activation, const float *y, float *dy, size_t rows,
                         size_t columns);

#endif
