/* trainer.c: a training step: forward, loss, backward, optimizer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/loss.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/status.h"

enum { DEFAULT_ITERATIONS = 32 };

/* ---- Life ----------------------------------------------------------------------------------- */

/* The activation that the loss sees: that of a last dense layer; others give values as they are. */
static enum activation last_activation(const struct spec *spec)
{
    const struct layer *last = &spec->layers[spec->n_layers - 1];
    return last->type == &layer_dense ? (enum activation)last->activation : ACTIVATION_LINEAR;
}

static enum lstm_status check_trainable(const struct spec *spec, struct lstm_error *error)
{
    if (spec->info.output_is_sequence)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "training needs one output per instance: set return_sequences of the last "
                         "recurrent layer to false");
    return loss_check(spec->info.training.loss, last_activation(spec), error);
}

enum lstm_status lstm_trainer_create(const struct lstm_model *model,
                                     const struct lstm_trainer_options *options,
                                     struct lstm_trainer **trainer, struct lstm_error *error)
{
    const struct lstm_trainer_options none = {0};
    options = options != NULL ? options : &none;
    *trainer = NULL;
    enum lstm_status status = check_trainable(model->spec, error);
    if (status != LSTM_OK)
        return status;
    struct lstm_trainer *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a trainer");
    made->spec = spec_retain(model->spec);
    made->settings = model->spec->info.training;
    made->seed = options->seed;
    made->n = model->spec->n_weights;
    made->tape.pack.parallel_iterations =
        options->parallel_iterations > 0 ? options->parallel_iterations : DEFAULT_ITERATIONS;
    made->weights = memory_floats(made->n);
    made->gradients = memory_floats(made->n);
    made->m = memory_floats(made->n);
    made->v = memory_floats(made->n);
    if (options->swap_folder != NULL)
        made->swap_folder = strdup(options->swap_folder);
    made->tape.swap_folder = made->swap_folder;
    if (made->weights == NULL || made->gradients == NULL || made->m == NULL || made->v == NULL ||
        (options->swap_folder != NULL && made->swap_folder == NULL)) {
        lstm_trainer_destroy(made);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory to train %zu weights",
                         model->spec->n_weights);
    }
    memcpy(made->weights, model->weights, made->n * sizeof *made->weights);
    optimizer_reset(made);
    *trainer = made;
    return LSTM_OK;
}

void lstm_trainer_destroy(struct lstm_trainer *trainer)
{
    if (trainer == NULL)
        return;
    spec_release(trainer->spec);
    tape_release(&trainer->tape);
    free(trainer->weights);
    free(trainer->gradients);
    free(trainer->m);
    free(trainer->v);
    free(trainer->swap_folder);
    free(trainer);
}

struct lstm_training *lstm_trainer_settings(struct lstm_trainer *trainer)
{
    return &trainer->settings;
}

void lstm_trainer_copy(struct lstm_trainer *to, const struct lstm_trainer *from)
{
    const size_t bytes = from->n * sizeof *from->weights;
    memcpy(to->weights, from->weights, bytes);
    memcpy(to->m, from->m, bytes);
    memcpy(to->v, from->v, bytes);
    to->settings = from->settings;
    to->seed = from->seed;
    to->step = from->step;
    to->beta1_power = from->beta1_power;
    to->beta2_power = from->beta2_power;
    to->gradient_norm = (double)NAN;
}

uint64_t lstm_trainer_n_steps(const struct lstm_trainer *trainer)
{
    return trainer->step;
}

const float *lstm_trainer_gradient(const struct lstm_trainer *trainer, size_t k)
{
    return trainer->gradients + trainer->spec->tensors[k].offset;
}

enum lstm_status lstm_trainer_snapshot(const struct lstm_trainer *trainer,
                                       struct lstm_model **model, struct lstm_error *error)
{
    return model_create(trainer->spec, trainer->weights, model, error);
}

/* ---- Examples into the tape ----------------------------------------------------------------- */

static void load_inputs(struct lstm_trainer *trainer, const struct lstm_sequence *sequences)
{
    const struct tape *tape = &trainer->tape;
    const size_t features = trainer->spec->info.features;
    float *x = tape->x;
    for (size_t t = 0; t < tape->pack.n_steps; t++)
        for (size_t r = 0; r < tape->pack.rows_at[t]; r++, x += features) {
            const struct lstm_sequence *row = &sequences[tape->order[r].index];
            const size_t stride = row->step_stride > 0 ? row->step_stride : features;
            memcpy(x, row->input + t * stride, features * sizeof *x);
        }
}

static void load_state(struct lstm_trainer *trainer, const struct lstm_sequence *sequences,
                       const struct layer *layer)
{
    const struct tape *tape = &trainer->tape;
    const struct layer_tape *part = &tape->layers[layer->number];
    const struct layer_state state = layer_state(layer);
    for (size_t r = 0; r < tape->n; r++) {
        const float *from = sequences[tape->order[r].index].initial_state;
        for (size_t k = 0; k < 2; k++) {
            const size_t bytes = state.units[k] * sizeof(float);
            float *to = part->initial[k] + r * state.units[k];
            if (from == NULL)
                memset(to, 0, bytes);
            else
                memcpy(to, from + state.offset[k], bytes);
            memcpy(part->state[k] + r * state.units[k], to, bytes);
        }
    }
}

static void load_targets(struct lstm_trainer *trainer, const struct lstm_examples *examples)
{
    struct tape *tape = &trainer->tape;
    const size_t n = trainer->spec->info.output_size;
    double sum = 0.0;
    for (size_t i = 0; i < examples->n; i++)
        sum += examples->weights != NULL ? (double)examples->weights[i] : 1.0;
    for (size_t r = 0; r < examples->n; r++) {
        const size_t i = tape->order[r].index;
        const double weight = examples->weights != NULL ? (double)examples->weights[i] : 1.0;
        memcpy(tape->targets + r * n, examples->targets + i * n, n * sizeof *tape->targets);
        tape->weights[r] = (float)(weight / sum);
    }
}

/* A mask depends on the seed, the step and the layer alone: a step that is taken again after a
 * restart drops the same values. */
static void draw_mask(const struct lstm_trainer *trainer, const struct layer *layer)
{
    const struct layer_tape *part = &trainer->tape.layers[layer->number];
    const float kept = (float)(1.0 / (1.0 - layer->rate));
    struct lstm_random random;
    lstm_random_init(&random, trainer->seed, trainer->step * SPEC_MAX_LAYERS + layer->number);
    for (size_t i = 0; i < part->rows * layer->outputs; i++)
        part->mask[i] = lstm_random_uniform(&random) < layer->rate ? 0.0f : kept;
}

/* ---- Forward and backward ------------------------------------------------------------------- */

/* Heads see one step with a row per sequence. */
static struct pack head_pack(const struct tape *tape)
{
    return (struct pack){.n_steps = 1, .rows_at = &tape->n, .rows = tape->n};
}

/* What layer l reads. */
static const float *input_of(const struct lstm_trainer *trainer, size_t l)
{
    const struct tape *tape = &trainer->tape;
    if (l == 0)
        return tape->x;
    const bool is_first_of_head = l == trainer->spec->n_sequence_layers;
    return is_first_of_head ? tape->layers[l - 1].state[1] : tape->layers[l - 1].y;
}

static void forward_layer(struct lstm_trainer *trainer, size_t l, bool training)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    const struct layer_tape *part = &tape->layers[l];
    const struct pack head = head_pack(tape);
    struct layer layer = spec->layers[l];
    if (l + 1 == spec->n_layers && layer.type == &layer_dense)
        layer.activation = ACTIVATION_LINEAR;
    if (layer.type == &layer_dropout && training)
        draw_mask(trainer, &layer);
    const struct layer_forward pass = {.pack = l < spec->n_sequence_layers ? &tape->pack : &head,
                                       .weights = trainer->weights,
                                       .x = input_of(trainer, l),
                                       .y = part->y,
                                       .state = {part->state[0], part->state[1]},
                                       .gates = part->gates,
                                       .c_steps = layer.type->has_c ? part->c_steps : NULL,
                                       .scratch = tape->scratch,
                                       .keep_gates = true,
                                       .mask = training ? part->mask : NULL};
    layer.type->forward(&layer, &pass);
}

/* One layer backward: dy is by its outputs (by the final h for the last recurrent layer); returns
 * the gradient by what it read, or NULL for the first layer. */
static float *backward_layer(struct lstm_trainer *trainer, size_t l, float *dy)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    const struct layer *layer = &spec->layers[l];
    const struct layer_tape *part = &tape->layers[l];
    const struct pack head = head_pack(tape);
    const bool by_last_h = l == spec->last_recurrent;
    if (layer->type == &layer_dense && l + 1 < spec->n_layers)
        activation_backward((enum activation)layer->activation, part->y, dy, part->rows,
                            layer->units);
    if (layer->type->is_recurrent) {
        const size_t h_bytes = tape->n * layer->outputs * sizeof *dy;
        memset(tape->dstate[0], 0, tape->n * layer->units * sizeof *dy);
        if (by_last_h)
            memcpy(tape->dstate[1], dy, h_bytes);
        else
            memset(tape->dstate[1], 0, h_bytes);
    }
    float *dx = dy == tape->gradient[0] ? tape->gradient[1] : tape->gradient[0];
    const struct layer_backward pass = {.pack = l < spec->n_sequence_layers ? &tape->pack : &head,
                                        .weights = trainer->weights,
                                        .gradients = trainer->gradients,
                                        .x = input_of(trainer, l),
                                        .y = part->y,
                                        .dy = by_last_h ? NULL : dy,
                                        .dx = l > 0 ? dx : NULL,
                                        .mask = part->mask,
                                        .gates = part->gates,
                                        .c_steps = part->c_steps,
                                        .initial_state = {part->initial[0], part->initial[1]},
                                        .dstate = {tape->dstate[0], tape->dstate[1]},
                                        .history = tape->history,
                                        .second_history = tape->second_history,
                                        .scratch = tape->scratch,
                                        .transposed = tape->transposed};
    layer->type->backward(layer, &pass);
    return dx;
}

/* Loads the examples and runs them to the loss, whose gradient is in tape->gradient[0] then. */
static enum lstm_status forward(struct lstm_trainer *trainer, const struct lstm_examples *examples,
                                bool training, struct lstm_training_result *result,
                                struct lstm_error *error)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    *result = (struct lstm_training_result){.step = trainer->step};
    if (examples->n == 0)
        return lstm_fail(error, LSTM_INVALID, "a batch needs at least one example");
    enum lstm_status status = batch_check_tokens(spec, examples->sequences, examples->n, error);
    if (status == LSTM_OK)
        status = tape_prepare(tape, spec, examples->sequences, examples->n, error);
    if (status != LSTM_OK)
        return status;
    load_inputs(trainer, examples->sequences);
    load_targets(trainer, examples);
    for (size_t l = 0; l < spec->n_layers; l++) {
        if (spec->layers[l].type->is_recurrent)
            load_state(trainer, examples->sequences, &spec->layers[l]);
        forward_layer(trainer, l, training);
    }
    const struct layer_tape *last = &tape->layers[spec->n_layers - 1];
    const bool ends_recurrent = spec->n_layers == spec->n_sequence_layers;
    const struct loss_batch batch = {.rows = tape->n,
                                     .columns = spec->info.output_size,
                                     .activation = last_activation(spec),
                                     .values = ends_recurrent ? last->state[1] : last->y,
                                     .targets = tape->targets,
                                     .weights = tape->weights,
                                     .gradient = tape->gradient[0]};
    result->loss = loss_compute(trainer->settings.loss, &batch, &result->n_correct);
    if (!isfinite(result->loss))
        return lstm_fail(error, LSTM_NON_FINITE,
                         "the loss is %f: the inputs, targets or weights are too large",
                         result->loss);
    return LSTM_OK;
}

enum lstm_status lstm_trainer_gradients(struct lstm_trainer *trainer,
                                        const struct lstm_examples *examples,
                                        struct lstm_training_result *result,
                                        struct lstm_error *error)
{
    trainer->gradient_norm = (double)NAN;
    enum lstm_status status = forward(trainer, examples, true, result, error);
    if (status != LSTM_OK)
        return status;
    memset(trainer->gradients, 0, trainer->n * sizeof *trainer->gradients);
    float *gradient = trainer->tape.gradient[0];
    for (size_t l = trainer->spec->n_layers; l-- > 0;)
        gradient = backward_layer(trainer, l, gradient);
    trainer->gradient_norm = optimizer_norm(trainer);
    result->gradient_norm = trainer->gradient_norm;
    return LSTM_OK;
}

enum lstm_status lstm_trainer_apply(struct lstm_trainer *trainer, struct lstm_error *error)
{
    if (!optimizer_apply(trainer))
        return lstm_fail(error, LSTM_NON_FINITE,
                         "the gradient's norm is %g; the step was not applied: the inputs or "
                         "targets are too large",
                         trainer->gradient_norm);
    trainer->gradient_norm = (double)NAN;
    return LSTM_OK;
}

enum lstm_status lstm_trainer_step(struct lstm_trainer *trainer,
                                   const struct lstm_examples *examples,
                                   struct lstm_training_result *result, struct lstm_error *error)
{
    enum lstm_status status = lstm_trainer_gradients(trainer, examples, result, error);
    if (status == LSTM_OK)
        status = lstm_trainer_apply(trainer, error);
    result->step = trainer->step;
    return status;
}

enum lstm_status lstm_trainer_evaluate(struct lstm_trainer *trainer,
                                       const struct lstm_examples *examples,
                                       struct lstm_training_result *result,
                                       struct lstm_error *error)
{
    return forward(trainer, examples, false, result, error);
}
