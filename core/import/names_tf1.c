/* names_tf1.c: a network by the names that TensorFlow 1 gives its variables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint holds variables, no graph. Cells are known by their scopes; the dense layers around
 * them, which may have any name, by their shapes: what takes the last cell's outputs comes behind
 * it, what gives the first cell's inputs in front. */
#include "core/import/names_tf1.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

struct recognition {
    struct import_source *source;
    const struct lstm_import_options *options;
    struct import_plan *plan;
    const struct import_array **free; /* matrices and vectors that no layer has, by name */
    size_t n_free;
    struct lstm_error *error;
};

/* ---- Cells ---------------------------------------------------------------------------------- */

/* Cuts a kernel [D + H, n U] and its bias into the gates of a cell, from gate `first`. */
static enum lstm_status split_kernel(const struct import_array *kernel,
                                     const struct import_array *bias, const char *order,
                                     size_t outputs, size_t first, struct import_cell *cell,
                                     struct lstm_error *error)
{
    if (kernel->shape[0] <= outputs)
        return lstm_fail(error, LSTM_SHAPE,
                         "'%.80s' has %zu rows, too few for its inputs and %zu recurrent values",
                         kernel->name, kernel->shape[0], outputs);
    const size_t inputs = kernel->shape[0] - outputs;
    enum lstm_status status = import_split(import_cut(*kernel, 0, 0, inputs), 1, order, order,
                                           cell->kernel + first, error);
    if (status == LSTM_OK)
        status = import_split(import_cut(*kernel, 0, inputs, outputs), 1, order, order,
                              cell->recurrent + first, error);
    if (status == LSTM_OK && bias != NULL)
        status = import_split(*bias, 0, order, order, cell->bias + first, error);
    return status;
}

static enum lstm_status fill_lstm(const struct tf1_cell *from, struct import_cell *cell,
                                  struct lstm_error *error)
{
    size_t outputs = from->kernel->shape[1] / 4;
    if (from->projection != NULL && from->projection->rank == 2)
        outputs = from->projection->shape[1];
    if (from->projection != NULL)
        cell->projection = *from->projection;
    for (size_t g = 0; g < IMPORT_MAX_GATES; g++)
        if (from->peephole[g] != NULL)
            cell->peephole[g] = *from->peephole[g];
    return split_kernel(from->kernel, from->bias, "ijfo", outputs, 0, cell, error);
}

static enum lstm_status fill_gru(const struct tf1_cell *from, struct import_cell *cell,
                                 struct lstm_error *error)
{
    const size_t units = from->kernel->shape[1] / 2;
    enum lstm_status status = split_kernel(from->kernel, from->bias, "ru", units, 0, cell, error);
    if (status == LSTM_OK && from->candidate_hidden == NULL)
        return split_kernel(from->candidate_kernel, from->candidate_bias, "c", units, 2, cell,
                            error);
    if (status != LSTM_OK)
        return status;
    cell->kernel[2] = *from->candidate_kernel;
    cell->recurrent[2] = *from->candidate_hidden;
    if (from->candidate_bias != NULL)
        cell->bias[2] = *from->candidate_bias;
    if (from->candidate_hidden_bias != NULL)
        cell->recurrent_bias[2] = *from->candidate_hidden_bias;
    return LSTM_OK;
}

static enum lstm_status fill_cell(const struct tf1_cell *from, struct import_cell *cell,
                                  struct lstm_error *error)
{
    return from->kind == IMPORT_LSTM ? fill_lstm(from, cell, error) : fill_gru(from, cell, error);
}

/* What no checkpoint says of its cells. */
static enum lstm_status choose_meaning(struct recognition *to, const struct tf1_cell *from,
                                       struct import_layer *layer)
{
    const struct lstm_import_options *options = to->options;
    enum lstm_status status =
        import_choose(to->source, options->activation, "tanh", "the activation of the cells",
                      IMPORT_OPTION_ACTIVATION, layer->activation, to->error);
    import_use(to->source, IMPORT_OPTION_RECURRENT_ACTIVATION);
    if (status == LSTM_OK && options->recurrent_activation != NULL)
        status = import_choose(to->source, options->recurrent_activation, "sigmoid", "",
                               IMPORT_OPTION_RECURRENT_ACTIVATION, layer->recurrent_activation,
                               to->error);
    layer->reset_after = from->kind == IMPORT_GRU && from->has_cudnn_meaning;
    layer->return_sequences = true;
    layer->forget_bias = from->has_cudnn_meaning ? 0 : 1;
    if (layer->kind == IMPORT_LSTM)
        import_use(to->source, IMPORT_OPTION_FORGET_BIAS);
    if (!isnan(options->forget_bias))
        layer->forget_bias = options->forget_bias;
    else if (layer->kind == IMPORT_LSTM)
        import_note(to->source,
                    "forget_bias is taken to be %g: a checkpoint does not hold it; --forget-bias "
                    "changes it",
                    layer->forget_bias);
    return status;
}

/* Where "/fw/" or "fw/" stands in a scope; NULL: it is no forward direction. */
static const char *find_forward(const char *scope)
{
    const char *found = strstr(scope, "/fw/");
    return found != NULL ? found + 1 : strncmp(scope, "fw/", 3) == 0 ? scope : NULL;
}

/* The backward cell of a forward one, whose scope differs in that word alone. */
static const struct tf1_cell *find_backward(const struct tf1_cell *cells, size_t n,
                                            const struct tf1_cell *forward)
{
    char scope[NAME_MAX_BYTES];
    const char *place = find_forward(forward->scope);
    if (place == NULL)
        return NULL;
    memcpy(scope, forward->scope, sizeof scope);
    memcpy(scope + (place - forward->scope), "bw", 2);
    for (size_t i = 0; i < n; i++)
        if (strcmp(cells[i].scope, scope) == 0 && cells[i].kind == forward->kind)
            return &cells[i];
    return NULL;
}

static enum lstm_status add_cell(struct recognition *to, const struct tf1_cell *from,
                                 const struct tf1_cell *backward)
{
    struct import_layer *layer;
    char name[NAME_MAX_BYTES];
    memcpy(name, from->scope, sizeof name);
    const char *direction = backward != NULL ? find_forward(name) : NULL;
    if (direction != NULL)
        name[direction > name ? direction - name - 1 : 0] = '\0';
    enum lstm_status status = import_add_layer(to->plan, from->kind, name, &layer, to->error);
    if (status == LSTM_OK)
        status = choose_meaning(to, from, layer);
    if (status == LSTM_OK)
        status = fill_cell(from, &layer->cells[0], to->error);
    if (status != LSTM_OK || backward == NULL)
        return status;
    memcpy(layer->bidirectional, "concat", sizeof "concat");
    if (strstr(from->scope, "/fw/multi_rnn_cell") != NULL ||
        strstr(from->scope, "/fw/MultiRNNCell") != NULL)
        return lstm_fail(to->error, LSTM_UNSUPPORTED,
                         "'%.80s': each direction is a stack of cells of its own; lstmd joins the "
                         "directions behind every layer, as stack_bidirectional_dynamic_rnn does",
                         from->scope);
    return fill_cell(backward, &layer->cells[1], to->error);
}

static enum lstm_status share_cell(struct recognition *to, size_t n)
{
    const struct import_layer *const first = &to->plan->layers[to->plan->n_layers - 1];
    for (size_t i = 1; i < n; i++) {
        struct import_layer *layer;
        const enum lstm_status status =
            import_add_layer(to->plan, first->kind, first->name, &layer, to->error);
        if (status != LSTM_OK)
            return status;
        *layer = *first;
        layer->reuse = true;
    }
    return LSTM_OK;
}

static enum lstm_status add_cells(struct recognition *to, const struct tf1_cell *cells, size_t n)
{
    enum lstm_status status = LSTM_OK;
    size_t n_shared = to->options->shared_layers;
    import_use(to->source, IMPORT_OPTION_SHARED_LAYERS);
    import_use(to->source, IMPORT_OPTION_RETURN_SEQUENCES);
    for (size_t i = 0; i < n && status == LSTM_OK; i++) {
        const struct tf1_cell *backward = find_backward(cells, n, &cells[i]);
        const bool is_backward =
            strstr(cells[i].scope, "/bw/") != NULL || strncmp(cells[i].scope, "bw/", 3) == 0;
        if (!is_backward)
            status = add_cell(to, &cells[i], backward);
    }
    if (status == LSTM_OK && to->plan->n_layers == 0)
        return lstm_fail(to->error, LSTM_UNSUPPORTED,
                         "'%.80s' is a backward cell without its "
                         "forward one",
                         cells[0].scope);
    if (status == LSTM_OK && n_shared > 1 && to->plan->n_layers != 1)
        return lstm_fail(to->error, LSTM_INVALID,
                         "--shared-layers: %zu layers have cells of their own", to->plan->n_layers);
    if (status == LSTM_OK && n_shared > 1)
        status = share_cell(to, n_shared);
    to->plan->layers[to->plan->n_layers - (to->plan->n_layers > 0)].return_sequences =
        to->options->return_sequences;
    return status;
}

/* ---- What is around the cells --------------------------------------------------------------- */

static bool belongs_to_cell(const struct tf1_cell *cells, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(cells[i].scope);
        if (strncmp(name, cells[i].scope, length) == 0 && name[length] == '/')
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct import_array *const *x = a, *const *y = b;
    return tf1_compare_names((*x)->name, (*y)->name);
}

static enum lstm_status list_free(struct recognition *to, const struct tf1_cell *cells, size_t n)
{
    const struct import_source *source = to->source;
    to->free = import_allocate(to->source, (source->n_arrays + 1) * sizeof *to->free);
    if (to->free == NULL)
        return lstm_fail(to->error, LSTM_NO_MEMORY, "out of memory for %zu variables",
                         source->n_arrays);
    for (size_t i = 0; i < source->n_arrays; i++) {
        const struct import_array *array = &source->arrays[i];
        if ((array->rank == 1 || array->rank == 2) && array->dtype <= IMPORT_BF16 &&
            tf1_in_scope(array->name, to->options->scope) &&
            !belongs_to_cell(cells, n, array->name) && !tf1_is_slot(source, array->name))
            to->free[to->n_free++] = array;
    }
    if (to->n_free > 1)
        qsort(to->free, to->n_free, sizeof *to->free, by_name);
    return LSTM_OK;
}

static const struct import_array *take(struct recognition *to, size_t k)
{
    const struct import_array *taken = to->free[k];
    to->n_free--;
    memmove(&to->free[k], &to->free[k + 1], (to->n_free - k) * sizeof *to->free);
    return taken;
}

static size_t common_length(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return n;
}

/* The vector of n values whose name is most like the matrix's; NULL: there is none. */
static const struct import_array *take_bias(struct recognition *to, const char *name, size_t n)
{
    size_t best = to->n_free, longest = 0;
    for (size_t k = 0; k < to->n_free; k++) {
        const size_t length = common_length(to->free[k]->name, name);
        if (to->free[k]->rank == 1 && to->free[k]->shape[0] == n &&
            (best == to->n_free || length > longest)) {
            best = k;
            longest = length;
        }
    }
    return best == to->n_free ? NULL : take(to, best);
}

/* The scope of a dense layer: the common beginning of kernel and bias, if that is a scope. */
static void name_dense(const char *kernel, char name[NAME_MAX_BYTES])
{
    const char *slash = strrchr(kernel, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - kernel);
    n = n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES - 1;
    memcpy(name, kernel, n);
    name[n] = '\0';
}

static enum lstm_status add_dense(struct recognition *to, size_t k, struct import_layer **layer)
{
    char name[NAME_MAX_BYTES];
    const struct import_array *kernel = take(to, k);
    const struct import_array *bias = take_bias(to, kernel->name, kernel->shape[1]);
    name_dense(kernel->name, name);
    const enum lstm_status status =
        import_add_layer(to->plan, IMPORT_DENSE, name, layer, to->error);
    if (status != LSTM_OK)
        return status;
    (*layer)->kernel = *kernel;
    if (bias != NULL)
        (*layer)->bias = *bias;
    import_note(to->source, "'%.80s' and '%.80s' are taken to be a dense layer, by their shapes",
                kernel->name, bias == NULL ? "no bias" : bias->name);
    return LSTM_OK;
}

/* The first free matrix with this many rows, or columns; n_free: there is none. */
static size_t find_matrix(const struct recognition *to, size_t axis, size_t size)
{
    size_t k = 0;
    while (k < to->n_free && (to->free[k]->rank != 2 || to->free[k]->shape[axis] != size))
        k++;
    return k;
}

static size_t outputs_of(const struct import_layer *layer)
{
    const size_t outputs = layer->cells[0].projection.data != NULL
                               ? layer->cells[0].projection.shape[1]
                               : layer->cells[0].kernel[0].shape[1];
    return layer->bidirectional[0] != '\0' ? 2 * outputs : outputs;
}

/* The dense layers behind the last cell. */
static enum lstm_status add_heads(struct recognition *to)
{
    size_t width = outputs_of(&to->plan->layers[to->plan->n_layers - 1]);
    struct import_layer *layer = NULL;
    for (size_t k; (k = find_matrix(to, 0, width)) < to->n_free;) {
        const enum lstm_status status = add_dense(to, k, &layer);
        if (status != LSTM_OK)
            return status;
        width = layer->kernel.shape[1];
    }
    if (layer == NULL)
        return LSTM_OK;
    return import_choose(to->source, to->options->output_activation,
                         width > 1 ? "softmax" : "linear", "the activation of the last dense layer",
                         IMPORT_OPTION_OUTPUT_ACTIVATION, layer->activation, to->error);
}

/* Moves the last layer to the front. */
static void move_to_front(struct import_plan *plan)
{
    const struct import_layer moved = plan->layers[plan->n_layers - 1];
    memmove(&plan->layers[1], &plan->layers[0], (plan->n_layers - 1) * sizeof *plan->layers);
    plan->layers[0] = moved;
}

/* An embedding, or a dense layer, that gives the first cell its inputs. */
static enum lstm_status add_front(struct recognition *to)
{
    const size_t inputs = to->plan->layers[0].cells[0].kernel[0].shape[0];
    const size_t k = find_matrix(to, 1, inputs);
    struct import_layer *layer;
    if (k == to->n_free)
        return LSTM_OK;
    enum lstm_status status;
    if (strcasestr(to->free[k]->name, "embed") != NULL) {
        status = import_add_layer(to->plan, IMPORT_EMBEDDING, "embedding", &layer, to->error);
        if (status == LSTM_OK)
            layer->kernel = *take(to, k);
    } else {
        status = add_dense(to, k, &layer);
    }
    if (status == LSTM_OK)
        move_to_front(to->plan);
    return status;
}

/* ---- The optimizer -------------------------------------------------------------------------- */

/* A scalar whose name ends so; false: there is none. */
static bool find_scalar(const struct import_source *source, const char *suffix, double *value)
{
    const size_t n_suffix = strlen(suffix);
    for (size_t i = 0; i < source->n_arrays; i++) {
        const struct import_array *array = &source->arrays[i];
        const size_t n = strlen(array->name);
        float single;
        if (array->rank != 0 || array->dtype != IMPORT_F32 || n < n_suffix ||
            strcmp(array->name + n - n_suffix, suffix) != 0)
            continue;
        memcpy(&single, array->data, sizeof single);
        *value = (double)single;
        return true;
    }
    return false;
}

/* beta2_power is 0.999^(step + 1); it stays above 0 for the first 87,000 steps. */
static void find_optimizer(struct recognition *to)
{
    static const double beta2 = 0.999;
    double power;
    if (!find_scalar(to->source, "beta2_power", &power) || !(power > 0 && power < 1))
        return;
    memcpy(to->plan->slot_m, "/Adam", sizeof "/Adam");
    memcpy(to->plan->slot_v, "/Adam_1", sizeof "/Adam_1");
    const long long steps = llround(log(power) / log(beta2)) - 1;
    to->plan->optimizer_step = steps > 0 ? (uint64_t)steps : 0;
}

bool names_tf1_probe(const struct import_source *source)
{
    return tf1_has_cell(source);
}

static enum lstm_status recognise(struct recognition *to, struct tf1_cell *cells)
{
    import_use(to->source, IMPORT_OPTION_SCOPE);
    const size_t n = tf1_find_cells(to->source, to->options->scope, cells);
    if (n == 0)
        return lstm_fail(
            to->error, LSTM_UNSUPPORTED,
            "there is no recurrent cell below the scope '%.60s'; `lstmd inspect` lists "
            "the variables",
            to->options->scope != NULL ? to->options->scope : "");
    enum lstm_status status = add_cells(to, cells, n);
    if (status == LSTM_OK)
        status = list_free(to, cells, n);
    if (status == LSTM_OK)
        status = add_heads(to);
    if (status == LSTM_OK)
        status = add_front(to);
    for (size_t k = 0; k < to->n_free && status == LSTM_OK; k++)
        import_note(to->source, "'%.80s' was left out: it fits no layer", to->free[k]->name);
    if (status == LSTM_OK)
        find_optimizer(to);
    return status;
}

enum lstm_status names_tf1_plan(struct import_source *source,
                                const struct lstm_import_options *options, struct import_plan *plan,
                                struct lstm_error *error)
{
    struct recognition to = {.source = source, .options = options, .plan = plan, .error = error};
    struct tf1_cell *cells = calloc(TF1_MAX_CELLS, sizeof *cells);
    if (cells == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the cells");
    const enum lstm_status status = recognise(&to, cells);
    free(cells);
    return status;
}
