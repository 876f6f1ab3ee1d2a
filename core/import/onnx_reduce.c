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

/* Attributes that no operator set moved to an input. */
enum { NO_INPUT = 99 };

/* Whether all numbers of the attribute, if it is there, are this one. */
static bool are_all(const struct onnx_run *run, const struct onnx_node *node, const char *name,
                    int64_t number)
{
    struct onnx_sizes ints;
    bool given;
    if (!onnx_ints(run, node, name, NO_INPUT, &ints, &given))
        return false;
    for (size_t i = 0; i < ints.n && given; i++)
        if (ints.at[i].number != number)
            return false;
    return true;
}

/* Whether one window of the node is all of axis 2, as exporters write a global pool whose size they
 * know. */
static bool is_global(const struct onnx_run *run, const struct onnx_node *node,
                      const struct onnx_flow *flow)
{
    struct onnx_sizes window;
    size_t size;
    bool given;
    if (strncmp(node->op, "Global", 6) == 0)
        return true;
    return onnx_ints(run, node, "kernel_shape", NO_INPUT, &window, &given) && given &&
           window.n == 1 && onnx_flow_size(flow, 2, &size) && size <= INT32_MAX &&
           window.at[0].number == (int64_t)size && are_all(run, node, "pads", 0) &&
           are_all(run, node, "dilations", 1) &&
           strncmp(onnx_attribute_text(node, "auto_pad", ""), "SAME", 4) != 0;
}

/* Over the time of [batch, units, time]. */
static enum lstm_status pool(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value *value = onnx_get(run, node, 0);
    const bool is_max = strstr(node->op, "Max") != NULL;
    struct onnx_flow flow;
    if (value->kind == ONNX_FLOW && value->flow->rank == 3 && is_global(run, node, value->flow)) {
        flow = *value->flow;
        if (onnx_flow_reduce(&flow, 2, is_max ? ONNX_MAX_OF_STEPS : ONNX_MEAN_OF_STEPS, true,
                             run->time))
            return onnx_set_flow(run, node, 0, &flow);
    }
    return onnx_set_lost(run, node, 0, value, "it pools other than all steps");
}

const struct onnx_operator onnx_reduce_operators[] = {
    {"AveragePool", pool}, {"GlobalAveragePool", pool}, {"GlobalMaxPool", pool}, {"MaxPool", pool},
    {"ReduceMax", reduce}, {"ReduceMean", reduce},      {"ReduceSum", reduce},   {NULL, NULL}};
