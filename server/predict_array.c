/* predict_array.c: the kinds of rows, and how they are nested. SPDX-License-Identifier: Apache-2.0
 */
#include "server/predict_array.h"

#include "core/status.h"
#include "server/json_numbers.h"

struct writer {
    const struct lstm_model_info *info;
    const struct predict_call *call;
    const struct predict_array *array;
    struct buf *out;
    struct lstm_error *error;
};

static const float *find_output(const struct lstm_model_info *info,
                                const struct lstm_sequence *sequence, size_t t)
{
    if (!info->output_is_sequence)
        return sequence->output;
    return t < sequence->steps ? sequence->output + t * info->output_size : NULL;
}

static const float *find_rnn_output(const struct lstm_model_info *info,
                                    const struct lstm_sequence *sequence, size_t t)
{
    return t < sequence->steps ? sequence->rnn_output + t * info->rnn_output_size : NULL;
}

static const float *find_final_state(const struct lstm_model_info *info,
                                     const struct lstm_sequence *sequence, size_t t)
{
    (void)info;
    (void)t;
    return sequence->final_state;
}

static const float *find_state(const struct lstm_model_info *info,
                               const struct lstm_sequence *sequence, size_t t)
{
    return t < sequence->steps ? sequence->state_trace + t * info->state_size
                               : sequence->final_state;
}

static const float *find_gates(const struct lstm_model_info *info,
                               const struct lstm_sequence *sequence, size_t t)
{
    return t < sequence->steps ? sequence->gates_trace + t * info->gates_size : NULL;
}

static const struct {
    const char *name; /* of one number, for messages */
    bool has_steps;
    /* Step t of a sequence; NULL: zeros. */
    const float *(*find)(const struct lstm_model_info *info, const struct lstm_sequence *sequence,
                         size_t t);
} kinds[] = {
    [PREDICT_OUTPUTS] = {"output", false, find_output}, /* steps: if it is a sequence */
    [PREDICT_RNN_OUTPUTS] = {"output", true, find_rnn_output},
    [PREDICT_FINAL_STATES] = {"state", false, find_final_state},
    [PREDICT_STATE_TRACES] = {"state", true, find_state},
    [PREDICT_GATES_TRACES] = {"gate", true, find_gates},
};

static bool has_steps(const struct writer *w)
{
    return w->array->rows == PREDICT_OUTPUTS ? w->info->output_is_sequence
                                             : kinds[w->array->rows].has_steps;
}

static enum lstm_status append_row(const struct writer *w, size_t i, size_t t)
{
    const struct predict_array *array = w->array;
    const float *row = kinds[array->rows].find(w->info, &w->call->sequences[i], t);
    if (row == NULL) {
        json_append_zeros(w->out, array->width);
        return LSTM_OK;
    }
    row += array->offset;
    const size_t bad = json_append_numbers(w->out, row, array->width);
    if (bad == array->width)
        return LSTM_OK;
    return lstm_fail(w->error, LSTM_NON_FINITE,
                     "%s %zu of instance %zu is %g, for which JSON has no word",
                     kinds[array->rows].name, array->offset + bad, i, (double)row[bad]);
}

/* A row of the answer: sequence and step. */
struct place {
    size_t i, t;
};

/* n rows from a place on, along the steps of a sequence or the sequences of a step. */
static enum lstm_status append_line(const struct writer *w, struct place at, struct place stride,
                                    size_t n)
{
    enum lstm_status status = LSTM_OK;
    buf_text(w->out, "[");
    for (size_t k = 0; k < n && status == LSTM_OK && !w->out->failed; k++) {
        if (k > 0)
            buf_text(w->out, ",");
        status = append_row(w, at.i + k * stride.i, at.t + k * stride.t);
    }
    buf_text(w->out, "]");
    return status;
}

static const struct place along_steps = {0, 1}, along_sequences = {1, 0};

enum lstm_status predict_array_append(const struct lstm_model_info *info,
                                      const struct predict_call *call,
                                      const struct predict_array *array, struct buf *out,
                                      struct lstm_error *error)
{
    const struct writer w = {info, call, array, out, error};
    if (!has_steps(&w))
        return append_line(&w, (struct place){0, 0}, along_sequences, call->n);
    const size_t n = call->time_major ? call->steps : call->n;
    enum lstm_status status = LSTM_OK;
    buf_text(out, "[");
    for (size_t k = 0; k < n && status == LSTM_OK && !out->failed; k++) {
        if (k > 0)
            buf_text(out, ",");
        status = call->time_major ? append_line(&w, (struct place){0, k}, along_sequences, call->n)
                                  : append_line(&w, (struct place){k, 0}, along_steps, call->steps);
    }
    buf_text(out, "]");
    return status;
}

enum lstm_status predict_array_append_cut(const struct lstm_model_info *info,
                                          const struct predict_call *call,
                                          const struct predict_array *array, size_t i,
                                          struct buf *out, struct lstm_error *error)
{
    const struct writer w = {info, call, array, out, error};
    if (!has_steps(&w))
        return append_row(&w, i, 0);
    return append_line(&w, (struct place){i, 0}, along_steps, call->sequences[i].steps);
}

enum lstm_status predict_array_end(struct buf *out, struct lstm_error *error)
{
    buf_text(out, "}");
    if (!out->failed)
        return LSTM_OK;
    return lstm_fail(error, LSTM_NO_MEMORY,
                     "no room for the answer; send fewer or shorter instances at a time");
}
