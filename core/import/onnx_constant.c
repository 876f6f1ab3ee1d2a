/* onnx_constant.c: constants, lengths, and what exporters compute of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shape and the arithmetic behind it give lengths, of which those of the batch and of time are not
 * known. ConstantOfShape and Expand of such lengths give one number all over. */
#include <string.h>

#include "core/float_formats.h"
#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

/* The one number of attribute `value` and its kin, as a rank 0 or rank 1 array. */
static enum lstm_status set_numbers(struct onnx_run *run, const struct onnx_node *node,
                                    const struct onnx_attribute *attribute, bool integral,
                                    bool scalar)
{
    const size_t n = scalar ? 1 : integral ? attribute->n_ints : attribute->n_floats;
    struct import_array array;
    unsigned char *data = import_allocate(run->source, n * sizeof(int64_t));
    if (data == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for a constant");
    for (size_t k = 0; k < n; k++) {
        const uint64_t bits = (uint64_t)(scalar ? attribute->i : integral ? attribute->ints[k] : 0);
        const float number = integral ? 0 : (float)(scalar ? attribute->f : attribute->floats[k]);
        for (size_t i = 0; integral && i < sizeof bits; i++)
            data[k * sizeof bits + i] = (unsigned char)(bits >> 8 * i);
        if (!integral)
            float_format_write(LSTM_F32, &number, 1, data + k * sizeof number);
    }
    enum lstm_status status =
        import_array_init(&array, node->name, integral ? IMPORT_I64 : IMPORT_F32, scalar ? 0 : 1,
                          &n, data, SIZE_MAX, run->error);
    return status == LSTM_OK ? onnx_set_array(run, node, 0, &array) : status;
}

static enum lstm_status constant(struct onnx_run *run, const struct onnx_node *node)
{
    static const struct {
        const char *name;
        bool integral, scalar;
    } kinds[] = {{"value_float", false, true},
                 {"value_floats", false, false},
                 {"value_int", true, true},
                 {"value_ints", true, false}};
    const struct onnx_attribute *attribute = onnx_attribute(node, "value");
    struct import_array array;
    if (attribute != NULL) {
        enum lstm_status status =
            onnx_tensor_read(run->source, node->name, attribute->tensor, &array, run->error);
        return status == LSTM_OK ? onnx_set_array(run, node, 0, &array) : status;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        attribute = onnx_attribute(node, kinds[i].name);
        if (attribute != NULL)
            return set_numbers(run, node, attribute, kinds[i].integral, kinds[i].scalar);
    }
    return onnx_set_unknown(run, node, "it is neither a tensor nor numbers");
}

static enum lstm_status constant_of_shape(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, "value");
    struct onnx_sizes shape;
    struct import_array one;
    double fill = 0;
    if (attribute != NULL) {
        enum lstm_status status =
            onnx_tensor_read(run->source, node->name, attribute->tensor, &one, run->error);
        if (status != LSTM_OK)
            return status;
        if (!onnx_array_scalar(&one, &fill))
            return onnx_set_unknown(run, node, "its value is not one number");
    }
    /* A short list of whole numbers is what Reshape and Expand take. */
    if (attribute != NULL && onnx_array_is_integral(&one) &&
        onnx_value_sizes(onnx_get(run, node, 0), &shape) && shape.n == 1 && shape.at[0].known &&
        shape.at[0].number >= 0 && shape.at[0].number <= ONNX_MAX_SIZES) {
        struct onnx_sizes sizes = {.n = (size_t)shape.at[0].number};
        for (size_t i = 0; i < sizes.n; i++)
            sizes.at[i] = (struct onnx_size){onnx_array_int(&one, 0), ONNX_NO_ATOM, true};
        return onnx_set_sizes(run, node, 0, &sizes);
    }
    return onnx_set(run, node, 0, &(struct onnx_value){.kind = ONNX_FILL, .fill = fill});
}

static enum lstm_status expand(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value *value = onnx_get(run, node, 0);
    /* One length stays one, for every row of the batch: sequence_lens of tf2onnx. */
    if (value->kind == ONNX_FILL || (value->kind == ONNX_SIZES && value->sizes->n == 1))
        return onnx_set(run, node, 0, value);
    if (value->kind == ONNX_CONSTANT && import_dtype_bytes(value->array.dtype) > 0) {
        const size_t n = onnx_array_size(&value->array);
        if (n == 1 || (n > 1 && onnx_array_is_zero(&value->array)))
            return onnx_set(
                run, node, 0,
                &(struct onnx_value){.kind = ONNX_FILL, .fill = onnx_array_real(&value->array, 0)});
    }
    return onnx_set_unknown(run, node, "it repeats numbers that are not all the same");
}

static enum lstm_status shape(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_value *value = onnx_get(run, node, 0);
    struct onnx_sizes sizes = {0};
    size_t begin = 0, end;
    if (value->kind == ONNX_FLOW)
        onnx_flow_shape(value->flow, &sizes);
    else if (value->kind == ONNX_CONSTANT)
        for (; sizes.n < value->array.rank; sizes.n++)
            sizes.at[sizes.n] =
                (struct onnx_size){(int64_t)value->array.shape[sizes.n], ONNX_NO_ATOM, true};
    else
        return onnx_set_unknown(run, node, "the shape of its input is not known");
    end = sizes.n;
    if (onnx_attribute(node, "start") != NULL &&
        !onnx_axis(onnx_attribute_int(node, "start", 0), sizes.n, &begin))
        return onnx_set_unknown(run, node, "it begins outside the axes of its input");
    if (onnx_attribute(node, "end") != NULL &&
        !onnx_axis(onnx_attribute_int(node, "end", 0), sizes.n, &end))
        end = sizes.n;
    sizes.n = end > begin ? end - begin : 0;
    memmove(sizes.at, sizes.at + begin, sizes.n * sizeof *sizes.at);
    return onnx_set_sizes(run, node, 0, &sizes);
}

/* Add, Sub, Mul, Div and Equal: no two of them begin alike. */
static bool compute(char op, int64_t a, int64_t b, int64_t *result)
{
    switch (op) {
    case 'A':
        return !__builtin_add_overflow(a, b, result);
    case 'S':
        return !__builtin_sub_overflow(a, b, result);
    case 'M':
        return !__builtin_mul_overflow(a, b, result);
    case 'D':
        *result = b > 0 ? a / b : 0;
        return b > 0;
    default:
        *result = a == b;
        return true;
    }
}

enum lstm_status onnx_compute_sizes(struct onnx_run *run, const struct onnx_node *node, bool *done)
{
    struct onnx_sizes a, b, result;
    *done = onnx_value_sizes(onnx_get(run, node, 0), &a) &&
            onnx_value_sizes(onnx_get(run, node, 1), &b) && (a.n == b.n || a.n == 1 || b.n == 1);
    if (!*done)
        return LSTM_OK;
    result = (struct onnx_sizes){.scalar = a.scalar && b.scalar, .n = a.n > b.n ? a.n : b.n};
    for (size_t i = 0; i < result.n; i++) {
        const struct onnx_size *x = &a.at[a.n == 1 ? 0 : i], *y = &b.at[b.n == 1 ? 0 : i];
        struct onnx_size *to = &result.at[i];
        *to = (struct onnx_size){.atom = ONNX_NO_ATOM};
        to->known = x->known && y->known && compute(node->op[0], x->number, y->number, &to->number);
    }
    return onnx_set_sizes(run, node, 0, &result);
}

/* Arithmetic and comparisons are followed for lengths, and nothing else. */
static enum lstm_status follow_lengths(struct onnx_run *run, const struct onnx_node *node)
{
    bool done;
    enum lstm_status status = onnx_compute_sizes(run, node, &done);
    return status != LSTM_OK || done
               ? status
               : onnx_set_unknown(run, node,
                                  "lstmd has no layer that computes this of a network's values; "
                                  "scale inputs and outputs in the client, or fold a factor into "
                                  "the weights beside it");
}

/* Where(condition, x, y) of lengths: torch's expand() takes 1 for -1. */
static enum lstm_status where(struct onnx_run *run, const struct onnx_node *node)
{
    struct onnx_sizes condition, x, y;
    if (!onnx_value_sizes(onnx_get(run, node, 0), &condition) ||
        !onnx_value_sizes(onnx_get(run, node, 1), &x) ||
        !onnx_value_sizes(onnx_get(run, node, 2), &y) || condition.n != x.n || x.n != y.n)
        return onnx_set_unknown(run, node, "it chooses between what is computed");
    for (size_t i = 0; i < x.n; i++) {
        if (!condition.at[i].known)
            x.at[i] = (struct onnx_size){.atom = ONNX_NO_ATOM};
        else if (condition.at[i].number == 0)
            x.at[i] = y.at[i];
    }
    return onnx_set_sizes(run, node, 0, &x);
}

const struct onnx_operator onnx_constant_operators[] = {
    {"Constant", constant},    {"ConstantOfShape", constant_of_shape},
    {"Equal", follow_lengths}, {"Expand", expand},
    {"Shape", shape},          {"Sub", follow_lengths},
    {"Where", where},          {NULL, NULL}};
