/* torch_object.c: torch_object.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_object.h"

#include <stdio.h>
#include <string.h>

#include "core/import/names_torch.h"
#include "core/memory.h"
#include "core/status.h"

enum { MAX_DEPTH = 16, MAX_OPAQUE_DEPTH = 64, MAX_PATH_BYTES = 512 };

/* Values may be visited as often as they are referred to, which takes bytes each time: a small file
 * must not make many of few by lists of the same lists. */
enum { MIN_VISITS = 1 << 16, MAX_VISITS = 1 << 22 };

/* Most elements of a view that repeats its storage's: a few bytes must not fill the memory. */
enum { MAX_REPEATED = 1 << 20 };

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
    size_t n_tensors;
    const struct pickle_global *holder; /* makes the first opaque value that may hold tensors */
    char path[MAX_PATH_BYTES];
};

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
        if (!torch_object_size(size->items[k], &array->shape[k]) ||
            !torch_object_size(stride->items[k], &array->stride[k]))
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
        !torch_object_size(arguments->items[1], &offset))
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
    walk->n_tensors++;
    return import_add_array(walk->source, &array, error);
}

/* ---- Opaque values ---------------------------------------------------------------------------
 */

static enum lstm_status count_visit(struct walk *walk, struct lstm_error *error)
{
    if (++walk->n_visits <= walk->most_visits)
        return LSTM_OK;
    return lstm_fail(error, LSTM_FORMAT,
                     "'%.80s': the pickle holds more than %zu values, too many for a file of %zu "
                     "bytes",
                     walk->path, walk->most_visits, walk->source->n);
}

static bool is_numpy_array(const struct pickle_value *value)
{
    const struct pickle_global *made_by =
        value->kind == PICKLE_CALL ? value->items[0]->global : NULL;
    return made_by != NULL && strncmp(made_by->module, "numpy", strlen("numpy")) == 0 &&
           (strcmp(made_by->name, "_reconstruct") == 0 ||
            strcmp(made_by->name, "_frombuffer") == 0);
}

/* Whether numbers that could be weights went into the value, or are too deep in it to tell. */
static enum lstm_status find_numbers(struct walk *walk, const struct pickle_value *value,
                                     size_t depth, bool *found, struct lstm_error *error)
{
    enum lstm_status status = count_visit(walk, error);
    const bool has_items = value->kind == PICKLE_TUPLE || value->kind == PICKLE_LIST ||
                           value->kind == PICKLE_DICT || value->kind == PICKLE_CALL;
    *found = *found || value->kind == PICKLE_REFERENCE || is_numpy_array(value) ||
             (has_items && depth == MAX_OPAQUE_DEPTH);
    for (size_t k = 0; has_items && k < value->n && !*found && status == LSTM_OK; k++)
        status = find_numbers(walk, value->items[k], depth + 1, found, error);
    return status;
}

/* What may hold weights is an array of which nothing is known but that it is there. */
static enum lstm_status add_opaque(struct walk *walk, const struct pickle_value *call,
                                   struct lstm_error *error)
{
    bool found = false;
    enum lstm_status status = find_numbers(walk, call, 0, &found, error);
    if (status != LSTM_OK || !found)
        return status;
    if (walk->holder == NULL)
        walk->holder = call->items[0]->global;
    const char *name = walk->path[0] == '\0' ? "object" : walk->path;
    const struct import_array array = {.name = import_text(walk->source, name, strlen(name)),
                                       .dtype = IMPORT_OTHER};
    if (array.name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the names of tensors");
    return import_add_array(walk->source, &array, error);
}

static enum lstm_status visit_call(struct walk *walk, const struct pickle_value *call,
                                   struct lstm_error *error)
{
    const char *name = call->items[0]->global->name;
    if (pickle_is_opaque(call))
        return add_opaque(walk, call, error);
    for (size_t k = 0; k < sizeof refused_tensors / sizeof *refused_tensors; k++)
        if (strcmp(refused_tensors[k].name, name) == 0)
            return lstm_fail(error, LSTM_UNSUPPORTED, "tensor '%.80s' %s", walk->path,
                             refused_tensors[k].what);
    const bool is_tensor =
        strcmp(name, "_rebuild_tensor") == 0 || strcmp(name, "_rebuild_tensor_v2") == 0;
    return is_tensor ? add_tensor(walk, call, error) : add_opaque(walk, call, error);
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
    const enum lstm_status status = count_visit(walk, error);
    if (status != LSTM_OK)
        return status;
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
    struct import_source *source, const struct pickle *pickle,
    enum lstm_status (*find)(struct import_source *source, const struct torch_storage *storage,
                             const unsigned char **bytes, size_t *n, struct lstm_error *error),
    struct lstm_error *error)
{
    const size_t more = source->n < MAX_VISITS - MIN_VISITS ? source->n : MAX_VISITS - MIN_VISITS;
    struct walk walk = {.source = source, .find = find, .most_visits = MIN_VISITS + more};
    const enum lstm_status status = visit(&walk, pickle->value, error);
    if (status != LSTM_OK || walk.n_tensors > 0 || pickle->foreign.n == 0)
        return status;
    const struct pickle_global *needed =
        walk.holder != NULL ? walk.holder : pickle->foreign.names[0];
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "it needs %.60s.%.40s, which weights do not, and nothing was run: a whole "
                     "module? Save its weights alone: torch.save(model.state_dict(), path)",
                     needed->module, needed->name);
}

/* ---- The network ------------------------------------------------------------------------------
 */

static void list_names(const struct pickle_foreign *foreign, size_t most, char *text, size_t size)
{
    int n = 0;
    for (size_t k = 0; k < foreign->n && k < most && n >= 0 && (size_t)n < size; k++)
        n += snprintf(text + n, size - (size_t)n, "%s%.40s.%.30s", k == 0 ? "" : ", ",
                      foreign->names[k]->module, foreign->names[k]->name);
    if ((foreign->n > most || foreign->has_more) && n >= 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, " and others");
}

/* Whether there are values that may hold weights and cannot be read. */
static bool has_opaque(const struct import_source *source)
{
    for (size_t k = 0; k < source->n_arrays; k++)
        if (source->arrays[k].dtype == IMPORT_OTHER)
            return true;
    return false;
}

enum lstm_status torch_object_plan(struct import_source *source,
                                   const struct pickle_foreign *foreign,
                                   const struct lstm_import_options *options,
                                   struct import_plan *plan, struct lstm_error *error)
{
    char names[PICKLE_MAX_FOREIGN * 80];
    list_names(foreign, PICKLE_MAX_FOREIGN, names, sizeof names);
    if (foreign->n > 0)
        import_note(source, "left out, as nothing in a file is run: what %s would make", names);
    const enum lstm_status status = names_torch_plan(source, options, plan, error);
    if (status == LSTM_OK || foreign->n == 0 || !has_opaque(source))
        return status;
    list_names(foreign, 1, names, sizeof names);
    return lstm_fail_in(error, status, "without what %s would make, as nothing is run", names);
}
