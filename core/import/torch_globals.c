/* torch_globals.c: the names that pickles of weights use, and the storages among them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/torch_object.h"
#include "core/status.h"

/* torch.<name>Storage, and what its elements are; OTHER cannot be read. */
#define STORAGES(X)                                                                                \
    X(Float, F32)                                                                                  \
    X(Double, F64)                                                                                 \
    X(Half, F16)                                                                                   \
    X(BFloat16, BF16)                                                                              \
    X(Char, I8)                                                                                    \
    X(Short, I16)                                                                                  \
    X(Int, I32)                                                                                    \
    X(Long, I64)                                                                                   \
    X(Byte, U8)                                                                                    \
    X(Bool, BOOL)                                                                                  \
    X(ComplexFloat, OTHER)                                                                         \
    X(ComplexDouble, OTHER)                                                                        \
    X(QInt8, OTHER)                                                                                \
    X(QInt32, OTHER)                                                                               \
    X(QUInt8, OTHER)                                                                               \
    X(QUInt4x2, OTHER)                                                                             \
    X(QUInt2x4, OTHER)

static const struct {
    const char *name;
    enum import_dtype dtype;
} storages[] = {
#define X(name, dtype) {#name "Storage", IMPORT_##dtype},
    STORAGES(X)
#undef X
};

/* A name of torch that is a value. */
#define VALUE(name)                                                                                \
    {                                                                                              \
        "torch", name, PICKLE_NO_CALL                                                              \
    }

/* Beside storages and tensors: plain containers, and what training scripts keep beside weights,
 * which is carried along unread. */
const struct pickle_global torch_object_globals[] = {
#define X(name, dtype)                                                                             \
    {"torch", #name "Storage", PICKLE_NO_CALL}, {"torch.cuda", #name "Storage", PICKLE_NO_CALL},
    STORAGES(X)
#undef X
        VALUE("float32"),
    VALUE("float64"),
    VALUE("float16"),
    VALUE("bfloat16"),
    VALUE("int8"),
    VALUE("int16"),
    VALUE("int32"),
    VALUE("int64"),
    VALUE("uint8"),
    VALUE("bool"),
    VALUE("complex64"),
    VALUE("complex128"),
    VALUE("strided"),
    VALUE("sparse_coo"),
    VALUE("sparse_csr"),
    VALUE("per_tensor_affine"),
    VALUE("per_channel_affine"),
    {"torch._utils", "_rebuild_tensor", PICKLE_KEPT},
    {"torch._utils", "_rebuild_tensor_v2", PICKLE_KEPT},
    {"torch._utils", "_rebuild_qtensor", PICKLE_KEPT},
    {"torch._utils", "_rebuild_sparse_tensor", PICKLE_KEPT},
    {"torch._utils", "_rebuild_sparse_csr_tensor", PICKLE_KEPT},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", PICKLE_KEPT},
    {"torch._utils", "_rebuild_parameter", PICKLE_MAKES_FIRST},
    {"torch._utils", "_rebuild_parameter_with_state", PICKLE_MAKES_FIRST},
    {"torch", "Size", PICKLE_MAKES_FIRST},
    {"torch", "device", PICKLE_KEPT},
    {"torch.serialization", "_get_layout", PICKLE_KEPT},
    {"collections", "OrderedDict", PICKLE_MAKES_DICT},
    {"collections", "defaultdict", PICKLE_MAKES_DICT},
    {"collections", "Counter", PICKLE_MAKES_DICT},
    {"__builtin__", "set", PICKLE_MAKES_LIST},
    {"builtins", "set", PICKLE_MAKES_LIST},
    {"__builtin__", "frozenset", PICKLE_MAKES_LIST},
    {"builtins", "frozenset", PICKLE_MAKES_LIST},
    {"__builtin__", "list", PICKLE_MAKES_LIST},
    {"builtins", "list", PICKLE_MAKES_LIST},
    {"__builtin__", "dict", PICKLE_MAKES_DICT},
    {"builtins", "dict", PICKLE_MAKES_DICT},
    {"argparse", "Namespace", PICKLE_KEPT},
    {"numpy.core.multiarray", "scalar", PICKLE_KEPT},
    {"numpy.core.multiarray", "_reconstruct", PICKLE_KEPT},
    {"numpy._core.multiarray", "scalar", PICKLE_KEPT},
    {"numpy._core.multiarray", "_reconstruct", PICKLE_KEPT},
    {"numpy", "dtype", PICKLE_KEPT},
    {"numpy", "ndarray", PICKLE_KEPT},
    {"_codecs", "encode", PICKLE_KEPT},
    {NULL, NULL, PICKLE_NO_CALL},
};

bool torch_object_size(const struct pickle_value *value, size_t *size)
{
    if (value->kind != PICKLE_INTEGER || value->integer < 0)
        return false;
    *size = (size_t)value->integer;
    return true;
}

static bool read_view(const struct pickle_value *view, struct torch_storage *storage)
{
    if (view->kind == PICKLE_NONE)
        return true;
    return view->kind == PICKLE_TUPLE && view->n == 3 &&
           torch_object_size(view->items[1], &storage->view_begin) &&
           torch_object_size(view->items[2], &storage->view_n) &&
           storage->view_begin <= storage->n && storage->view_n <= storage->n - storage->view_begin;
}

enum lstm_status torch_object_storage(const struct pickle_value *reference,
                                      struct torch_storage *storage, struct lstm_error *error)
{
    *storage = (struct torch_storage){.dtype = IMPORT_OTHER};
    const struct pickle_value *id =
        reference->kind == PICKLE_REFERENCE ? reference->items[0] : reference;
    if (id->kind != PICKLE_TUPLE || id->n < 5 || !pickle_is_text(id->items[0], "storage") ||
        id->items[1]->kind != PICKLE_GLOBAL || id->items[2]->kind != PICKLE_TEXT ||
        !torch_object_size(id->items[4], &storage->n))
        return lstm_fail(error, LSTM_FORMAT,
                         "a reference in the pickle is none to a storage (\"storage\", type, key, "
                         "location, number of elements)");
    storage->key = id->items[2]->text;
    storage->view_n = storage->n;
    if (id->n > 5 && !read_view(id->items[5], storage))
        return lstm_fail(error, LSTM_FORMAT,
                         "storage '%.40s' of %zu elements: a view of it lies outside", storage->key,
                         storage->n);
    const struct pickle_global *type = id->items[1]->global;
    for (size_t k = 0; k < sizeof storages / sizeof *storages; k++)
        if (type->meaning != PICKLE_FOREIGN && strcmp(storages[k].name, type->name) == 0)
            storage->dtype = storages[k].dtype;
    if (storage->dtype == IMPORT_OTHER)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "storage '%.40s' is of type %.40s.%.40s: complex and quantised numbers "
                         "cannot be weights; save the tensor after dequantize() or .real",
                         storage->key, type->module, type->name);
    return LSTM_OK;
}
