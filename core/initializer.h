/* initializer.h: how fresh weights are made. SPDX-License-Identifier: Apache-2.0 */
#ifndef INITIALIZER_H
#define INITIALIZER_H

#include "core/fields.h"
#include "core/lstm.h"

enum initializer_type {
    INITIALIZER_DEFAULT, /* the layer kind's own */
    INITIALIZER_GLOROT_UNIFORM,
    INITIALIZER_TRUNCATED_NORMAL,
    INITIALIZER_CONSTANT
};

struct initializer {
    int type;            /* enum initializer_type */
    double mean, stddev; /* truncated normal; 0 and 1 by default */
    double value;        /* constant */
};

/* Keys of {"type": ..., ...} in model.json. */
extern const struct field initializer_fields[];

/* Fills w [rows, columns] from the generator. glorot_uniform: +-sqrt(6 / (rows + columns)). */
void initializer_fill(const struct initializer *initializer, float *w, size_t rows, size_t columns,
                      struct lstm_random *random);

#endif
