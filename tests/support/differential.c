/* differential.c: draws the cases, and compares. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/differential.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

enum { MAX_UNITS = 513, MAX_STEPS = 300, MAX_ROWS = 40 };

/* Multiplications of a case for the oracle; one case of 64 may take as much as it likes. */
static const double usual_work = 1.5e7;

/* Numbers of one case, one after the other. */
struct draw {
    uint64_t seed, next;
};

static uint64_t draw(struct draw *draw, uint64_t n)
{
    return fill_bits(draw->seed, draw->next++) % n;
}

/* True one time in n. */
static bool draw_one_in(struct draw *from, uint64_t n)
{
    return draw(from, n) == 0;
}

/* 1 to most, small ones as often as large ones; now and then next to a vector's width. */
static size_t draw_size(struct draw *from, size_t most)
{
    static const size_t edges[] = {1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 129, 256, 512, 513};
    const size_t edge = edges[draw(from, sizeof edges / sizeof *edges)];
    if (draw_one_in(from, 4) && edge <= most)
        return edge;
    const double fraction = (double)draw(from, 1 << 20) / (1 << 20);
    const size_t size = (size_t)exp(fraction * log((double)most + 1));
    return size < 1 ? 1 : size > most ? most : size;
}

static const char *draw_activation(struct draw *from)
{
    static const char *const names[] = {"linear",   "tanh", "sigmoid", "relu", "relu6",
                                        "softplus", "elu",  "selu",    NULL,   "softsign"};
    return draw_one_in(from, 2) ? NULL : names[draw(from, sizeof names / sizeof *names)];
}

static const char *draw_gate(struct draw *from)
{
    static const char *const names[] = {"hard_sigmoid", "hard_sigmoid_keras3", "sigmoid", NULL};
    return draw_one_in(from, 2) ? NULL : names[draw(from, sizeof names / sizeof *names)];
}

static void draw_direction(struct draw *from, struct reference_layer *layer)
{
    static const char *const merges[] = {"concat", "sum", "mul", "ave"};
    if (draw_one_in(from, 4))
        layer->bidirectional = merges[draw(from, 4)];
    else
        layer->go_backwards = draw_one_in(from, 6);
}

static struct reference_layer draw_cell(struct draw *from, size_t k, size_t most, bool sequences)
{
    static const char *const names[] = {"rnn/0", "rnn/1", "rnn/2"};
    struct reference_layer layer = {.kind = draw_one_in(from, 2) ? REFERENCE_GRU : REFERENCE_LSTM,
                                    .name = names[k],
                                    .units = draw_size(from, most),
                                    .activation = draw_activation(from),
                                    .recurrent_activation = draw_gate(from),
                                    .return_sequences = sequences};
    draw_direction(from, &layer);
    const bool is_bounded = layer.activation == NULL || strcmp(layer.activation, "tanh") == 0 ||
                            strcmp(layer.activation, "softsign") == 0 ||
                            strcmp(layer.activation, "sigmoid") == 0;
    if (layer.kind == REFERENCE_GRU) {
        layer.reset_after = draw_one_in(from, 2);
        return layer;
    }
    layer.forget_bias = draw_one_in(from, 3) ? 0 : 1;
    layer.use_peepholes = draw_one_in(from, 3);
    /* A cell without bounds doubles itself until its gates are differences of huge numbers. */
    layer.cell_clip = draw_one_in(from, 4) ? 0.25 : is_bounded ? 0 : 1.5;
    if (draw_one_in(from, 3))
        layer.num_proj = draw_size(from, layer.units);
    if (layer.num_proj > 0 && draw_one_in(from, 3))
        layer.proj_clip = 0.25;
    return layer;
}

/* What comes before the first cell. */
static void draw_beginning(struct draw *from, struct reference_network *network, size_t most)
{
    struct reference_layer *const layer = &network->layers[0];
    network->features = draw_size(from, most);
    switch (draw(from, 8)) {
    case 0:
        network->features = 1;
        *layer = (struct reference_layer){.kind = REFERENCE_EMBEDDING,
                                          .name = "words",
                                          .units = draw_size(from, 65),
                                          .vocabulary = draw_size(from, 65),
                                          .mask_zero = draw_one_in(from, 2)};
        break;
    case 1:
        *layer = (struct reference_layer){.kind = REFERENCE_MASKING, .mask_value = 0};
        break;
    case 2:
        *layer = (struct reference_layer){.kind = REFERENCE_DENSE,
                                          .name = "in",
                                          .units = draw_size(from, 65),
                                          .activation = "tanh"};
        break;
    default:
        return;
    }
    network->n_layers = 1;
}

/* So that a network neither forgets everything nor amplifies a rounding. */
static void scale_weights(struct reference_network *network)
{
    for (size_t l = 0; l < network->n_layers; l++)
        for (size_t k = 0; k < network->layers[l].n_tensors; k++) {
            const struct reference_tensor *tensor = &network->layers[l].tensors[k];
            const double rows = (double)(tensor->rows > 4 ? tensor->rows : 4);
            for (size_t i = 0; i < tensor->n; i++)
                tensor->data[i] = (double)(float)(tensor->data[i] * 2 / sqrt(rows));
        }
}

void differential_network(struct reference_network *network, uint64_t seed)
{
    struct draw from = {.seed = seed};
    const size_t n_cells = 1 + draw(&from, 3), most = draw_one_in(&from, 4) ? MAX_UNITS : 65;
    *network = (struct reference_network){0};
    draw_beginning(&from, network, most);
    static const char *const reductions[] = {"mean", "max", "last"};
    static const char *const outputs[] = {"softmax", "linear", "softmax", "log_softmax"};
    const bool sequences = draw_one_in(&from, 2);
    for (size_t k = 0; k < n_cells; k++)
        network->layers[network->n_layers++] =
            draw_cell(&from, k, most, sequences || k + 1 < n_cells);
    if (sequences && draw_one_in(&from, 2))
        network->layers[network->n_layers++] = (struct reference_layer){
            .kind = REFERENCE_POOLING, .reduce = reductions[draw(&from, 3)]};
    if (!draw_one_in(&from, 4))
        network->layers[network->n_layers++] =
            (struct reference_layer){.kind = REFERENCE_DENSE,
                                     .name = "out",
                                     .units = draw_size(&from, 65),
                                     .activation = outputs[draw(&from, 4)]};
    reference_init(network, seed);
    scale_weights(network);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static void compare(struct differential *worst, const char *where, const float *got,
                    const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double difference = fabs((double)got[i] - want[i]) / (1 + fabs(want[i]));
        if (!(difference <= worst->difference)) {
            ck_assert_msg(isfinite(difference), "%s[%zu]: expected %.9g, found %.9g", where, i,
                          want[i], (double)got[i]);
            *worst = (struct differential){difference, where};
        }
    }
}

static void compare_batch(struct differential *worst, const struct batch *batch,
                          const struct reference_network *network)
{
    for (size_t k = 0; k < batch->n; k++) {
        const struct lstm_sequence *got = &batch->sequences[k];
        struct reference_run want;
        reference_run(network, got, &want);
        const size_t steps = want.steps, rows = network->output_is_sequence ? steps : 1;
        compare(worst, "rnn_output", got->rnn_output, want.rnn_output, steps * network->rnn_units);
        compare(worst, "gates_trace", got->gates_trace, want.gates_trace,
                steps * network->gates_size);
        compare(worst, "state_trace", got->state_trace, want.state_trace,
                steps * network->state_size);
        compare(worst, "final_state", got->final_state, want.final_state, network->state_size);
        compare(worst, "output", got->output, want.output, rows * network->output_size);
        reference_run_release(&want);
    }
}

/* Multiplications of one step. */
static double work_of_step(const struct reference_network *network)
{
    double sum = 0;
    for (size_t l = 0; l < network->n_layers; l++)
        for (size_t k = 0; k < network->layers[l].n_tensors; k++)
            sum += (double)network->layers[l].tensors[k].n;
    return sum;
}

/* Lengths for a batch; fewer and shorter sequences where the network is large. */
static size_t draw_lengths(struct draw *from, const struct reference_network *network,
                           size_t lengths[MAX_ROWS])
{
    const bool is_free = draw_one_in(from, 64);
    double left = (is_free ? 16 : 1) * usual_work / work_of_step(network);
    const size_t n = 1 + draw(from, draw_one_in(from, 3) ? MAX_ROWS : 4);
    for (size_t k = 0; k < n; k++) {
        const size_t most = left < MAX_STEPS ? (size_t)fmax(left, 2) : MAX_STEPS;
        lengths[k] = draw_one_in(from, 8) ? 0 : draw_size(from, most);
        left -= (double)lengths[k];
        if (left < 2)
            return k + 1;
    }
    return n;
}

struct differential differential_run(uint64_t seed)
{
    struct differential worst = {0, "nothing"};
    struct reference_network network;
    struct draw from = {.seed = seed + 1, .next = 1000};
    struct batch batch;
    size_t lengths[MAX_ROWS];
    differential_network(&network, seed);
    const size_t n = draw_lengths(&from, &network, lengths);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner =
        create_runner(model, n + draw(&from, 20), draw_one_in(&from, 2) ? 0 : 1 + draw(&from, 64));
    batch_init(&batch, &network, n, lengths, draw_one_in(&from, 2), seed);
    batch_run(&batch, runner, model);
    compare_batch(&worst, &batch, &network);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
    return worst;
}
