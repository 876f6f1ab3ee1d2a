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
#include "core/subnormals.h"

enum { DEFAULT_ITERATIONS = 32 };

/* ---- Life ----------------------------------------------------------------------------------- */

/* The activation that the loss sees: that of a last dense layer; others give values as they are. */
static enum activation last_activation(const struct spec *spec)
{
    const struct layer *last = &spec->layers[spec->n_layers - 1];
    return last->type == &layer_dense ? (enum activation)last->activation : ACTIVATION_LINEAR;
}

enum lstm_status lstm_trainer_create(const struct lstm_model *model,
                                     const struct lstm_trainer_options *options,
                                     struct lstm_trainer **trainer, struct lstm_error *error)
{
    const struct lstm_trainer_options none = {0};
    options = options != NULL ? options : &none;
    *trainer = NULL;
    enum lstm_status status =
        loss_check(model->spec->info.training.loss, last_activation(model->spec), error);
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
    made->tape.pack.give_way = options->give_way;
    made->tape.pack.context = options->context;
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
    to->weight_bound = from->weight_bound;
    to->m_bound = from->m_bound;
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

/* ---- A step ------------------------------------------------------------------------------------
 */

/* What the loss reads, and may overwrite. */
static float *outputs_of(const struct lstm_trainer *trainer)
{
    const struct spec *spec = trainer->spec;
    const struct tape *tape = &trainer->tape;
    const struct layer_tape *last = &tape->layers[spec->n_layers - 1];
    if (!tape_keeps_output(spec))
        return last->y;
    const bool by_last_h =
        spec->layers[spec->n_layers - 1].type->is_recurrent && !spec->info.output_is_sequence;
    memcpy(tape->values, by_last_h ? last->last : last->y,
           tape->n_targets * spec->info.output_size * sizeof *tape->values);
    return tape->values;
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
    if (tape->n_targets == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "a batch for a model that gives sequences needs at least one time step");
    trainer_load(trainer, examples);
    for (size_t l = 0; l < spec->n_layers; l++)
        trainer_forward_layer(trainer, l, training);
    result->n_targets = tape->n_targets;
    const struct loss_batch batch = {.rows = tape->n_targets,
                                     .columns = spec->info.output_size,
                                     .activation = last_activation(spec),
                                     .values = outputs_of(trainer),
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

static void backward(struct lstm_trainer *trainer)
{
    const uint64_t mode = subnormals_flush();
    memset(trainer->gradients, 0, trainer->n * sizeof *trainer->gradients);
    float *gradient = trainer->tape.gradient[0];
    for (size_t l = trainer->spec->n_layers; l-- > 0;)
        gradient = trainer_backward_layer(trainer, l, gradient);
    subnormals_restore(mode);
    trainer->gradient_norm = optimizer_norm(trainer);
}

enum lstm_status lstm_trainer_gradients(struct lstm_trainer *trainer,
                                        const struct lstm_examples *examples,
                                        struct lstm_training_result *result,
                                        struct lstm_error *error)
{
    trainer->gradient_norm = (double)NAN;
    enum lstm_status status = forward(trainer, examples, true, result, error);
    if (status == LSTM_OK) {
        backward(trainer);
        result->gradient_norm = trainer->gradient_norm;
    }
    tape_trim(&trainer->tape);
    return status;
}

enum lstm_status lstm_trainer_apply(struct lstm_trainer *trainer, struct lstm_error *error)
{
    const enum lstm_status status = optimizer_apply(trainer, error);
    if (status == LSTM_OK)
        trainer->gradient_norm = (double)NAN;
    return status;
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
    const enum lstm_status status = forward(trainer, examples, false, result, error);
    tape_trim(&trainer->tape);
    return status;
}

enum lstm_status lstm_trainer_measure(const struct lstm_model *model,
                                      const struct lstm_sequence *sequences, size_t n,
                                      size_t *bytes, struct lstm_error *error)
{
    return tape_measure(model->spec, sequences, n, bytes, error);
}
