/* torch_object.c: torch_object.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_object.h"

#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"

enum { MAX_DEPTH = 16, MAX_PATH_BYTES = 512 };

/* Values may be visited as often as they are referred to, which takes bytes each time: a small file
 * must not make many of few by lists of the same lists. */
enum { MIN_VISITS = 1 << 16, MAX_VISITS = 1 << 22 };

/* Most elements of a view that repeats its storage's: a few bytes must not fill the memory. */
enum { MAX_REPEATED = 1 << 20 };

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

/* Tensors that are made otherwise. */
static const struct {
    const char *name, *what;
} refused_tensors[] = {
    {"_rebuild_qtensor", "is quantised: save it after dequantize()"},
    {"_rebuild_sparse_tensor", "is sparse: save it after to_dense()"},
    {"_rebuild_sparse_csr_tensor", "is sparse: save it after to_dense()"},
    {"_rebuild_meta_tensor_no_storage", "has no values (device \"meta\")"},
};

struct walk {
    struct import_source *source;
    enum lstm_status (*find)(struct import_source *source, const struct torch_storage *storage,
                             const unsigned char **bytes, size_t *n, struct lstm_error *error);
    size_t n_visits, most_visits, depth;
    char path[MAX_PATH_BYTES];
};

static bool read_size(const struct pickle_value *value, size_t *size)
{
    if (value->kind != PICKLE_INTEGER || value->integer < 0)
        return false;
    *size = (size_t)value->integer;
    return true;
}

/* ---- Storages ----------------------------------------------------------------------------- */

static bool read_view(const struct pickle_value *view, struct torch_storage *storage)
{
    if (view->kind == PICKLE_NONE)
        return true;
    return view->kind == PICKLE_TUPLE && view->n == 3 &&
           read_size(view->items[1], &storage->view_begin) &&
           read_size(view->items[2], &storage->view_n) && storage->view_begin <= storage->n &&
           storage->view_n <= storage->n - storage->view_begin;
}

enum lstm_status torch_object_storage(const struct pickle_value *reference,
                                      struct torch_storage *storage, struct lstm_error *error)
{
    *storage = (struct torch_storage){.dtype = IMPORT_OTHER};
    const struct pickle_value *id =
        reference->kind == PICKLE_REFERENCE ? reference->items[0] : reference;
    if (id->kind != PICKLE_TUPLE || id->n < 5 || !pickle_is_text(id->items[0], "storage") ||
        id->items[1]->kind != PICKLE_GLOBAL || id->items[2]->kind != PICKLE_TEXT ||
        !read_size(id->items[4], &storage->n))
        return lstm_fail(error, LSTM_FORMAT,
                         "a reference in the pickle is none to a storage (\"storage\", type, key, "
                         "location, number of elements)");
    storage->key = id->items[2]->text;
    storage->view_n = storage->n;
    if (id->n > 5 && !read_view(id->items[5], storage))
        return lstm_fail(error, LSTM_FORMAT,
                         "storage '%.40s' of %zu elements: a view of it lies outside", storage->key,
                         storage->n);
    const char *type = id->items[1]->global->name;
    for (size_t k = 0; k < sizeof storages / sizeof *storages; k++)
        if (strcmp(storages[k].name, type) == 0)
            storage->dtype = storages[k].dtype;
    if (storage->dtype == IMPORT_OTHER)
        return lstm_fail(
            error, LSTM_UNSUPPORTED,
            "storage '%.40s' is a torch.%.40s: complex and quantised numbers cannot be "
            "weights; save the tensor after dequantize() or .real",
            storage->key, type);
    return LSTM_OK;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

/* Shape and strides, elements of both counted from the storage's beginning. */
static enum lstm_status read_shape(const struct walk *walk, const struct pickle_value *size,
                                   const struct pickle_value *stride, struct import_array *array,
                                   struct lstm_error *error)
{
    const bool are_tuples = (size->kind == PICKLE_TUPLE || size->kind == PICKLE_LIST) &&
                            (stride->kind == PICKLE_TUPLE || stride->kind == PICKLE_LIST);
    if (!are_tuples || size->n != stride->n || size->n > IMPORT_MAX_RANK)
        return lstm_fail(
            error, LSTM_FORMAT,
            "tensor '%.80s': expected a size and a stride of the same rank, at most %d", walk->path,
            IMPORT_MAX_RANK);
    array->rank = size->n;
    for (size_t k = 0; k < size->n; k++)
        if (!read_size(size->items[k], &array->shape[k]) ||
            !read_size(stride->items[k], &array->stride[k]))
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor '%.80s': size and stride %zu are no whole numbers >= 0",
                             walk->path, k);
    return LSTM_OK;
}

/* Elements of the array in *n, and in *reach how far behind its first one its last one ends; false:
 * one of them overflows. */
static bool measure(const struct import_array *array, size_t *n, size_t *reach)
{
    *n = *reach = 1;
    for (size_t k = 0; k < array->rank; k++) {
        size_t step;
        if (!memory_multiply(*n, array->shape[k], n))
            return false;
        if (array->shape[k] > 1 &&
            (!memory_multiply(array->shape[k] - 1, array->stride[k], &step) ||
             !memory_add(*reach, step, reach)))
            return false;
    }
    if (*n == 0)
        *reach = 0;
    return true;
}

static enum lstm_status place(struct walk *walk, const struct torch_storage *storage, size_t offset,
                              struct import_array *array, struct lstm_error *error)
{
    size_t n, reach, available, needed;
    if (!measure(array, &n, &reach) || reach > storage->view_n || offset > storage->view_n - reach)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': with its size, stride and offset %zu it reaches behind "
                         "the %zu elements of storage '%.40s'",
                         walk->path, offset, storage->view_n, storage->key);
    if (n > storage->view_n && n > MAX_REPEATED)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "tensor '%.80s': an expanded view of %zu elements of %zu; save it after "
                         "contiguous()",
                         walk->path, n, storage->view_n);
    const unsigned char *bytes;
    enum lstm_status status = walk->find(walk->source, storage, &bytes, &available, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "tensor '%.80s'", walk->path);
    if (!memory_multiply(storage->n, import_dtype_bytes(storage->dtype), &needed) ||
        needed > available)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': storage '%.40s' has %zu bytes, too few for its %zu "
                         "elements of type %s; the file is cut or damaged",
                         walk->path, storage->key, available, storage->n,
                         import_dtype_name(storage->dtype));
    array->data = bytes + (storage->view_begin + offset) * import_dtype_bytes(storage->dtype);
    return LSTM_OK;
}

static enum lstm_status add_tensor(struct walk *walk, const struct pickle_value *call,
                                   struct lstm_error *error)
{
    const struct pickle_value *arguments = call->items[1];
    struct torch_storage storage;
    struct import_array array = {0};
    size_t offset;
    if (arguments->n < 4 || arguments->items[0]->kind != PICKLE_REFERENCE ||
        !read_size(arguments->items[1], &offset))
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': expected a storage, an offset >= 0, size and stride",
                         walk->path);
    enum lstm_status status = torch_object_storage(arguments->items[0], &storage, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "tensor '%.80s'", walk->path);
    array.dtype = storage.dtype;
    status = read_shape(walk, arguments->items[2], arguments->items[3], &array, error);
    if (status == LSTM_OK)
        status = place(walk, &storage, offset, &array, error);
    if (status != LSTM_OK)
        return status;
    const char *name = walk->path[0] == '\0' ? "tensor" : walk->path;
    array.name = import_text(walk->source, name, strlen(name));
    if (array.name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the names of tensors");
    return import_add_array(walk->source, &array, error);
}

static enum lstm_status visit_call(struct walk *walk, const struct pickle_value *call,
                                   struct lstm_error *error)
{
    const char *name = call->items[0]->global->name;
    for (size_t k = 0; k < sizeof refused_tensors / sizeof *refused_tensors; k++)
        if (strcmp(refused_tensors[k].name, name) == 0)
            return lstm_fail(error, LSTM_UNSUPPORTED, "tensor '%.80s' %s", walk->path,
                             refused_tensors[k].what);
    const bool is_tensor =
        strcmp(name, "_rebuild_tensor") == 0 || strcmp(name, "_rebuild_tensor_v2") == 0;
    return is_tensor ? add_tensor(walk, call, error) : LSTM_OK;
}

/* ---- The walk ----------------------------------------------------------------------------- */

static enum lstm_status visit(struct walk *walk, const struct pickle_value *value,
                              struct lstm_error *error);

/* Appends a key to the path, of a dict or the number of a list's item. */
static bool enter(struct walk *walk, const struct pickle_value *key, size_t number)
{
    const size_t n = strlen(walk->path), room = sizeof walk->path - n;
    const char *slash = n == 0 ? "" : "/";
    int added;
    if (key != NULL && key->kind == PICKLE_TEXT)
        added = strlen(key->text) == key->n_text
                    ? snprintf(walk->path + n, room, "%s%s", slash, key->text)
                    : -1;
    else if (key != NULL && key->kind == PICKLE_INTEGER)
        added = snprintf(walk->path + n, room, "%s%jd", slash, (intmax_t)key->integer);
    else
        added = snprintf(walk->path + n, room, "%s%zu", slash, number);
    return added >= 0 && (size_t)added < room;
}

static enum lstm_status visit_items(struct walk *walk, const struct pickle_value *container,
                                    struct lstm_error *error)
{
    const size_t n_path = strlen(walk->path), step = container->kind == PICKLE_DICT ? 2 : 1;
    enum lstm_status status = LSTM_OK;
    if (walk->depth == MAX_DEPTH)
        return lstm_fail(error, LSTM_FORMAT,
                         "'%.80s': dicts and lists are nested more than %d deep", walk->path,
                         MAX_DEPTH);
    walk->depth++;
    for (size_t k = 0; k < container->n && status == LSTM_OK; k += step) {
        const struct pickle_value *key = step == 2 ? container->items[k] : NULL;
        if (!enter(walk, key, k / step))
            return lstm_fail(error, LSTM_FORMAT, "'%.80s': a key is too long, or no text",
                             walk->path);
        status = visit(walk, container->items[k + step - 1], error);
        walk->path[n_path] = '\0';
    }
    walk->depth--;
    return status;
}

static enum lstm_status visit(struct walk *walk, const struct pickle_value *value,
                              struct lstm_error *error)
{
    if (++walk->n_visits > walk->most_visits)
        return lstm_fail(error, LSTM_FORMAT,
                         "'%.80s': the pickle holds more than %zu values, too many for a file of "
                         "%zu bytes",
                         walk->path, walk->most_visits, walk->source->n);
    switch (value->kind) {
    case PICKLE_TUPLE:
    case PICKLE_LIST:
    case PICKLE_DICT:
        return visit_items(walk, value, error);
    case PICKLE_CALL:
        return visit_call(walk, value, error);
    default:
        return LSTM_OK;
    }
}

enum lstm_status torch_object_add_arrays(
    struct import_source *source, const struct pickle_value *value,
    enum lstm_status (*find)(struct import_source *source, const struct torch_storage *storage,
                             const unsigned char **bytes, size_t *n, struct lstm_error *error),
    struct lstm_error *error)
{
    const size_t more = source->n < MAX_VISITS - MIN_VISITS ? source->n : MAX_VISITS - MIN_VISITS;
    struct walk walk = {.source = source, .find = find, .most_visits = MIN_VISITS + more};
    return visit(&walk, value, error);
}
