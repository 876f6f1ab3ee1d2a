/* spec_internal.h: the two halves of spec_create(). SPDX-License-Identifier: Apache-2.0 */
#ifndef SPEC_INTERNAL_H
#define SPEC_INTERNAL_H

#include "core/spec.h"

/* spec_read.c: fills the spec with what the text says, each value checked by itself. */
LSTM_MUST_CHECK enum lstm_status spec_read(const struct doc *root, struct spec *spec,
                                           struct lstm_error *error);

/* spec_layout.c: connects the layers, names and places the tensors, works out the sizes. */
LSTM_MUST_CHECK enum lstm_status spec_layout(struct spec *spec, struct lstm_error *error);

#endif
