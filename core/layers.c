/* layers.c: the table of the kinds of layers. SPDX-License-Identifier: Apache-2.0 */
#include "core/layer.h"

const struct layer_type *const layer_types[] = {&layer_lstm,  &layer_gru,     &layer_embedding,
                                                &layer_dense, &layer_dropout, NULL};
