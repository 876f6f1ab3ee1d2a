/* reference.c: networks and one step of each cell, in plain loops and doubles.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/reference.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fill.h"
#include "tests/support/reference_internal.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double linear(double x)
{
    return x;
}

static double relu(double x)
{
    return fmax(x, 0);
}

static double relu6(double x)
{
    return fmin(fmax(x, 0), 6);
}

static double hard_sigmoid(double x)
{
    return fmin(fmax(0.2 * x + 0.5, 0), 1);
}

static double hard_sigmoid_keras3(double x)
{
    return relu6(x + 3) / 6;
}

static double softsign(double x)
{
    return isinf(x) ? copysign(1, x) : x / (1 + fabs(x));
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double elu(double x)
{
    return x < 0 ? expm1(x) : x;
}

static double selu(double x)
{
    return 1.0507009873554804934 * (x < 0 ? 1.6732632423543772848 * expm1(x) : x);
}

double reference_activation(const char *name, double x)
{
    static const struct {
        const char *name;
        double (*function)(double x);
    } functions[] = {
        {"linear", linear},
        {"tanh", tanh},
        {"sigmoid", sigmoid},
        {"relu", relu},
        {"relu6", relu6},
        {"hard_sigmoid", hard_sigmoid},
        {"hard_sigmoid_keras3", hard_sigmoid_keras3},
        {"softsign", softsign},
        {"softplus", softplus},
        {"elu", elu},
        {"selu", selu},
        {"exponential", exp},
        {"softmax", linear},
        {"log_softmax", linear},
    };
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++)
        if (strcmp(functions[k].name, name) == 0)
            return functions[k].function(x);
    ck_abort_msg("the oracle does not know the activation %s", name);
}

double *reference_zeros(size_t n)
{
    double *x = calloc(n + 1, sizeof *x);
    ck_assert_ptr_nonnull(x);
    return x;
}

/* ([x, h] @ kernel + bias)[column], the rows of the kernel being first x's, then h's. */
double reference_project(const struct reference_tensor *kernel, const struct reference_tensor *bias,
                         const double *x, size_t n_x, const double *h, size_t column)
{
    double sum = bias->data[column];
    for (size_t row = 0; row < kernel->rows; row++) {
        double value = row < n_x ? x[row] : h[row - n_x];
        sum += value * kernel->data[row * kernel->columns + column];
    }
    return sum;
}

/* The tensor of that suffix; NULL: the layer has none. */
static const struct reference_tensor *tensor_of(const struct reference_layer *layer,
                                                const char *suffix)
{
    for (size_t k = 0; k < layer->n_tensors; k++)
        if (strcmp(layer->tensors[k].suffix, suffix) == 0)
            return &layer->tensors[k];
    return NULL;
}

static double peephole(const struct reference_layer *layer, const char *suffix, size_t u, double c)
{
    const struct reference_tensor *diagonal = tensor_of(layer, suffix);
    return diagonal == NULL ? 0 : diagonal->data[u] * c;
}

static double clip(double x, double limit)
{
    return limit == 0 ? x : fmin(fmax(x, -limit), limit);
}

static double gate(const struct reference_layer *layer, double z)
{
    return reference_activation(layer->recurrent_activation, z);
}

void reference_lstm_step(const struct reference_layer *layer, const double *x, const double *c,
                         const double *h, double *new_c, double *new_h, double *gates)
{
    const struct reference_tensor *kernel = &layer->tensors[0], *bias = &layer->tensors[1];
    const struct reference_tensor *projection = tensor_of(layer, "projection/kernel");
    size_t units = layer->units;
    double *m = reference_zeros(units);
    for (size_t u = 0; u < units; u++) {
        double z[4];
        for (size_t k = 0; k < 4; k++)
            z[k] = reference_project(kernel, bias, x, layer->inputs, h, k * units + u);
        double i = gate(layer, z[0] + peephole(layer, "w_i_diag", u, c[u]));
        double j = reference_activation(layer->activation, z[1]);
        double f = gate(layer, z[2] + layer->forget_bias + peephole(layer, "w_f_diag", u, c[u]));
        new_c[u] = clip(c[u] * f + i * j, layer->cell_clip);
        double o = gate(layer, z[3] + peephole(layer, "w_o_diag", u, new_c[u]));
        m[u] = reference_activation(layer->activation, new_c[u]) * o;
        gates[0 * units + u] = i;
        gates[1 * units + u] = j;
        gates[2 * units + u] = f;
        gates[3 * units + u] = o;
    }
    for (size_t p = 0; p < layer->outputs; p++) {
        double sum = 0;
        for (size_t u = 0; projection != NULL && u < units; u++)
            sum += m[u] * projection->data[u * projection->columns + p];
        new_h[p] = projection == NULL ? m[p] : clip(sum, layer->proj_clip);
    }
    free(m);
}

/* The candidate of unit u before its activation; reset: r * h. */
static double candidate_sum(const struct reference_layer *layer, const double *x, const double *h,
                            const double *reset, double r, size_t u)
{
    if (!layer->reset_after)
        return reference_project(&layer->tensors[2], &layer->tensors[3], x, layer->inputs, reset,
                                 u);
    return reference_project(&layer->tensors[2], &layer->tensors[3], x, layer->inputs, NULL, u) +
           r * reference_project(&layer->tensors[4], &layer->tensors[5], h, layer->units, NULL, u);
}

void reference_gru_step(const struct reference_layer *layer, const double *x, const double *h,
                        double *new_h, double *gates)
{
    size_t units = layer->units;
    double *reset = reference_zeros(units);
    double *r = gates, *update = gates + units, *candidate = gates + 2 * units;
    for (size_t u = 0; u < units; u++) {
        const struct reference_tensor *kernel = &layer->tensors[0], *bias = &layer->tensors[1];
        r[u] = gate(layer, reference_project(kernel, bias, x, layer->inputs, h, u));
        update[u] = gate(layer, reference_project(kernel, bias, x, layer->inputs, h, units + u));
        reset[u] = r[u] * h[u];
    }
    for (size_t u = 0; u < units; u++) {
        double z = candidate_sum(layer, x, h, reset, r[u], u);
        candidate[u] = reference_activation(layer->activation, z);
        new_h[u] = update[u] * h[u] + (1 - update[u]) * candidate[u];
    }
    free(reset);
}

static void add_tensor(struct reference_layer *layer, const char *suffix, size_t rows,
                       size_t columns, uint64_t seed)
{
    struct reference_tensor *tensor = &layer->tensors[layer->n_tensors++];
    *tensor =
        (struct reference_tensor){suffix, rows, columns, rows ? rows * columns : columns, NULL, ""};
    tensor->data = reference_zeros(tensor->n);
    for (size_t k = 0; k < tensor->n; k++)
        tensor->data[k] = (double)fill_value(seed + layer->n_tensors, k, 0.5);
}

bool reference_is_recurrent(const struct reference_layer *layer)
{
    return layer->kind == REFERENCE_LSTM || layer->kind == REFERENCE_GRU;
}

/* The layers share data, so a change of one is a change of the other. */
static void share_tensors(struct reference_layer *layer, const struct reference_layer *first)
{
    while (strcmp(first->name, layer->name) != 0)
        first++;
    layer->n_tensors = first->n_tensors;
    memcpy(layer->tensors, first->tensors, sizeof layer->tensors);
}

static void add_candidate(struct reference_layer *layer, size_t inputs, uint64_t seed)
{
    size_t units = layer->units;
    if (!layer->reset_after) {
        add_tensor(layer, "candidate/kernel", inputs + units, units, seed);
        add_tensor(layer, "candidate/bias", 0, units, seed);
        return;
    }
    add_tensor(layer, "candidate/input_projection/kernel", inputs, units, seed);
    add_tensor(layer, "candidate/input_projection/bias", 0, units, seed);
    add_tensor(layer, "candidate/hidden_projection/kernel", units, units, seed);
    add_tensor(layer, "candidate/hidden_projection/bias", 0, units, seed);
}

/* H of one cell. */
size_t reference_cell_outputs(const struct reference_layer *layer)
{
    return layer->num_proj > 0 ? layer->num_proj : layer->units;
}

static void init_cell(struct reference_layer *layer, uint64_t seed)
{
    size_t units = layer->units, inputs = layer->inputs;
    if (layer->kind == REFERENCE_LSTM) {
        add_tensor(layer, "kernel", inputs + reference_cell_outputs(layer), 4 * units, seed);
        add_tensor(layer, "bias", 0, 4 * units, seed);
        for (size_t k = 0; k < 3 && layer->use_peepholes; k++)
            add_tensor(layer, ((const char *[]){"w_i_diag", "w_f_diag", "w_o_diag"})[k], 0, units,
                       seed);
        if (layer->num_proj > 0)
            add_tensor(layer, "projection/kernel", units, layer->num_proj, seed);
    } else {
        add_tensor(layer, "gates/kernel", inputs + units, 2 * units, seed);
        add_tensor(layer, "gates/bias", 0, 2 * units, seed);
        add_candidate(layer, inputs, seed);
    }
}

/* Its cell's tensors, or both cells', fw first. */
static void init_recurrent(struct reference_layer *layer, uint64_t seed)
{
    init_cell(layer, seed);
    if (layer->bidirectional == NULL)
        return;
    size_t n = layer->n_tensors;
    init_cell(layer, seed);
    for (size_t t = 0; t < layer->n_tensors; t++)
        layer->tensors[t].scope = t < n ? "fw/" : "bw/";
}

size_t reference_n_cells(const struct reference_layer *layer)
{
    return !reference_is_recurrent(layer) ? 0 : layer->bidirectional != NULL ? 2 : 1;
}

static void init_layer(struct reference_layer *layer, size_t inputs, uint64_t seed)
{
    layer->inputs = inputs;
    layer->n_tensors = 0;
    if (layer->activation == NULL)
        layer->activation = reference_is_recurrent(layer) ? "tanh" : "linear";
    if (layer->recurrent_activation == NULL)
        layer->recurrent_activation = "sigmoid";
    if (layer->kind == REFERENCE_DROPOUT || layer->kind == REFERENCE_MASKING ||
        layer->kind == REFERENCE_POOLING)
        layer->units = inputs;
    bool is_double = layer->bidirectional != NULL && strcmp(layer->bidirectional, "concat") == 0;
    layer->outputs = reference_cell_outputs(layer) * (is_double ? 2 : 1);
    if (layer->reuse)
        return;
    if (reference_is_recurrent(layer)) {
        init_recurrent(layer, seed);
    } else if (layer->kind == REFERENCE_EMBEDDING) {
        add_tensor(layer, "embeddings", layer->vocabulary, layer->units, seed);
    } else if (layer->kind == REFERENCE_DENSE) {
        add_tensor(layer, "kernel", inputs, layer->units, seed);
        add_tensor(layer, "bias", 0, layer->units, seed);
    }
}

void reference_init(struct reference_network *network, uint64_t seed)
{
    size_t width = network->features;
    network->state_size = network->gates_size = network->rnn_units = 0;
    network->output_is_sequence = true;
    for (size_t k = 0; k < network->n_layers; k++) {
        struct reference_layer *layer = &network->layers[k];
        init_layer(layer, width, seed + 100 * k);
        if (layer->reuse)
            share_tensors(layer, network->layers);
        width = layer->outputs;
        network->output_is_sequence &= layer->kind != REFERENCE_POOLING;
        if (!reference_is_recurrent(layer))
            continue;
        bool lstm = layer->kind == REFERENCE_LSTM;
        network->state_size +=
            reference_n_cells(layer) * ((lstm ? layer->units : 0) + reference_cell_outputs(layer));
        network->gates_size += reference_n_cells(layer) * (lstm ? 4 : 3) * layer->units;
        network->rnn_units = width;
        network->output_is_sequence = layer->return_sequences;
    }
    network->output_size = width;
}

void reference_release(struct reference_network *network)
{
    for (size_t k = 0; k < network->n_layers; k++)
        for (size_t t = 0; !network->layers[k].reuse && t < network->layers[k].n_tensors; t++)
            free(network->layers[k].tensors[t].data);
    network->n_layers = 0;
}
