/* predict_encode.c: outputs to predict answers. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "server/float_text.h"
#include "server/predict_codec.h"

/* Appends "[1.0,2.0]". Returns the index of the first value that is not finite; n: all are. */
static size_t append_row(struct buf *out, const float *values, size_t n)
{
    if (!buf_reserve(out, n * (FLOAT_TEXT_MAX + 1) + 2))
        return n;
    char *p = out->data + out->n;
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return i;
        if (i > 0)
            *p++ = ',';
        p += float_text(values[i], p);
    }
    *p++ = ']';
    *p = '\0';
    out->n = (size_t)(p - out->data);
    return n;
}

static void append_zeros(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_text(out, i == 0 ? "[0.0" : ",0.0");
    buf_text(out, "]");
}

/* Appends what instance i gave: one row, or `rows` of them, zeros behind its last step. */
static enum lstm_status append_instance(struct buf *out, const struct lstm_model_info *info,
                                        const struct predict_call *call, size_t i, size_t rows,
                                        struct lstm_error *error)
{
    const struct lstm_sequence *const sequence = &call->sequences[i];
    const size_t n_given = info->output_is_sequence ? sequence->steps : 1;
    if (info->output_is_sequence)
        buf_text(out, "[");
    for (size_t t = 0; t < rows && !out->failed; t++) {
        if (t > 0)
            buf_text(out, ",");
        if (t >= n_given) {
            append_zeros(out, info->output_size);
            continue;
        }
        const float *const row = sequence->output + t * info->output_size;
        const size_t bad = append_row(out, row, info->output_size);
        if (bad < info->output_size)
            return lstm_fail(error, LSTM_NON_FINITE,
                             "output %zu of instance %zu is %g, for which JSON has no word", bad, i,
                             (double)row[bad]);
    }
    if (info->output_is_sequence)
        buf_text(out, "]");
    return LSTM_OK;
}

static size_t longest(const struct predict_call *call)
{
    size_t steps = 0;
    for (size_t i = 0; i < call->n; i++)
        steps = call->sequences[i].steps > steps ? call->sequences[i].steps : steps;
    return steps;
}

enum lstm_status predict_encode(const struct lstm_model *model, const struct predict_call *call,
                                struct buf *out, struct lstm_error *error)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const bool is_column = call->form == PREDICT_COLUMN;
    const size_t most_steps = longest(call);
    buf_text(out, is_column ? "{\"outputs\":[" : "{\"predictions\":[");
    for (size_t i = 0; i < call->n; i++) {
        size_t rows = 1;
        if (info->output_is_sequence)
            rows = is_column ? most_steps : call->sequences[i].steps;
        if (i > 0)
            buf_text(out, ",");
        const enum lstm_status status = append_instance(out, info, call, i, rows, error);
        if (status != LSTM_OK)
            return status;
    }
    buf_text(out, "]}");
    if (out->failed)
        return lstm_fail(error, LSTM_NO_MEMORY,
                         "no room for the answer; send fewer or shorter instances at a time");
    return LSTM_OK;
}
