/* reference_layers.h: rows of the oracle's layers, written short. SPDX-License-Identifier:
 * Apache-2.0
 */
#ifndef REFERENCE_LAYERS_H
#define REFERENCE_LAYERS_H

#include "tests/support/reference.h"

#define LSTM(label, width, sequences)                                                              \
    {                                                                                              \
        .kind = REFERENCE_LSTM, .name = label, .units = width, .forget_bias = 1,                   \
        .return_sequences = sequences                                                              \
    }
#define GRU(label, width, sequences)                                                               \
    {                                                                                              \
        .kind = REFERENCE_GRU, .name = label, .units = width, .return_sequences = sequences        \
    }
#define DENSE(label, width, function)                                                              \
    {                                                                                              \
        .kind = REFERENCE_DENSE, .name = label, .units = width, .activation = function             \
    }

#endif
