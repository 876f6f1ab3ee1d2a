/* onnx_activation.h: ONNX's names of activations as lstmd's. SPDX-License-Identifier: Apache-2.0 */
#ifndef ONNX_ACTIVATION_H
#define ONNX_ACTIVATION_H

#include "core/import/onnx_graph.h"

/* How many of alpha and beta the function takes, and what they are if nobody says. */
struct onnx_parameters {
    size_t n;
    double value[2];
};

/* false: no activation of ONNX. Names are compared without case, as ONNX Runtime does. */
LSTM_MUST_CHECK bool onnx_activation_parameters(const char *name,
                                                struct onnx_parameters *parameters);

/* lstmd's name of it; NULL: lstmd does not have this one, or not with these parameters. */
const char *onnx_activation_find(const char *name, const struct onnx_parameters *parameters);

#endif
