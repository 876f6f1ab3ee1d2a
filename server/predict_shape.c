/* predict_shape.c: finds the sequences in a tensor of inputs. SPDX-License-Identifier: Apache-2.0
 */
#include "server/predict_shape.h"

#include <stdio.h>

#include "core/status.h"
#include "server/predict_call.h"

/* A tensor whose instances are taken one after the other. */
struct source {
    const struct lstm_model_info *info;
    const struct predict_limits *limits;
    const struct scanned_tensor *tensor;
    const char *path;
    struct lstm_error *error;
    size_t level; /* where instances are: 0, the tensor is one; 1, it is an array of them */
    size_t step;  /* first step of the next instance: an index into the lengths one level below */
    size_t value; /* first value of the next instance */
};

enum { PLACE_BYTES = 96, WHAT_BYTES = 80 };

static void write_place(const struct source *s, size_t i, char place[PLACE_BYTES])
{
    if (s->level == 0)
        snprintf(place, PLACE_BYTES, "%s", s->path);
    else
        snprintf(place, PLACE_BYTES, "%s[%zu]", s->path, i);
}

/* What the model takes as an instance: "28 steps of 28 numbers". */
static void write_expected(const struct lstm_model_info *info, char what[WHAT_BYTES])
{
    char steps[24] = "any number of";
    if (info->steps > 0)
        snprintf(steps, sizeof steps, "%zu", info->steps);
    snprintf(what, WHAT_BYTES, "%s steps of %zu number%s", steps, info->features,
             info->features == 1 ? "" : "s");
}

static enum lstm_status fail_instance(const struct source *s, size_t i, size_t n, const char *unit)
{
    char place[PLACE_BYTES], expected[WHAT_BYTES];
    write_place(s, i, place);
    write_expected(s->info, expected);
    return lstm_fail(s->error, LSTM_SHAPE, "%s: expected %s, found %zu %s", place, expected, n,
                     unit);
}

static enum lstm_status fail_rank(const struct source *s, const char *found)
{
    char place[PLACE_BYTES], expected[WHAT_BYTES];
    write_place(s, 0, place);
    write_expected(s->info, expected);
    return lstm_fail(s->error, LSTM_SHAPE, "%s: expected %s, found %s", place, expected, found);
}

static enum lstm_status fail_features(const struct source *s, const char *place, size_t step,
                                      size_t found)
{
    return lstm_fail(s->error, LSTM_SHAPE, "%s[%zu]: expected %zu number%s, found %zu", place, step,
                     s->info->features, s->info->features == 1 ? "" : "s", found);
}

static enum lstm_status fail_token(const struct source *s, const char *place, float value)
{
    return lstm_fail(s->error, LSTM_INVALID,
                     "%s: expected a whole number from 0 to %zu, found %.9g", place,
                     s->info->vocabulary - 1, (double)value);
}

static enum lstm_status check_max_steps(const struct source *s, size_t i, size_t steps)
{
    if (steps <= s->limits->max_steps)
        return LSTM_OK;
    char place[PLACE_BYTES];
    write_place(s, i, place);
    return lstm_fail(s->error, LSTM_INVALID, "%s: expected at most %zu steps, found %zu", place,
                     s->limits->max_steps, steps);
}

static enum lstm_status check_tokens(const struct source *s, size_t i, size_t steps)
{
    const float *const tokens = s->tensor->values + s->value;
    const size_t bad = predict_call_find_bad_token(s->info, tokens, steps);
    if (bad == steps)
        return LSTM_OK;
    char place[PLACE_BYTES], token_place[PLACE_BYTES + 32];
    write_place(s, i, place);
    snprintf(token_place, sizeof token_place, "%s[%zu]%s", place, bad,
             s->tensor->rank - s->level == 2 ? "[0]" : "");
    return fail_token(s, token_place, tokens[bad]);
}

/* Whether an instance of that many steps is the model's, or a piece of one where those are taken.
 */
static bool fits_steps(const struct source *s, size_t steps)
{
    return s->info->steps == 0 || steps == s->info->steps ||
           (s->limits->takes_pieces && steps < s->info->steps);
}

/* How many steps instance i has; fails if it is not the model's. */
static enum lstm_status count_steps(const struct source *s, size_t i, size_t *steps)
{
    const struct lstm_model_info *const info = s->info;
    const size_t count = s->tensor->lengths[s->level][i];
    const bool is_flat = s->tensor->rank - s->level == 1;
    *steps = count;
    if (is_flat && info->features != 1 && count > 0) {
        if (info->steps == 0 || count % info->features != 0 ||
            !fits_steps(s, count / info->features))
            return fail_instance(s, i, count, count == 1 ? "number" : "numbers");
        *steps = count / info->features;
    }
    if (!fits_steps(s, *steps))
        return fail_instance(s, i, *steps, *steps == 1 ? "step" : "steps");
    return check_max_steps(s, i, *steps);
}

static enum lstm_status take_instance(struct source *s, size_t i, struct lstm_sequence *sequence)
{
    size_t steps;
    enum lstm_status status = count_steps(s, i, &steps);
    if (status != LSTM_OK)
        return status;
    if (s->tensor->rank - s->level == 2) {
        const uint32_t *const lengths = s->tensor->lengths[s->level + 1] + s->step;
        for (size_t t = 0; t < steps; t++) {
            if (lengths[t] != s->info->features) {
                char place[PLACE_BYTES];
                write_place(s, i, place);
                return fail_features(s, place, t, lengths[t]);
            }
        }
        s->step += steps;
    }
    if (steps > 0) {
        status = check_tokens(s, i, steps);
        sequence->input = s->tensor->values + s->value;
    }
    sequence->steps = steps;
    s->value += steps * s->info->features;
    return status;
}

enum lstm_status predict_shape_single(const struct lstm_model_info *info,
                                      const struct predict_limits *limits,
                                      const struct scanned_tensor *tensor, const char *path,
                                      struct lstm_sequence *sequence, struct lstm_error *error)
{
    struct source s = {info, limits, tensor, path, error, 0, 0, 0};
    if (tensor->rank > 2)
        return fail_rank(&s, "arrays nested deeper");
    return take_instance(&s, 0, sequence);
}

enum lstm_status predict_shape_batch(const struct lstm_model_info *info,
                                     const struct predict_limits *limits,
                                     const struct scanned_tensor *tensor, const char *path,
                                     struct lstm_sequence *sequences, struct lstm_error *error)
{
    struct source s = {info, limits, tensor, path, error, 1, 0, 0};
    if (tensor->rank == 1)
        return fail_rank(&s, "a number");
    if (tensor->rank > 3)
        return fail_rank(&s, "arrays nested deeper");
    for (size_t i = 0; i < tensor->lengths[0][0]; i++) {
        const enum lstm_status status = take_instance(&s, i, &sequences[i]);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

/* Whether every step has n instances of D numbers. */
static enum lstm_status check_time_major(const struct source *s, size_t steps, size_t n)
{
    const struct scanned_tensor *const tensor = s->tensor;
    for (size_t t = 0; t < steps; t++) {
        if (tensor->lengths[1][t] != n)
            return lstm_fail(s->error, LSTM_SHAPE,
                             "%s[%zu]: expected as many instances as step 0 has (%zu), found %zu",
                             s->path, t, n, (size_t)tensor->lengths[1][t]);
    }
    for (size_t i = 0; tensor->rank == 3 && i < steps * n; i++) {
        if (tensor->lengths[2][i] != s->info->features) {
            char place[PLACE_BYTES];
            snprintf(place, sizeof place, "%s[%zu]", s->path, i / n);
            return fail_features(s, place, i % n, tensor->lengths[2][i]);
        }
    }
    const size_t bad = predict_call_find_bad_token(s->info, tensor->values, steps * n);
    if (bad == steps * n)
        return LSTM_OK;
    char place[PLACE_BYTES];
    snprintf(place, sizeof place, "%s[%zu][%zu]%s", s->path, bad / n, bad % n,
             tensor->rank == 3 ? "[0]" : "");
    return fail_token(s, place, tensor->values[bad]);
}

enum lstm_status predict_shape_time_major(const struct lstm_model_info *info,
                                          const struct predict_limits *limits,
                                          const struct scanned_tensor *tensor, const char *path,
                                          struct lstm_sequence *sequences, size_t n,
                                          struct lstm_error *error)
{
    struct source s = {info, limits, tensor, path, error, 0, 0, 0};
    const size_t steps = tensor->lengths[0][0];
    if (tensor->rank != 3 && !(tensor->rank == 2 && info->features == 1))
        return lstm_fail(error, LSTM_SHAPE,
                         "%s: expected steps of instances of numbers, found arrays nested %zu deep",
                         path, tensor->rank);
    if (!fits_steps(&s, steps))
        return fail_instance(&s, 0, steps, steps == 1 ? "step" : "steps");
    enum lstm_status status = check_max_steps(&s, 0, steps);
    if (status == LSTM_OK)
        status = check_time_major(&s, steps, n);
    if (status != LSTM_OK)
        return status;
    for (size_t b = 0; b < n; b++) {
        sequences[b].input = tensor->values + b * info->features;
        sequences[b].step_stride = n * info->features;
        sequences[b].steps = steps;
    }
    return LSTM_OK;
}
