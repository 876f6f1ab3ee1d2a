/* reference_run.c: dynamic_rnn in both directions and the layers around it, in plain loops.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reference_internal.h"

/* A layer that has no state: x in, y out; the value before the activation in z. */
static void step_without_state(const struct reference_layer *layer, const double *x, double *z,
                               double *y)
{
    for (size_t u = 0; u < layer->units; u++) {
        if (layer->kind == REFERENCE_EMBEDDING)
            z[u] = layer->tensors[0].data[(size_t)x[0] * layer->units + u];
        else if (layer->kind == REFERENCE_DENSE)
            z[u] = reference_project(&layer->tensors[0], &layer->tensors[1], x, layer->inputs, NULL,
                                     u);
        else
            z[u] = x[u];
        y[u] = reference_activation(layer->activation, z[u]);
    }
    if (strcmp(layer->activation, "softmax") == 0)
        reference_softmax(z, layer->units, y);
    if (strcmp(layer->activation, "log_softmax") == 0) {
        reference_softmax(z, layer->units, y);
        for (size_t u = 0; u < layer->units; u++)
            y[u] = log(y[u]);
    }
}

bool reference_skips(const struct reference_network *network, const struct lstm_sequence *sequence,
                     size_t t)
{
    const struct reference_layer *first = &network->layers[0];
    size_t stride = sequence->step_stride ? sequence->step_stride : network->features;
    if (first->kind == REFERENCE_EMBEDDING)
        return first->mask_zero && sequence->input[t * stride] == 0;
    if (first->kind != REFERENCE_MASKING)
        return false;
    for (size_t k = 0; k < network->features; k++)
        if ((double)sequence->input[t * stride + k] != first->mask_value)
            return false;
    return true;
}

/* Where a cell's part of the state and of the gates lies, and what it runs over. */
struct cell_run {
    const struct reference_network *network;
    const struct lstm_sequence *sequence;
    struct reference_layer layer; /* its tensors are the cell's */
    bool backwards, zeros_skipped;
    size_t state, gates;
};

static void cell_step(const struct reference_layer *layer, const double *x, double *state,
                      double *gates)
{
    size_t units = layer->units;
    double *c = reference_zeros(units), *h = reference_zeros(layer->outputs);
    if (layer->kind == REFERENCE_LSTM) {
        reference_lstm_step(layer, x, state, state + units, c, h, gates);
        memcpy(state, c, units * sizeof *state);
        memcpy(state + units, h, layer->outputs * sizeof *state);
    } else {
        reference_gru_step(layer, x, state, h, gates);
        memcpy(state, h, units * sizeof *state);
    }
    free(c);
    free(h);
}

/* One cell over all steps, in its order: x [steps, inputs] to y [steps, units]. */
static void run_cell(const struct cell_run *cell, const double *x, double *y,
                     struct reference_run *run)
{
    const struct reference_network *network = cell->network;
    const struct reference_layer *layer = &cell->layer;
    size_t units = layer->outputs;
    size_t n_state = (layer->kind == REFERENCE_LSTM ? layer->units : 0) + units;
    double *state = run->final_state + cell->state, *before = reference_zeros(units);
    for (size_t i = 0; i < run->steps; i++) {
        size_t t = cell->backwards ? run->steps - 1 - i : i;
        if (!reference_skips(network, cell->sequence, t)) {
            cell_step(layer, x + t * layer->inputs, state,
                      run->gates_trace + t * network->gates_size + cell->gates);
            memcpy(before, state + n_state - units, units * sizeof *before);
            memcpy(y + t * units, before, units * sizeof *y);
        } else if (!cell->zeros_skipped) {
            memcpy(y + t * units, before, units * sizeof *y);
        }
        memcpy(run->state_trace + t * network->state_size + cell->state, state,
               n_state * sizeof *state);
    }
    free(before);
}

/* n rows of two cells, [n_cell] each, to rows of their layer. */
static void merge(const struct reference_layer *layer, const double *fw, const double *bw, size_t n,
                  double *y)
{
    const char *mode = layer->bidirectional;
    size_t n_cell = reference_cell_outputs(layer);
    for (size_t i = 0; i < n * n_cell; i++) {
        size_t concatenated = i / n_cell * layer->outputs + i % n_cell;
        if (mode == NULL) {
            y[i] = fw[i];
        } else if (strcmp(mode, "sum") == 0) {
            y[i] = fw[i] + bw[i];
        } else if (strcmp(mode, "mul") == 0) {
            y[i] = fw[i] * bw[i];
        } else if (strcmp(mode, "ave") == 0) {
            y[i] = (fw[i] + bw[i]) / 2;
        } else {
            y[concatenated] = fw[i];
            y[concatenated + n_cell] = bw[i];
        }
    }
}

/* A recurrent layer over the sequence; *last [outputs] is its final h. */
static void run_recurrent(const struct reference_network *network,
                          const struct lstm_sequence *sequence, size_t k, const double *x,
                          double *y, double *last, struct reference_run *run, size_t *state,
                          size_t *gates)
{
    const struct reference_layer *layer = &network->layers[k];
    size_t count = reference_n_cells(layer), h = reference_cell_outputs(layer),
           n = layer->n_tensors / count;
    size_t c_units = layer->kind == REFERENCE_LSTM ? layer->units : 0;
    double *outputs[2] = {reference_zeros(run->steps * h), reference_zeros(run->steps * h)};
    const double *final[2] = {NULL, NULL};
    for (size_t c = 0; c < count; c++) {
        struct cell_run cell = {network,    sequence, *layer, c == 1 || layer->go_backwards,
                                count == 2, *state,   *gates};
        cell.layer.outputs = h;
        cell.layer.n_tensors = n;
        memcpy(cell.layer.tensors, layer->tensors + c * n, n * sizeof *layer->tensors);
        run_cell(&cell, x, outputs[c], run);
        final[c] = run->final_state + *state + c_units;
        *state += c_units + h;
        *gates += (c_units > 0 ? 4 : 3) * layer->units;
    }
    merge(layer, outputs[0], outputs[1], run->steps, y);
    merge(layer, final[0], final[1], 1, last);
    free(outputs[0]);
    free(outputs[1]);
}

/* Layers from .. to (not included) without state, for one row x [width] to y; the value before the
 * last activation in z. */
static void run_row(const struct reference_network *network, size_t from, size_t to,
                    const double *x, size_t width, double *z, double *y)
{
    double *value = reference_zeros(width), *before = reference_zeros(width);
    memcpy(value, x, width * sizeof *x);
    memcpy(before, x, width * sizeof *x);
    for (size_t k = from; k < to; k++) {
        const struct reference_layer *layer = &network->layers[k];
        double *next = reference_zeros(layer->units);
        free(before);
        before = reference_zeros(layer->units);
        step_without_state(layer, value, before, next);
        free(value);
        value = next;
        width = layer->units;
    }
    memcpy(z, before, width * sizeof *z);
    memcpy(y, value, width * sizeof *y);
    free(before);
    free(value);
}

/* The rows [steps, units] behind the last recurrent layer, through layers from .. to, to one row
 * [inputs] by the pooling layer `to`; zeros if no step is left. */
static void pool(const struct reference_network *network, const struct lstm_sequence *sequence,
                 size_t from, size_t to, const double *rows, double *pooled)
{
    const char *reduce = network->layers[to].reduce;
    size_t units = network->rnn_units, width = network->layers[to].inputs, n = 0;
    double *z = reference_zeros(width), *row = reference_zeros(width);
    for (size_t t = 0; t < sequence->steps; t++) {
        if (reference_skips(network, sequence, t))
            continue;
        run_row(network, from, to, rows + t * units, units, z, row);
        n++;
        for (size_t i = 0; i < width; i++) {
            if (strcmp(reduce, "mean") == 0)
                pooled[i] += row[i];
            else if (strcmp(reduce, "last") == 0 || n == 1 || row[i] > pooled[i])
                pooled[i] = row[i];
        }
    }
    for (size_t i = 0; i < width && strcmp(reduce, "mean") == 0 && n > 0; i++)
        pooled[i] /= (double)n;
    free(z);
    free(row);
}

/* The number of the pooling layer; n_layers: there is none. */
static size_t find_pooling(const struct reference_network *network)
{
    size_t k = 0;
    while (k < network->n_layers && network->layers[k].kind != REFERENCE_POOLING)
        k++;
    return k;
}

static size_t count_rnn_layers(const struct reference_network *network)
{
    size_t n = 0;
    for (size_t k = 0; k < network->n_layers; k++)
        if (reference_is_recurrent(&network->layers[k]))
            n = k + 1;
    return n;
}

static void run_create(const struct reference_network *network,
                       const struct lstm_sequence *sequence, struct reference_run *run)
{
    size_t rows = network->output_is_sequence ? sequence->steps : 1;
    run->steps = sequence->steps;
    run->output = reference_zeros(rows * network->output_size);
    run->logits = reference_zeros(rows * network->output_size);
    run->rnn_output = reference_zeros(sequence->steps * network->rnn_units);
    run->final_state = reference_zeros(network->state_size);
    run->state_trace = reference_zeros(sequence->steps * network->state_size);
    run->gates_trace = reference_zeros(sequence->steps * network->gates_size);
    for (size_t k = 0; sequence->initial_state != NULL && k < network->state_size; k++)
        run->final_state[k] = (double)sequence->initial_state[k];
}

static double *input_of(const struct reference_network *network,
                        const struct lstm_sequence *sequence)
{
    size_t stride = sequence->step_stride ? sequence->step_stride : network->features;
    double *x = reference_zeros(sequence->steps * network->features);
    for (size_t t = 0; t < sequence->steps; t++)
        for (size_t k = 0; k < network->features; k++)
            x[t * network->features + k] = (double)sequence->input[t * stride + k];
    return x;
}

void reference_run(const struct reference_network *network, const struct lstm_sequence *sequence,
                   struct reference_run *run)
{
    size_t n_rnn = count_rnn_layers(network), units = network->rnn_units, state = 0, gates = 0;
    run_create(network, sequence, run);
    double *x = input_of(network, sequence), *last = reference_zeros(network->state_size);
    for (size_t k = 0; k < n_rnn; k++) {
        const struct reference_layer *layer = &network->layers[k];
        double *y = reference_zeros(run->steps * layer->outputs),
               *z = reference_zeros(layer->units);
        for (size_t t = 0; t < run->steps && !reference_is_recurrent(layer); t++)
            step_without_state(layer, x + t * layer->inputs, z, y + t * layer->units);
        if (reference_is_recurrent(layer))
            run_recurrent(network, sequence, k, x, y, last, run, &state, &gates);
        free(z);
        free(x);
        x = y;
    }
    memcpy(run->rnn_output, x, run->steps * units * sizeof *x);
    const size_t n_layers = network->n_layers, pooling = find_pooling(network);
    for (size_t t = 0; t < run->steps && network->output_is_sequence; t++)
        run_row(network, n_rnn, n_layers, x + t * units, units,
                run->logits + t * network->output_size, run->output + t * network->output_size);
    if (pooling < n_layers) {
        const size_t width = network->layers[pooling].inputs;
        double *pooled = reference_zeros(width);
        pool(network, sequence, n_rnn, pooling, x, pooled);
        run_row(network, pooling + 1, n_layers, pooled, width, run->logits, run->output);
        free(pooled);
    } else if (!network->output_is_sequence) {
        run_row(network, n_rnn, n_layers, last, units, run->logits, run->output);
    }
    free(x);
    free(last);
}

void reference_run_release(struct reference_run *run)
{
    free(run->output);
    free(run->logits);
    free(run->rnn_output);
    free(run->final_state);
    free(run->state_trace);
    free(run->gates_trace);
    *run = (struct reference_run){.steps = 0};
}
