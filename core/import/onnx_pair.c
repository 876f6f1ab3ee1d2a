/* onnx_pair.c: a forward and a reverse node that read the same are one bidirectional layer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Some exporters write the two directions as two nodes, whose outputs a Concat joins. The second
 * node finds the first one's layer at the end of the plan, and becomes its other direction. That
 * both outputs are read together is checked where they are read, as for any such layer. */
#include <string.h>

#include "core/import/onnx_run.h"
#include "core/status.h"

static bool is_opposite(enum onnx_reads a, enum onnx_reads b)
{
    return (a == ONNX_FORWARD && b == ONNX_BACKWARD) || (a == ONNX_BACKWARD && b == ONNX_FORWARD);
}

bool onnx_pair_is_open(const struct onnx_run *run, enum import_kind kind, enum onnx_reads reads,
                       const struct onnx_flow *from)
{
    if (run->plan->n_layers == 0)
        return false;
    const struct onnx_layer *about = &run->layers[run->plan->n_layers - 1];
    return about->is_recurrent && about->stage == 0 && is_opposite(about->reads, reads) &&
           run->plan->layers[run->plan->n_layers - 1].kind == kind &&
           onnx_flow_same(about->from, from);
}

static bool has_same_options(const struct import_layer *a, const struct import_layer *b)
{
    return a->units == b->units && a->reset_after == b->reset_after &&
           strcmp(a->activation, b->activation) == 0 &&
           strcmp(a->recurrent_activation, b->recurrent_activation) == 0 &&
           (a->cells[0].peephole[0].data == NULL) == (b->cells[0].peephole[0].data == NULL);
}

enum lstm_status onnx_pair_close(struct onnx_run *run, const char *who, enum onnx_reads reads,
                                 const struct import_layer *node)
{
    struct import_layer *layer = &run->plan->layers[run->plan->n_layers - 1];
    struct onnx_layer *about = &run->layers[run->plan->n_layers - 1];
    if (!has_same_options(layer, node))
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads the same as layer '%.60s' in the other direction, but has other "
                         "units, activations or peepholes: lstmd's bidirectional layer has one "
                         "kind of cell for both",
                         who, layer->name);
    const size_t second = reads == ONNX_BACKWARD ? 1 : 0;
    layer->cells[1 - second] = layer->cells[0];
    layer->cells[second] = node->cells[0];
    layer->go_backwards = false;
    about->is_bidirectional = true;
    about->reads = ONNX_BOTH;
    return LSTM_OK;
}
