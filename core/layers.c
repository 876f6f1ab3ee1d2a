/* layers.c: the table of the kinds of layers. SPDX-License-Identifier: Apache-2.0 */
#include "core/layer.h"

const struct layer_type *const layer_types[] = {&layer_lstm,      &layer_gru,   &layer_masking,
                                                &layer_embedding, &layer_dense, &layer_dropout,
                                                &layer_pooling,   NULL};

struct layer_state layer_state(const struct layer *layer)
{
    const size_t c_units = layer->type->has_c ? layer->units : 0;
    return (struct layer_state){{layer->state_offset, layer->state_offset + c_units},
                                {c_units, layer->outputs}};
}
