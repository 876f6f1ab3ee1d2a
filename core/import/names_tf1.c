/* names_tf1.c: a network by the names that TensorFlow 1 gives its variables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint holds variables, no graph. Every one of them must be explained: a variable that no
 * layer has may be of a layer that lstmd does not know, and the answer wrong without it. */
#include "core/import/names_tf1.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

/* ---- What is left over ---------------------------------------------------------------------- */

static void describe_shape(const struct import_array *array, char text[64])
{
    size_t n = (size_t)snprintf(text, 64, "[");
    for (size_t i = 0; i < array->rank && n < 64; i++)
        n += (size_t)snprintf(text + n, 64 - n, "%s%zu", i > 0 ? ", " : "", array->shape[i]);
    if (n < 64)
        snprintf(text + n, 64 - n, "]");
}

static bool is_left_over(const struct tf1_network *network, const struct import_array *array)
{
    return tf1_is_free(network, array) && !tf1_is_bookkeeping(network->source, array);
}

/* A variable of no layer, the first of those with most axes, as a kernel says more than a bias, and
 * how many there are; NULL: none. */
static const struct import_array *find_left_over(const struct tf1_network *network, size_t *n)
{
    const struct import_source *source = network->source;
    const struct import_array *found = NULL;
    *n = 0;
    for (size_t i = 0; i < source->n_arrays; i++) {
        const struct import_array *array = &source->arrays[i];
        if (!is_left_over(network, array))
            continue;
        if ((*n)++ == 0 || array->rank > found->rank)
            found = array;
    }
    return found;
}

static enum lstm_status refuse_left_over(const struct tf1_network *network)
{
    char shape[64];
    size_t n;
    const struct import_array *array = find_left_over(network, &n);
    if (array == NULL)
        return LSTM_OK;
    describe_shape(array, shape);
    return lstm_fail(network->error, LSTM_UNSUPPORTED,
                     "'%.60s' %.40s belongs to no layer that lstmd knows (%zu such variables); "
                     "--layers and --scope leave out what the answer does not need",
                     array->name, shape, n);
}

static void note_left_over(const struct tf1_network *network)
{
    size_t n;
    const struct import_array *array = find_left_over(network, &n);
    if (array != NULL)
        import_note(network->source,
                    "left out: %zu variables that --layers does not name, '%.80s' among them", n,
                    array->name);
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
static void find_optimizer(const struct import_source *source, struct import_plan *plan)
{
    static const double beta2 = 0.999;
    double power;
    if (!find_scalar(source, "beta2_power", &power) || !(power > 0 && power < 1))
        return;
    memcpy(plan->slot_m, "/Adam", sizeof "/Adam");
    memcpy(plan->slot_v, "/Adam_1", sizeof "/Adam_1");
    const long long steps = llround(log(power) / log(beta2)) - 1;
    plan->optimizer_step = steps > 0 ? (uint64_t)steps : 0;
}

bool names_tf1_probe(const struct import_source *source)
{
    return tf1_has_cell(source);
}

static enum lstm_status order(struct tf1_network *network)
{
    import_use(network->source, IMPORT_OPTION_SCOPE);
    import_use(network->source, IMPORT_OPTION_LAYERS);
    enum lstm_status status = tf1_find_cells(network);
    if (status == LSTM_OK && network->options->n_layers > 0) {
        status = tf1_order_by_option(network);
        note_left_over(network);
        return status;
    }
    if (status == LSTM_OK)
        status = tf1_settle_cells(network);
    if (status == LSTM_OK)
        status = tf1_find_matrices(network);
    if (status == LSTM_OK)
        status = refuse_left_over(network);
    return status == LSTM_OK ? tf1_order_by_shapes(network) : status;
}

static enum lstm_status recognise(struct tf1_network *network, struct import_plan *plan)
{
    network->is_owned = import_allocate(network->source, network->source->n_arrays);
    if (network->is_owned == NULL)
        return lstm_fail(network->error, LSTM_NO_MEMORY, "out of memory for %zu variables",
                         network->source->n_arrays);
    enum lstm_status status = order(network);
    if (status == LSTM_OK)
        status = tf1_add_layers(network, plan);
    if (status == LSTM_OK)
        find_optimizer(network->source, plan);
    return status;
}

enum lstm_status names_tf1_plan(struct import_source *source,
                                const struct lstm_import_options *options, struct import_plan *plan,
                                struct lstm_error *error)
{
    struct tf1_network *network = calloc(1, sizeof *network);
    if (network == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the network");
    network->source = source;
    network->options = options;
    network->error = error;
    const enum lstm_status status = recognise(network, plan);
    free(network);
    return status;
}
