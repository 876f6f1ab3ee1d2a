/* initializer.c: TensorFlow 1's initialisers (python/ops/init_ops.py).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/initializer.h"

#include <float.h>
#include <math.h>

#include "core/random.h"

static const char *const type_names[] = {[INITIALIZER_DEFAULT] = "default",
                                         [INITIALIZER_GLOROT_UNIFORM] = "glorot_uniform",
                                         [INITIALIZER_TRUNCATED_NORMAL] = "truncated_normal",
                                         [INITIALIZER_CONSTANT] = "constant",
                                         NULL};

const struct field initializer_fields[] = {
    {"type", FIELD_CHOICE, offsetof(struct initializer, type), 0, 0, type_names, NULL, true},
    {"mean", FIELD_REAL, offsetof(struct initializer, mean), -(double)FLT_MAX, (double)FLT_MAX,
     NULL, NULL, false},
    {"stddev", FIELD_REAL, offsetof(struct initializer, stddev), 0, 1e6, NULL, NULL, false},
    {"value", FIELD_REAL, offsetof(struct initializer, value), -(double)FLT_MAX, (double)FLT_MAX,
     NULL, NULL, false},
    {0}};

void initializer_fill(const struct initializer *initializer, float *w, size_t rows, size_t columns,
                      struct lstm_random *random)
{
    const size_t n = rows * columns;
    const double limit = sqrt(6.0 / (double)(rows + columns));
    switch (initializer->type) {
    case INITIALIZER_TRUNCATED_NORMAL:
        for (size_t i = 0; i < n; i++)
            w[i] =
                (float)(initializer->mean + initializer->stddev * random_truncated_normal(random));
        break;
    case INITIALIZER_CONSTANT:
        for (size_t i = 0; i < n; i++)
            w[i] = (float)initializer->value;
        break;
    default:
        for (size_t i = 0; i < n; i++)
            w[i] = (float)((2.0 * lstm_random_uniform(random) - 1.0) * limit);
        break;
    }
}
