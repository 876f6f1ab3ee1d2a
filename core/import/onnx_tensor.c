/* onnx_tensor.c: TensorProto (onnx/onnx.proto): raw bytes, typed fields, external files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/onnx_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "core/float_formats.h"
#include "core/import/protobuf.h"
#include "core/memory.h"
#include "core/status.h"

enum {
    TENSOR_DIMS = 1,
    TENSOR_DATA_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5, /* also smaller integers, and the bits of 16-bit floats */
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_UINT64S = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    EXTERNAL = 1
};

/* TensorProto.DataType; field: where its numbers lie if they are not raw. */
static const struct {
    enum import_dtype dtype;
    uint32_t field;
} types[] = {[1] = {IMPORT_F32, TENSOR_FLOATS},
             [2] = {IMPORT_U8, TENSOR_INT32S},
             [3] = {IMPORT_I8, TENSOR_INT32S},
             [4] = {IMPORT_U16, TENSOR_INT32S},
             [5] = {IMPORT_I16, TENSOR_INT32S},
             [6] = {IMPORT_I32, TENSOR_INT32S},
             [7] = {IMPORT_I64, TENSOR_INT64S},
             [8] = {IMPORT_TEXT, 0},
             [9] = {IMPORT_BOOL, TENSOR_INT32S},
             [10] = {IMPORT_F16, TENSOR_INT32S},
             [11] = {IMPORT_F64, TENSOR_DOUBLES},
             [12] = {IMPORT_U32, TENSOR_UINT64S},
             [13] = {IMPORT_U64, TENSOR_UINT64S},
             [14] = {IMPORT_OTHER, 0},
             [15] = {IMPORT_OTHER, 0},
             [16] = {IMPORT_BF16, TENSOR_INT32S}};

enum import_dtype onnx_dtype(int64_t data_type)
{
    if (data_type < 1 || data_type >= (int64_t)(sizeof types / sizeof *types))
        return IMPORT_OTHER;
    return types[data_type].dtype;
}

/* What a TensorProto says, before its numbers are looked for. */
struct tensor {
    const char *name;
    size_t rank, shape[IMPORT_MAX_RANK];
    int64_t data_type;
    bool is_external;
    struct protobuf message;
};

static enum lstm_status add_dimension(struct tensor *tensor, uint64_t size,
                                      struct lstm_error *error)
{
    if (tensor->rank == IMPORT_MAX_RANK || size > SIZE_MAX / 16)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': more than %d axes, or one of absurd size", tensor->name,
                         IMPORT_MAX_RANK);
    tensor->shape[tensor->rank++] = (size_t)size;
    return LSTM_OK;
}

static enum lstm_status add_dimensions(struct tensor *tensor, const struct protobuf_field *field,
                                       struct lstm_error *error)
{
    uint64_t size;
    if (field->wire != PROTOBUF_BYTES)
        return add_dimension(tensor, field->value, error);
    const unsigned char *at = field->bytes;
    enum lstm_status status = LSTM_OK;
    while (status == LSTM_OK && protobuf_varint(&at, field->bytes + field->n, &size))
        status = add_dimension(tensor, size, error);
    return status;
}

static enum lstm_status read_header(struct tensor *tensor, struct lstm_error *error)
{
    struct protobuf fields = tensor->message;
    struct protobuf_field field;
    enum lstm_status status = LSTM_OK;
    while (status == LSTM_OK && protobuf_next(&fields, &field)) {
        if (field.number == TENSOR_DIMS)
            status = add_dimensions(tensor, &field, error);
        else if (field.number == TENSOR_DATA_TYPE)
            tensor->data_type = (int64_t)field.value;
        else if (field.number == TENSOR_LOCATION)
            tensor->is_external = field.value == EXTERNAL;
    }
    if (status == LSTM_OK && fields.is_broken)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s' is cut off or not a protocol buffer, %zu bytes into it",
                         tensor->name, protobuf_offset(&fields));
    return status;
}

/* Numbers of the typed field, in bytes as raw_data has them: a view if they lie in one packed run
 * of their own width, else a copy. */
static enum lstm_status unpack(struct import_source *source, const struct tensor *tensor,
                               uint32_t number, enum import_dtype dtype, struct onnx_bytes *bytes,
                               struct lstm_error *error)
{
    const bool fixed = number == TENSOR_FLOATS || number == TENSOR_DOUBLES;
    const size_t width = import_dtype_bytes(dtype);
    struct protobuf fields = tensor->message;
    struct protobuf_field field;
    size_t most = 0, runs = 0;
    for (struct protobuf each = fields; protobuf_next(&each, &field);) {
        if (field.number != number)
            continue;
        most += field.wire == PROTOBUF_BYTES ? field.n : width;
        runs++;
        *bytes = (struct onnx_bytes){field.bytes, field.n};
    }
    if (fixed && runs == 1 && bytes->bytes != NULL)
        return LSTM_OK;
    /* A varint takes a byte at least. */
    unsigned char *to =
        fixed || most <= SIZE_MAX / 8 ? import_allocate(source, fixed ? most : most * width) : NULL;
    if (to == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for tensor '%.80s'", tensor->name);
    *bytes = (struct onnx_bytes){to, 0};
    while (protobuf_next(&fields, &field)) {
        uint64_t value = field.value;
        if (field.number != number)
            continue;
        const unsigned char *at = field.bytes;
        if (fixed && field.wire == PROTOBUF_BYTES) {
            memcpy(to + bytes->n, field.bytes, field.n);
            bytes->n += field.n;
            continue;
        }
        while (field.wire != PROTOBUF_BYTES ||
               protobuf_varint(&at, field.bytes + field.n, &value)) {
            for (size_t i = 0; i < width; i++)
                to[bytes->n++] = (unsigned char)(value >> 8 * i);
            if (field.wire != PROTOBUF_BYTES)
                break;
        }
    }
    return LSTM_OK;
}

static bool read_decimal(const struct protobuf_field *field, size_t *number)
{
    *number = 0;
    for (size_t i = 0; i < field->n; i++) {
        if (field->bytes[i] < '0' || field->bytes[i] > '9' ||
            !memory_multiply(*number, 10, number) ||
            !memory_add(*number, (size_t)(field->bytes[i] - '0'), number))
            return false;
    }
    return field->n > 0;
}

/* The entries of external_data: location, offset and length. */
static enum lstm_status find_external(struct import_source *source, const struct tensor *tensor,
                                      struct onnx_bytes *bytes, struct lstm_error *error)
{
    struct protobuf fields = tensor->message;
    struct protobuf_field entry, key, value;
    const char *location = NULL;
    size_t offset = 0, length = SIZE_MAX, n;
    bool good = true;
    while (good && protobuf_next(&fields, &entry)) {
        const struct protobuf pair = protobuf_enter(&entry);
        if (entry.number != TENSOR_EXTERNAL || !protobuf_find(pair, ENTRY_KEY, &key) ||
            !protobuf_find(pair, ENTRY_VALUE, &value))
            continue;
        if (protobuf_is_text(&key, "location"))
            good = (location = import_text(source, (const char *)value.bytes, value.n)) != NULL;
        else if (protobuf_is_text(&key, "offset"))
            good = read_decimal(&value, &offset);
        else if (protobuf_is_text(&key, "length"))
            good = read_decimal(&value, &length);
    }
    if (!good || location == NULL)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': its external_data has no readable location, offset and "
                         "length",
                         tensor->name);
    enum lstm_status status = import_map(source, location, &bytes->bytes, &n, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "external data of tensor '%.60s'", tensor->name);
    if (offset > n || (length != SIZE_MAX && length > n - offset))
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': %zu bytes at offset %zu of '%.60s', which has %zu",
                         tensor->name, length, offset, location, n);
    bytes->bytes += offset;
    bytes->n = length == SIZE_MAX ? n - offset : length;
    return LSTM_OK;
}

static enum lstm_status find_bytes(struct import_source *source, const struct tensor *tensor,
                                   struct onnx_bytes *bytes, struct lstm_error *error)
{
    struct protobuf_field raw;
    if (tensor->is_external)
        return find_external(source, tensor, bytes, error);
    if (protobuf_find(tensor->message, TENSOR_RAW, &raw)) {
        *bytes = (struct onnx_bytes){raw.bytes, raw.n};
        return LSTM_OK;
    }
    return unpack(source, tensor, types[tensor->data_type].field, onnx_dtype(tensor->data_type),
                  bytes, error);
}

enum lstm_status onnx_tensor_read(struct import_source *source, const char *name,
                                  struct onnx_bytes message, struct import_array *array,
                                  struct lstm_error *error)
{
    struct tensor tensor = {.name = name != NULL ? name : "",
                            .message = protobuf_begin(message.bytes, message.n)};
    struct protobuf_field field;
    struct onnx_bytes bytes = {0};
    if (name == NULL && protobuf_find(tensor.message, TENSOR_NAME, &field)) {
        tensor.name = import_text(source, (const char *)field.bytes, field.n);
        if (tensor.name == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a tensor's name");
    }
    enum lstm_status status = read_header(&tensor, error);
    if (status != LSTM_OK)
        return status;
    const enum import_dtype dtype = onnx_dtype(tensor.data_type);
    if (import_dtype_bytes(dtype) == 0) {
        /* Only its name and shape can be told. */
        *array = (struct import_array){.name = tensor.name, .dtype = dtype, .rank = tensor.rank};
        memcpy(array->shape, tensor.shape, sizeof tensor.shape);
        return LSTM_OK;
    }
    status = find_bytes(source, &tensor, &bytes, error);
    if (status == LSTM_OK)
        status = import_array_init(array, tensor.name, dtype, tensor.rank, tensor.shape,
                                   bytes.bytes, bytes.n, error);
    /* An empty tensor has no field for its numbers. */
    if (status == LSTM_OK && array->data == NULL)
        array->data = (const unsigned char *)"";
    return status;
}

size_t onnx_array_size(const struct import_array *array)
{
    size_t n = 1;
    for (size_t i = 0; i < array->rank; i++)
        n *= array->shape[i];
    return n;
}

size_t onnx_array_at(const struct import_array *array, size_t k)
{
    size_t at = 0;
    for (size_t i = array->rank; i-- > 0;) {
        at += k % array->shape[i] * array->stride[i];
        k /= array->shape[i];
    }
    return at;
}

static const unsigned char *element(const struct import_array *array, size_t k)
{
    return array->data + onnx_array_at(array, k) * import_dtype_bytes(array->dtype);
}

double onnx_array_real(const struct import_array *array, size_t k)
{
    float value;
    if (array->dtype > IMPORT_BF16)
        return (double)onnx_array_int(array, k);
    float_format_read((enum lstm_dtype)array->dtype, element(array, k), 1, &value);
    return (double)value;
}

int64_t onnx_array_int(const struct import_array *array, size_t k)
{
    const size_t width = import_dtype_bytes(array->dtype);
    const unsigned char *bytes = element(array, k);
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;)
        value = value << 8 | bytes[i];
    const bool is_signed = array->dtype >= IMPORT_I8 && array->dtype <= IMPORT_I64;
    if (is_signed && width < sizeof value && value >> (8 * width - 1) != 0)
        value |= UINT64_MAX << 8 * width;
    return (int64_t)value;
}

bool onnx_array_is_integral(const struct import_array *array)
{
    return array->dtype >= IMPORT_I8 && array->dtype <= IMPORT_BOOL;
}

bool onnx_array_scalar(const struct import_array *array, double *number)
{
    if (import_dtype_bytes(array->dtype) == 0 || onnx_array_size(array) != 1)
        return false;
    *number = onnx_array_real(array, 0);
    return true;
}

bool onnx_array_is_zero(const struct import_array *array)
{
    const size_t n = onnx_array_size(array);
    for (size_t k = 0; k < n; k++)
        if (onnx_array_real(array, k) != 0.0)
            return false;
    return true;
}

static bool is_packed(const struct import_array *array)
{
    size_t stride = 1;
    for (size_t i = array->rank; i-- > 0;) {
        if (array->shape[i] != 1 && array->stride[i] != stride)
            return false;
        stride *= array->shape[i];
    }
    return true;
}

bool onnx_array_pack(struct import_source *source, struct import_array *array)
{
    const size_t n = onnx_array_size(array), width = import_dtype_bytes(array->dtype);
    struct import_array packed = *array;
    size_t bytes;
    if (is_packed(array))
        return true;
    unsigned char *to = memory_multiply(n, width, &bytes) ? import_allocate(source, bytes) : NULL;
    if (to == NULL)
        return false;
    for (size_t k = 0; k < n; k++)
        memcpy(to + k * width, element(array, k), width);
    packed.data = to;
    for (size_t i = packed.rank, stride = 1; i-- > 0; stride *= packed.shape[i])
        packed.stride[i] = stride;
    *array = packed;
    return true;
}
