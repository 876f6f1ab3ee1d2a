/* onnx_run.c: imports one ONNX model and runs it once, for comparing. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Reads, in the machine's own byte order: uint32 bytes of the model, sequences n, whether they have
 * initial states; the model; uint32 steps[n]; float32 inputs [steps, features] of each in turn; the
 * initial states [n, state_size]. Writes, as float32, of each in turn its output and its final
 * state; of one without steps the final state alone. */
#include <stdio.h>
#include <stdlib.h>

#include "core/lstm.h"

enum { MAX_BYTES = 1 << 30, MAX_SEQUENCES = 4096 };

static void stop(const char *text)
{
    fprintf(stderr, "onnx_run: %s\n", text);
    exit(1);
}

static void check(enum lstm_status status, const struct lstm_error *error)
{
    if (status != LSTM_OK)
        stop(error->text);
}

static void *read_new(size_t n, size_t size)
{
    void *values = n <= MAX_BYTES / size ? malloc(n * size + 1) : NULL;
    if (values == NULL)
        stop("too much");
    if (fread(values, size, n, stdin) != n)
        stop("the case ends too soon");
    return values;
}

static struct lstm_model *import(const void *bytes, size_t n)
{
    const struct lstm_source_file file = {.path = "case.onnx", .data = bytes, .n = n};
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_error error;
    check(lstm_source_parse(&file, 1, "onnx", &source, &error), &error);
    check(lstm_source_model(source, NULL, &model, &error), &error);
    lstm_source_destroy(source);
    return model;
}

static size_t output_values(const struct lstm_model_info *info, size_t steps)
{
    if (steps == 0)
        return 0;
    return info->output_size * (info->output_is_sequence ? steps : 1);
}

/* One array of all values of all sequences; each points into it. */
static float *place_results(const struct lstm_model_info *info, struct lstm_sequence *sequences,
                            size_t n, size_t *n_values)
{
    *n_values = 0;
    for (size_t k = 0; k < n; k++)
        *n_values += output_values(info, sequences[k].steps) + info->state_size;
    float *const values = malloc(*n_values * sizeof *values);
    if (values == NULL)
        stop("out of memory");
    float *at = values;
    for (size_t k = 0; k < n; k++) {
        sequences[k].output = sequences[k].steps > 0 ? at : NULL;
        at += output_values(info, sequences[k].steps);
        sequences[k].final_state = at;
        at += info->state_size;
    }
    return values;
}

static void read_sequences(const struct lstm_model_info *info, struct lstm_sequence *sequences,
                           size_t n, bool has_states)
{
    uint32_t *const steps = read_new(n, sizeof *steps);
    for (size_t k = 0; k < n; k++)
        sequences[k] = (struct lstm_sequence){
            .steps = steps[k], .input = read_new(steps[k] * info->features, sizeof(float))};
    for (size_t k = 0; has_states && k < n; k++)
        sequences[k].initial_state = read_new(info->state_size, sizeof(float));
    free(steps);
}

int main(void)
{
    static struct lstm_sequence sequences[MAX_SEQUENCES];
    struct lstm_runner_options options = {0};
    struct lstm_runner *runner;
    struct lstm_error error;
    size_t n_values;
    uint32_t *const head = read_new(3, sizeof *head);
    const size_t n = head[1];
    if (n == 0 || n > MAX_SEQUENCES)
        stop("no such number of sequences");
    void *const bytes = read_new(head[0], 1);
    struct lstm_model *const model = import(bytes, head[0]);
    const struct lstm_model_info *const info = lstm_model_info(model);
    read_sequences(info, sequences, n, head[2] != 0);
    float *const values = place_results(info, sequences, n, &n_values);
    options.max_batch = n;
    check(lstm_runner_create(model, &options, &runner, &error), &error);
    check(lstm_runner_run(runner, model, sequences, n, &error), &error);
    if (fwrite(values, sizeof *values, n_values, stdout) != n_values || fflush(stdout) != 0)
        stop("nobody reads");
    for (size_t k = 0; k < n; k++) {
        free((void *)(uintptr_t)sequences[k].input);
        free((void *)(uintptr_t)sequences[k].initial_state);
    }
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    free(values);
    free(bytes);
    free(head);
    return 0;
}
