/* onnx_join.c: Gather, Split and Concat: parts of a value, and values put together.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/onnx_fold.h"
#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

static const char lost[] = "which part of its input it takes cannot be followed";

/* ---- Gather -----------------------------------------------------------------------------------
 */

static enum lstm_status gather_sizes(struct onnx_run *run, const struct onnx_node *node,
                                     const struct onnx_sizes *from, const struct onnx_sizes *index)
{
    struct onnx_sizes found = {.scalar = index->scalar, .n = index->n};
    for (size_t i = 0; i < index->n; i++) {
        size_t at;
        if (!index->at[i].known || !onnx_axis(index->at[i].number, from->n, &at))
            return onnx_set_unknown(run, node, lost);
        found.at[i] = from->at[at];
    }
    return onnx_set_sizes(run, node, 0, &found);
}

static enum lstm_status gather_array(struct onnx_run *run, const struct onnx_node *node,
                                     const struct import_array *array,
                                     const struct import_array *indices)
{
    struct import_array found;
    size_t axis;
    if (!onnx_axis(onnx_attribute_int(node, "axis", 0), array->rank, &axis))
        return onnx_set_unknown(run, node, lost);
    enum lstm_status status =
        onnx_fold_gather(run->source, array, axis, indices, &found, run->error);
    return status == LSTM_OK ? onnx_set_array(run, node, 0, &found) : status;
}

/* One row keeps its axis if the index is a list of one. */
static enum lstm_status gather_flow(struct onnx_run *run, const struct onnx_node *node,
                                    const struct onnx_value *value, const struct onnx_sizes *index)
{
    struct onnx_flow flow = *value->flow;
    bool axes[IMPORT_MAX_RANK] = {false};
    size_t axis;
    if (index->n != 1 || !index->at[0].known ||
        !onnx_axis(onnx_attribute_int(node, "axis", 0), flow.rank, &axis) ||
        !onnx_flow_pick(&flow, axis, index->at[0].number, run->time))
        return onnx_set_lost(run, node, 0, value, lost);
    axes[axis] = true;
    if (!index->scalar && !onnx_flow_unsqueeze(&flow, axes, flow.rank + 1))
        return onnx_set_lost(run, node, 0, value, lost);
    return onnx_set_flow(run, node, 0, &flow);
}

static enum lstm_status gather(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value value = *onnx_get(run, node, 0), by = *onnx_get(run, node, 1);
    struct onnx_sizes from, index;
    if (value.kind == ONNX_FILL)
        return onnx_set(run, node, 0, &value);
    if (value.kind == ONNX_CONSTANT && by.kind == ONNX_FLOW)
        return onnx_embed(run, node);
    if (value.kind == ONNX_CONSTANT && by.kind == ONNX_CONSTANT &&
        onnx_array_is_integral(&by.array) && import_dtype_bytes(value.array.dtype) > 0)
        return gather_array(run, node, &value.array, &by.array);
    if (!onnx_value_sizes(&by, &index))
        return onnx_set_lost(run, node, 0, &value, lost);
    if (value.kind == ONNX_FLOW)
        return gather_flow(run, node, &value, &index);
    return onnx_value_sizes(&value, &from) ? gather_sizes(run, node, &from, &index)
                                           : onnx_set_lost(run, node, 0, &value, lost);
}

/* ---- Split ------------------------------------------------------------------------------------
 */

static bool axis_size(const struct onnx_value *value, int64_t number, size_t *axis, size_t *size)
{
    if (value->kind == ONNX_CONSTANT && onnx_axis(number, value->array.rank, axis)) {
        *size = value->array.shape[*axis];
        return true;
    }
    return value->kind == ONNX_FLOW && onnx_axis(number, value->flow->rank, axis) &&
           onnx_flow_size(value->flow, *axis, size) && *size <= UINT32_MAX;
}

static enum lstm_status split_part(struct onnx_run *run, const struct onnx_node *node, size_t k,
                                   const struct onnx_value *value, size_t axis, int64_t begin,
                                   int64_t end)
{
    struct import_array array = value->array;
    struct onnx_flow flow;
    if (value->kind == ONNX_FLOW) {
        flow = *value->flow;
        return onnx_flow_slice(&flow, axis, begin, end, run->time)
                   ? onnx_set_flow(run, node, k, &flow)
                   : onnx_set_lost(run, node, k, value, lost);
    }
    enum lstm_status status = onnx_fold_slice(run->source, &array, axis, begin, end, 1, run->error);
    return status == LSTM_OK ? onnx_set_array(run, node, k, &array) : status;
}

/* The sizes of the parts; equal ones, but for the last, if the node does not say. */
static bool part_sizes(const struct onnx_run *run, const struct onnx_node *node, size_t size,
                       struct onnx_sizes *sizes)
{
    bool given;
    if (!onnx_ints(run, node, "split", 1, sizes, &given))
        return false;
    if (given || node->n_outputs == 0 || node->n_outputs > ONNX_MAX_SIZES)
        return given && sizes->n == node->n_outputs;
    const size_t each = (size + node->n_outputs - 1) / node->n_outputs;
    sizes->n = node->n_outputs;
    for (size_t i = 0; i < sizes->n; i++)
        sizes->at[i].number = (int64_t)each;
    return true;
}

static enum lstm_status split(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value value = *onnx_get(run, node, 0);
    struct onnx_sizes sizes;
    size_t axis, size;
    int64_t begin = 0;
    enum lstm_status status = LSTM_OK;
    const bool known = axis_size(&value, onnx_attribute_int(node, "axis", 0), &axis, &size) &&
                       part_sizes(run, node, size, &sizes);
    for (size_t k = 0; k < node->n_outputs && status == LSTM_OK; k++) {
        if (value.kind == ONNX_FILL) {
            status = onnx_set(run, node, k, &value);
        } else if (!known || sizes.at[k].number < 0 || sizes.at[k].number > UINT32_MAX) {
            status = onnx_set_lost(run, node, k, &value, lost);
        } else {
            status = split_part(run, node, k, &value, axis, begin, begin + sizes.at[k].number);
            begin += sizes.at[k].number;
        }
    }
    return status;
}

/* ---- Concat -----------------------------------------------------------------------------------
 */

static enum lstm_status concat_arrays(struct onnx_run *run, const struct onnx_node *node)
{
    struct import_array whole;
    size_t axis;
    struct import_array *parts = import_allocate(run->source, node->n_inputs * sizeof *parts);
    if (parts == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's values");
    for (size_t i = 0; i < node->n_inputs; i++)
        parts[i] = onnx_get(run, node, i)->array;
    if (!onnx_axis(onnx_attribute_int(node, "axis", 0), parts[0].rank, &axis) ||
        import_dtype_bytes(parts[0].dtype) == 0)
        return onnx_set_unknown(run, node, lost);
    enum lstm_status status =
        onnx_fold_concat(run->source, parts, node->n_inputs, axis, &whole, run->error);
    return status == LSTM_OK ? onnx_set_array(run, node, 0, &whole) : status;
}

static enum lstm_status concat_sizes(struct onnx_run *run, const struct onnx_node *node)
{
    struct onnx_sizes whole = {0}, part;
    for (size_t i = 0; i < node->n_inputs; i++) {
        if (!onnx_value_sizes(onnx_get(run, node, i), &part) || part.scalar ||
            whole.n + part.n > ONNX_MAX_SIZES)
            return onnx_set_unknown(run, node, "it joins lengths and other things");
        memcpy(whole.at + whole.n, part.at, part.n * sizeof *part.at);
        whole.n += part.n;
    }
    return onnx_set_sizes(run, node, 0, &whole);
}

static enum lstm_status concat_flows(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value first = *onnx_get(run, node, 0);
    struct onnx_flow flow = *first.flow;
    size_t axis;
    bool good = onnx_axis(onnx_attribute_int(node, "axis", 0), flow.rank, &axis);
    for (size_t i = 1; good && i < node->n_inputs; i++)
        good = onnx_flow_concat(&flow, onnx_get(run, node, i)->flow, axis);
    return good ? onnx_set_flow(run, node, 0, &flow)
                : onnx_set_lost(run, node, 0, &first,
                                "it joins what is not the directions of one layer");
}

static enum lstm_status concat(struct onnx_run *run, const struct onnx_node *node)
{
    size_t n_of[ONNX_FLOW + 1] = {0};
    const struct onnx_value first = *onnx_get(run, node, 0);
    bool all_fill = node->n_inputs > 0;
    for (size_t i = 0; i < node->n_inputs; i++) {
        const struct onnx_value *value = onnx_get(run, node, i);
        n_of[value->kind]++;
        all_fill &= value->kind == ONNX_FILL && value->fill == first.fill;
    }
    if (all_fill || (node->n_inputs == 1 && first.kind != ONNX_UNKNOWN))
        return onnx_set(run, node, 0, &first);
    if (node->n_inputs > 0 && n_of[ONNX_CONSTANT] == node->n_inputs)
        return concat_arrays(run, node);
    if (node->n_inputs > 0 && n_of[ONNX_FLOW] == node->n_inputs)
        return concat_flows(run, node);
    if (n_of[ONNX_SIZES] > 0 && n_of[ONNX_SIZES] + n_of[ONNX_CONSTANT] == node->n_inputs)
        return concat_sizes(run, node);
    return onnx_set_lost(run, node, 0, &first, "it joins things of different kinds");
}

const struct onnx_operator onnx_join_operators[] = {
    {"Concat", concat}, {"Gather", gather}, {"Split", split}, {NULL, NULL}};
