/* onnx_shape.c: operators that move, cut and join axes, of flows, constants and lengths alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/onnx_fold.h"
#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

static const char lost[] = "what it does to the axes cannot be followed";

/* What one of these operators does to each kind of value. A flow or lengths: false if they cannot
 * be followed. NULL: never. */
struct shaper {
    bool (*flow)(const struct onnx_run *run, const struct onnx_node *node, struct onnx_flow *flow);
    bool (*sizes)(const struct onnx_run *run, const struct onnx_node *node,
                  struct onnx_sizes *sizes);
    enum lstm_status (*array)(struct onnx_run *run, const struct onnx_node *node,
                              struct import_array *array);
};

/* Applies it to input 0, for output k. */
static enum lstm_status apply(struct onnx_run *run, const struct onnx_node *node, size_t k,
                              const struct shaper *shaper)
{
    const struct onnx_value value = *onnx_get(run, node, 0);
    struct onnx_flow flow;
    struct onnx_sizes sizes;
    if (value.kind == ONNX_FILL)
        return onnx_set(run, node, k, &value);
    if (value.kind == ONNX_FLOW) {
        flow = *value.flow;
        return shaper->flow(run, node, &flow) ? onnx_set_flow(run, node, k, &flow)
                                              : onnx_set_lost(run, node, k, &value, lost);
    }
    if (value.kind == ONNX_SIZES)
        return onnx_value_sizes(&value, &sizes) && shaper->sizes(run, node, &sizes)
                   ? onnx_set_sizes(run, node, k, &sizes)
                   : onnx_set_lost(run, node, k, &value, lost);
    if (value.kind == ONNX_CONSTANT && import_dtype_bytes(value.array.dtype) > 0) {
        struct import_array array = value.array;
        enum lstm_status status = shaper->array(run, node, &array);
        return status == LSTM_OK ? onnx_set_array(run, node, k, &array) : status;
    }
    return onnx_set_lost(run, node, k, &value, "its input is not known");
}

static enum lstm_status fail(struct onnx_run *run, const struct onnx_node *node, const char *what)
{
    char who[160];
    onnx_describe(node, who);
    return lstm_fail(run->error, LSTM_FORMAT, "%s: %s", who, what);
}

/* ---- Identity, Cast, Dropout ----------------------------------------------------------------- */

static enum lstm_status identity(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value value = *onnx_get(run, node, 0);
    if (value.kind == ONNX_UNKNOWN)
        return onnx_set_lost(run, node, 0, &value, "its input is not known");
    return onnx_set(run, node, 0, &value);
}

static enum lstm_status cast(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value *value = onnx_get(run, node, 0);
    if (value->kind != ONNX_CONSTANT)
        return identity(run, node);
    struct import_array array = value->array;
    enum lstm_status status = onnx_fold_cast(
        run->source, &array, onnx_dtype(onnx_attribute_int(node, "to", 0)), run->error);
    return status == LSTM_OK ? onnx_set_array(run, node, 0, &array) : status;
}

/* ---- Transpose --------------------------------------------------------------------------------
 */

static bool permutation(const struct onnx_node *node, size_t rank, size_t *order)
{
    const struct onnx_attribute *perm = onnx_attribute(node, "perm");
    unsigned seen = 0;
    if (perm != NULL && perm->n_ints != rank)
        return false;
    for (size_t i = 0; i < rank; i++) {
        if (!onnx_axis(perm != NULL ? perm->ints[i] : (int64_t)(rank - 1 - i), rank, &order[i]))
            return false;
        seen |= 1U << order[i];
    }
    return seen == (1U << rank) - 1;
}

static bool transpose_flow(const struct onnx_run *run, const struct onnx_node *node,
                           struct onnx_flow *flow)
{
    size_t order[IMPORT_MAX_RANK];
    (void)run;
    return permutation(node, flow->rank, order) && onnx_flow_transpose(flow, order);
}

static bool transpose_sizes(const struct onnx_run *run, const struct onnx_node *node,
                            struct onnx_sizes *sizes)
{
    (void)run, (void)node, (void)sizes;
    return true;
}

static enum lstm_status transpose_array(struct onnx_run *run, const struct onnx_node *node,
                                        struct import_array *array)
{
    size_t order[IMPORT_MAX_RANK];
    if (!permutation(node, array->rank, order))
        return fail(run, node, "its perm is no order of the axes of its input");
    onnx_fold_transpose(array, order);
    return LSTM_OK;
}

static enum lstm_status transpose(struct onnx_run *run, const struct onnx_node *node)
{
    return apply(run, node, 0, &(struct shaper){transpose_flow, transpose_sizes, transpose_array});
}

/* ---- Squeeze and Unsqueeze --------------------------------------------------------------------
 */

/* The axes that the node names, marked; rank: of what they are counted in. */
static bool marked_axes(const struct onnx_run *run, const struct onnx_node *node, size_t rank,
                        bool *axes, bool *given)
{
    struct onnx_sizes ints;
    memset(axes, 0, IMPORT_MAX_RANK * sizeof *axes);
    if (!onnx_ints(run, node, "axes", 1, &ints, given) || rank > IMPORT_MAX_RANK)
        return false;
    for (size_t i = 0; i < ints.n; i++) {
        size_t axis;
        if (!onnx_axis(ints.at[i].number, rank, &axis) || axes[axis])
            return false;
        axes[axis] = true;
    }
    return true;
}

static bool squeeze_flow(const struct onnx_run *run, const struct onnx_node *node,
                         struct onnx_flow *flow)
{
    bool axes[IMPORT_MAX_RANK], given;
    size_t size;
    if (!marked_axes(run, node, flow->rank, axes, &given))
        return false;
    for (size_t i = 0; !given && i < flow->rank; i++)
        axes[i] = onnx_flow_size(flow, i, &size) && size == 1;
    return onnx_flow_squeeze(flow, axes);
}

static bool squeeze_sizes(const struct onnx_run *run, const struct onnx_node *node,
                          struct onnx_sizes *sizes)
{
    (void)run, (void)node;
    sizes->scalar = true;
    return sizes->n == 1;
}

static enum lstm_status squeeze_array(struct onnx_run *run, const struct onnx_node *node,
                                      struct import_array *array)
{
    bool axes[IMPORT_MAX_RANK], given;
    if (!marked_axes(run, node, array->rank, axes, &given))
        return fail(run, node, "its axes are not known, or not those of its input");
    for (size_t i = 0; !given && i < array->rank; i++)
        axes[i] = array->shape[i] == 1;
    return onnx_fold_squeeze(array, axes) ? LSTM_OK
                                          : fail(run, node, "an axis has more than one element");
}

static enum lstm_status squeeze(struct onnx_run *run, const struct onnx_node *node)
{
    return apply(run, node, 0, &(struct shaper){squeeze_flow, squeeze_sizes, squeeze_array});
}

/* New axes are counted in the result, whose rank their number tells. */
static bool new_axes(const struct onnx_run *run, const struct onnx_node *node, size_t rank,
                     bool *axes, size_t *result)
{
    struct onnx_sizes ints;
    bool given;
    if (!onnx_ints(run, node, "axes", 1, &ints, &given) || !given)
        return false;
    *result = rank + ints.n;
    return marked_axes(run, node, *result, axes, &given);
}

static bool unsqueeze_flow(const struct onnx_run *run, const struct onnx_node *node,
                           struct onnx_flow *flow)
{
    bool axes[IMPORT_MAX_RANK];
    size_t rank;
    return new_axes(run, node, flow->rank, axes, &rank) && onnx_flow_unsqueeze(flow, axes, rank);
}

static bool unsqueeze_sizes(const struct onnx_run *run, const struct onnx_node *node,
                            struct onnx_sizes *sizes)
{
    (void)run, (void)node;
    const bool was_scalar = sizes->scalar;
    sizes->scalar = false;
    return was_scalar;
}

static enum lstm_status unsqueeze_array(struct onnx_run *run, const struct onnx_node *node,
                                        struct import_array *array)
{
    bool axes[IMPORT_MAX_RANK];
    size_t rank;
    return new_axes(run, node, array->rank, axes, &rank) && onnx_fold_unsqueeze(array, axes, rank)
               ? LSTM_OK
               : fail(run, node, "its axes are not known, or too many");
}

static enum lstm_status unsqueeze(struct onnx_run *run, const struct onnx_node *node)
{
    return apply(run, node, 0, &(struct shaper){unsqueeze_flow, unsqueeze_sizes, unsqueeze_array});
}

/* ---- Reshape and Flatten ----------------------------------------------------------------------
 */

static bool new_shape(const struct onnx_run *run, const struct onnx_node *node,
                      struct onnx_sizes *shape)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, "shape");
    bool given;
    if (strcmp(node->op, "Flatten") == 0) {
        const int64_t axis = onnx_attribute_int(node, "axis", 1);
        *shape = (struct onnx_sizes){.n = 2};
        shape->at[0] = (struct onnx_size){axis == 0 ? 1 : 0, ONNX_NO_ATOM, true};
        shape->at[1] = (struct onnx_size){-1, ONNX_NO_ATOM, true};
        return axis == 0 || axis == 1;
    }
    if (attribute != NULL)
        return onnx_ints(run, node, "shape", 1, shape, &given);
    return onnx_value_sizes(onnx_get(run, node, 1), shape);
}

static bool reshape_flow(const struct onnx_run *run, const struct onnx_node *node,
                         struct onnx_flow *flow)
{
    struct onnx_sizes shape;
    return new_shape(run, node, &shape) && shape.n <= IMPORT_MAX_RANK &&
           onnx_flow_reshape(flow, &shape, onnx_attribute_int(node, "allowzero", 0) != 0);
}

static bool reshape_sizes(const struct onnx_run *run, const struct onnx_node *node,
                          struct onnx_sizes *sizes)
{
    struct onnx_sizes shape;
    if (!new_shape(run, node, &shape) || shape.n > 1 || (shape.n == 0 && sizes->n != 1))
        return false;
    sizes->scalar = shape.n == 0;
    return true;
}

static enum lstm_status reshape_array(struct onnx_run *run, const struct onnx_node *node,
                                      struct import_array *array)
{
    struct onnx_sizes shape;
    if (!new_shape(run, node, &shape))
        return fail(run, node, "the shape that it gives is not known");
    return onnx_fold_reshape(run->source, array, &shape,
                             onnx_attribute_int(node, "allowzero", 0) != 0, run->error);
}

static enum lstm_status reshape(struct onnx_run *run, const struct onnx_node *node)
{
    return apply(run, node, 0, &(struct shaper){reshape_flow, reshape_sizes, reshape_array});
}

/* ---- Slice ------------------------------------------------------------------------------------
 */

/* Ranges, one for each axis that is cut. */
struct ranges {
    size_t n;
    struct onnx_sizes begin, end, axes, step;
};

static bool read_ranges(const struct onnx_run *run, const struct onnx_node *node,
                        struct ranges *ranges)
{
    bool given, has_axes, has_steps;
    if (!onnx_ints(run, node, "starts", 1, &ranges->begin, &given) || !given ||
        !onnx_ints(run, node, "ends", 2, &ranges->end, &given) || !given ||
        !onnx_ints(run, node, "axes", 3, &ranges->axes, &has_axes) ||
        !onnx_ints(run, node, "steps", 4, &ranges->step, &has_steps))
        return false;
    ranges->n = ranges->begin.n;
    for (size_t i = 0; i < ranges->n; i++) {
        if (!has_axes)
            ranges->axes.at[i].number = (int64_t)i;
        if (!has_steps)
            ranges->step.at[i].number = 1;
    }
    return ranges->end.n == ranges->n && (!has_axes || ranges->axes.n == ranges->n) &&
           (!has_steps || ranges->step.n == ranges->n);
}

static bool slice_flow(const struct onnx_run *run, const struct onnx_node *node,
                       struct onnx_flow *flow)
{
    struct ranges ranges;
    size_t axis;
    if (!read_ranges(run, node, &ranges))
        return false;
    for (size_t i = 0; i < ranges.n; i++)
        if (ranges.step.at[i].number != 1 ||
            !onnx_axis(ranges.axes.at[i].number, flow->rank, &axis) ||
            !onnx_flow_slice(flow, axis, ranges.begin.at[i].number, ranges.end.at[i].number,
                             run->time))
            return false;
    return true;
}

static bool slice_sizes(const struct onnx_run *run, const struct onnx_node *node,
                        struct onnx_sizes *sizes)
{
    struct ranges ranges;
    if (!read_ranges(run, node, &ranges) || ranges.n != 1 || ranges.step.at[0].number != 1)
        return false;
    const int64_t n = (int64_t)sizes->n;
    int64_t begin = ranges.begin.at[0].number, end = ranges.end.at[0].number;
    begin += begin < 0 ? n : 0;
    end += end < 0 ? n : 0;
    end = end > n ? n : end;
    if (begin < 0 || begin > end)
        return false;
    sizes->n = (size_t)(end - begin);
    memmove(sizes->at, sizes->at + begin, sizes->n * sizeof *sizes->at);
    return true;
}

static enum lstm_status slice_array(struct onnx_run *run, const struct onnx_node *node,
                                    struct import_array *array)
{
    struct ranges ranges;
    size_t axis;
    enum lstm_status status = LSTM_OK;
    if (!read_ranges(run, node, &ranges))
        return fail(run, node, "its ranges are not known");
    for (size_t i = 0; status == LSTM_OK && i < ranges.n; i++) {
        if (!onnx_axis(ranges.axes.at[i].number, array->rank, &axis))
            return fail(run, node, "it cuts an axis that its input does not have");
        status = onnx_fold_slice(run->source, array, axis, ranges.begin.at[i].number,
                                 ranges.end.at[i].number, ranges.step.at[i].number, run->error);
    }
    return status;
}

static enum lstm_status slice(struct onnx_run *run, const struct onnx_node *node)
{
    return apply(run, node, 0, &(struct shaper){slice_flow, slice_sizes, slice_array});
}

const struct onnx_operator onnx_shape_operators[] = {
    {"Cast", cast},           {"Dropout", identity}, {"Flatten", reshape}, {"Identity", identity},
    {"Reshape", reshape},     {"Slice", slice},      {"Squeeze", squeeze}, {"Transpose", transpose},
    {"Unsqueeze", unsqueeze}, {NULL, NULL}};
