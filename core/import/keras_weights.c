/* keras_weights.c: keras_weights.h: names. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_weights.h"

#include <string.h>

#include "core/status.h"

enum role { KERNEL, RECURRENT, BIAS, EMBEDDINGS, OTHER, IGNORED };

static const char gate_letters[] = KERAS_GATES;

/* What an array's name says. */
struct parsed {
    size_t scope_bytes;
    enum role role;
    char gate; /* of Keras 1's array of one gate; 0: all gates */
    bool is_forward, is_backward;
};

static const struct {
    const char *name;
    enum role role;
} named_roles[] = {{"kernel", KERNEL},
                   {"recurrent_kernel", RECURRENT},
                   {"bias", BIAS},
                   {"embeddings", EMBEDDINGS},
                   {"seed_generator_state", IGNORED}};

/* Parts of a path that are not the layer's: the cell within a layer, the layer within a wrapper. */
static const char *const inner_names[] = {"lstm_cell", "gru_cell", "cell", "layer", NULL};

static bool is_digits(const char *text, size_t n)
{
    size_t k = 0;
    while (k < n && text[k] >= '0' && text[k] <= '9')
        k++;
    return n > 0 && k == n;
}

/* "lstm_cell", "lstm_cell_12" for "lstm_cell". */
static bool is_numbered(const char *text, size_t n, const char *name)
{
    const size_t length = strlen(name);
    if (n < length || memcmp(text, name, length) != 0)
        return false;
    return n == length || (text[length] == '_' && is_digits(text + length + 1, n - length - 1));
}

static bool is_part(const char *text, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(text, name, n) == 0;
}

static bool begins(const char *text, size_t n, const char *with)
{
    return n >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* Where the last part of the first n bytes of a path begins. */
static size_t last_part(const char *path, size_t n)
{
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n;
}

/* Takes the last part off a path of n bytes. */
static size_t parent(const char *path, size_t n)
{
    const size_t begin = last_part(path, n);
    return begin == 0 ? 0 : begin - 1;
}

/* "_W_i" behind a layer's name, as Keras 1 has it; "_W" for all gates, or a dense layer. Gives the
 * length of the suffix, 0: none. */
static size_t parse_keras1(const char *part, size_t n, struct parsed *parsed)
{
    static const char weights[] = "WUb";
    static const enum role roles[] = {KERNEL, RECURRENT, BIAS};
    const bool has_gate = n >= 5 && part[n - 2] == '_' && part[n - 4] == '_' &&
                          strchr(gate_letters, part[n - 1]) != NULL;
    const size_t suffix = has_gate ? 4 : 2;
    if (n <= suffix || part[n - suffix] != '_')
        return 0;
    const char *weight = strchr(weights, part[n - suffix + 1]);
    if (weight == NULL || *weight == '\0')
        return 0;
    parsed->role = roles[weight - weights];
    parsed->gate = has_gate ? part[n - 1] : '\0';
    return suffix;
}

/* Finds the role by the last part of the name; gives the length of what is in front of it. */
static size_t parse_role(const struct import_array *array, size_t n, struct parsed *parsed)
{
    const char *name = array->name;
    const size_t begin = last_part(name, n);
    const char *part = name + begin;
    const size_t n_part = n - begin;
    parsed->role = OTHER;
    if (is_digits(part, n_part) && begin >= 5 && memcmp(part - 5, "vars/", 5) == 0) {
        /* In the order of creation: kernel, (recurrent kernel), bias. */
        if (n_part == 1 && *part <= '2')
            parsed->role = *part == '0'                       ? KERNEL
                           : *part == '1' && array->rank == 2 ? RECURRENT
                                                              : BIAS;
        return parent(name, parent(name, n));
    }
    for (size_t k = 0; k < sizeof named_roles / sizeof *named_roles; k++)
        if (is_part(part, n_part, named_roles[k].name)) {
            parsed->role = named_roles[k].role;
            return parent(name, n);
        }
    const size_t suffix = parse_keras1(part, n_part, parsed);
    return suffix > 0 ? n - suffix : parent(name, n);
}

/* Takes cells, wrapped layers and directions off the end of the scope, down to its first `least`
 * bytes, which are a layer's whatever they are called. */
static size_t parse_scope(const char *name, size_t least, size_t n, struct parsed *parsed)
{
    while (n > least) {
        const size_t begin = last_part(name, n), n_part = n - begin;
        bool is_inner = false;
        for (size_t k = 0; inner_names[k] != NULL; k++)
            is_inner = is_inner || is_numbered(name + begin, n_part, inner_names[k]);
        if (begins(name + begin, n_part, "seed_generator"))
            parsed->role = IGNORED;
        else if (begins(name + begin, n_part, "forward_"))
            parsed->is_forward = true;
        else if (begins(name + begin, n_part, "backward_"))
            parsed->is_backward = true;
        else if (!is_inner)
            return n;
        n = begin == 0 ? 0 : begin - 1;
    }
    return n;
}

/* Without the ":0" of TensorFlow's variables. */
static size_t name_bytes(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon != NULL && is_digits(colon + 1, strlen(colon + 1)) ? (size_t)(colon - name)
                                                                    : strlen(name);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How much of a name is the layer's whatever it is called. Of a layer that is known, n_layer bytes,
 * variables may repeat the name's last part, behind that of the model: 20 of
 * "lstm/sequential/lstm/lstm_cell/kernel". Else the first part, a layer's or a folder's. */
static size_t least_scope(const char *name, size_t end, size_t n_layer)
{
    const char *layer = name + last_part(name, n_layer);
    const size_t n = (size_t)(name + n_layer - layer);
    if (n_layer == 0)
        return smaller(strcspn(name, "/"), end);
    for (size_t at = n_layer + 1; at < end;) {
        const size_t n_part = smaller(strcspn(name + at, "/"), end - at);
        if (n_part == n && memcmp(name + at, layer, n) == 0)
            return at + n_part;
        at += n_part + 1;
    }
    return n_layer;
}

static struct parsed parse(const struct import_array *array, size_t n_layer)
{
    struct parsed parsed = {.role = OTHER};
    const char *name = array->name;
    const size_t first = strcspn(name, "/");
    const size_t end = parse_role(array, name_bytes(name), &parsed);
    const size_t n = end < n_layer ? n_layer : end; /* where the layer is called "vars" */
    parsed.scope_bytes = parse_scope(name, least_scope(name, n, n_layer), n, &parsed);
    if (array->rank == 0 || (n_layer == 0 && (is_part(name, first, "optimizer") ||
                                              is_part(name, first, "optimizer_weights"))))
        parsed.role = IGNORED;
    return parsed;
}

size_t keras_scope_bytes(const struct import_array *array, size_t n_layer)
{
    const struct parsed parsed = parse(array, n_layer);
    return parsed.role == IGNORED ? SIZE_MAX : parsed.scope_bytes;
}

bool keras_is_recurrent(const struct import_array *array)
{
    return parse(array, 0).role == RECURRENT;
}

static enum lstm_status put(const struct import_array **place, const struct import_array *array,
                            struct lstm_error *error)
{
    if (*place != NULL)
        return lstm_fail(error, LSTM_FORMAT, "'%.80s' and '%.80s' are the same weight of one layer",
                         (*place)->name, array->name);
    *place = array;
    return LSTM_OK;
}

static enum lstm_status put_parsed(struct keras_weights *weights, const struct parsed *parsed,
                                   const struct import_array *array, struct lstm_error *error)
{
    struct keras_cell *cell = &weights->cells[parsed->is_backward];
    struct keras_weight *const places[] = {
        [KERNEL] = &cell->kernel, [RECURRENT] = &cell->recurrent, [BIAS] = &cell->bias};
    weights->n_arrays++;
    weights->is_bidirectional |= parsed->is_forward || parsed->is_backward;
    if (parsed->role == EMBEDDINGS)
        return put(&weights->embeddings, array, error);
    if (parsed->role == OTHER) {
        weights->other = array;
        return LSTM_OK;
    }
    struct keras_weight *weight = places[parsed->role];
    return put(parsed->gate == '\0'
                   ? &weight->whole
                   : &weight->gates[strchr(gate_letters, parsed->gate) - gate_letters],
               array, error);
}

enum lstm_status keras_weights_collect(const struct import_source *source, const char *scope,
                                       struct keras_weights *weights, struct lstm_error *error)
{
    const size_t n = strlen(scope);
    enum lstm_status status = LSTM_OK;
    *weights = (struct keras_weights){.n_arrays = 0};
    for (size_t k = 0; k < source->n_arrays && status == LSTM_OK; k++) {
        const struct import_array *array = &source->arrays[k];
        if (strncmp(array->name, scope, n) != 0 || array->name[n] != '/')
            continue;
        const struct parsed parsed = parse(array, n);
        if (parsed.role != IGNORED)
            status = put_parsed(weights, &parsed, array, error);
    }
    return status;
}

enum lstm_status keras_weights_gather(const struct import_source *source, const char *scope,
                                      size_t n, size_t n_layer, struct keras_weights *weights,
                                      struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    *weights = (struct keras_weights){.n_arrays = 0};
    for (size_t k = 0; k < source->n_arrays && status == LSTM_OK; k++) {
        const struct import_array *array = &source->arrays[k];
        if (strncmp(array->name, scope, n) != 0 || (n_layer > 0 && array->name[n_layer] != '/'))
            continue;
        const struct parsed parsed = parse(array, n_layer);
        if (parsed.role != IGNORED && parsed.scope_bytes == n)
            status = put_parsed(weights, &parsed, array, error);
    }
    return status;
}
