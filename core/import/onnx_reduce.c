/* onnx_reduce.c: directions or steps that become one. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/onnx_run.h"

/* ReduceSum and ReduceMean over the axis of directions, ReduceMean and ReduceMax over that of time.
 */
static enum lstm_status reduce(struct onnx_run *run, const struct onnx_node *node)
{
    static const char why[] = "it reduces other axes than that of directions or of time";
    const bool is_sum = strcmp(node->op, "ReduceSum") == 0,
               is_max = strcmp(node->op, "ReduceMax") == 0;
    const struct onnx_value *value = onnx_get(run, node, 0);
    struct onnx_sizes axes;
    struct onnx_flow flow, next;
    size_t axis;
    bool given;
    if (value->kind != ONNX_FLOW || !onnx_ints(run, node, "axes", 1, &axes, &given) ||
        axes.n != 1 || !onnx_axis(axes.at[0].number, value->flow->rank, &axis))
        return onnx_set_lost(run, node, 0, value, why);
    const bool keeps_axis = onnx_attribute_int(node, "keepdims", 1) != 0;
    flow = next = *value->flow;
    if (!is_sum && onnx_flow_reduce(&flow, axis, is_max ? ONNX_MAX_OF_STEPS : ONNX_MEAN_OF_STEPS,
                                    keeps_axis, run->time))
        return onnx_set_flow(run, node, 0, &flow);
    flow = next;
    if (is_max || keeps_axis || flow.n_parts != 2 ||
        !onnx_flow_pick(&flow, axis, 0, ONNX_NO_ATOM) ||
        !onnx_flow_pick(&next, axis, 1, ONNX_NO_ATOM) ||
        !onnx_flow_merge(&flow, &next, is_sum ? "sum" : "ave"))
        return onnx_set_lost(run, node, 0, value, why);
    return onnx_set_flow(run, node, 0, &flow);
}

/* GlobalAveragePool and GlobalMaxPool over [batch, units, time]. */
static enum lstm_status pool(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value *value = onnx_get(run, node, 0);
    const bool is_max = strcmp(node->op, "GlobalMaxPool") == 0;
    struct onnx_flow flow;
    if (value->kind == ONNX_FLOW && value->flow->rank == 3) {
        flow = *value->flow;
        if (onnx_flow_reduce(&flow, 2, is_max ? ONNX_MAX_OF_STEPS : ONNX_MEAN_OF_STEPS, true,
                             run->time))
            return onnx_set_flow(run, node, 0, &flow);
    }
    return onnx_set_lost(run, node, 0, value, "it pools other axes than that of time");
}

const struct onnx_operator onnx_reduce_operators[] = {
    {"GlobalAveragePool", pool}, {"GlobalMaxPool", pool}, {"ReduceMax", reduce},
    {"ReduceMean", reduce},      {"ReduceSum", reduce},   {NULL, NULL}};
