/* affine.h: x * scale + shift of a network's values, a number each for every feature: what a
 * trained batch normalisation is (Ioffe and Szegedy 2015; Keras' BatchNormalization, ONNX's
 * operator). SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_AFFINE_H
#define IMPORT_AFFINE_H

#include "core/import/import.h"

struct import_affine {
    size_t n;
    float *scale, *shift; /* [n], of the source's memory */
};

/* What normalises by `mean` and `variance`: (x - mean) / sqrt(variance + epsilon) * gamma + beta.
 * gamma NULL: ones; beta NULL: zeros. SHAPE: they are not vectors of one length; UNSUPPORTED: of
 * integers; FORMAT: the variance has no root. */
struct import_norm {
    const struct import_array *gamma, *beta, *mean, *variance;
    double epsilon;
};
LSTM_MUST_CHECK enum lstm_status import_norm_read(struct import_source *source,
                                                  const struct import_norm *norm,
                                                  struct import_affine *affine,
                                                  struct lstm_error *error);

/* Folded into the kernel and bias of a dense layer that has no activation. SHAPE: it has other
 * outputs. */
LSTM_MUST_CHECK enum lstm_status import_affine_fold(struct import_source *source,
                                                    const struct import_affine *affine,
                                                    struct import_layer *dense,
                                                    struct lstm_error *error);

/* The kernel and bias of a dense layer that computes it: the factors on a diagonal. */
LSTM_MUST_CHECK enum lstm_status import_affine_dense(struct import_source *source,
                                                     const struct import_affine *affine,
                                                     struct import_array *kernel,
                                                     struct import_array *bias,
                                                     struct lstm_error *error);

#endif
