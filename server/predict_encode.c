/* predict_encode.c: outputs to predict answers. SPDX-License-Identifier: Apache-2.0 */
#include "server/predict_array.h"

static enum lstm_status append_rows(const struct lstm_model_info *info,
                                    const struct predict_call *call,
                                    const struct predict_array *array, struct buf *out,
                                    struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    buf_text(out, "[");
    for (size_t i = 0; i < call->n && status == LSTM_OK && !out->failed; i++) {
        if (i > 0)
            buf_text(out, ",");
        status = predict_array_append_cut(info, call, array, i, out, error);
    }
    buf_text(out, "]");
    return status;
}

enum lstm_status predict_encode(const struct lstm_model *model, const struct predict_call *call,
                                struct buf *out, struct lstm_error *error)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const struct predict_array array = {PREDICT_OUTPUTS, 0, info->output_size};
    const bool is_column = call->form == PREDICT_COLUMN;
    buf_text(out, is_column ? "{\"outputs\":" : "{\"predictions\":");
    const enum lstm_status status = is_column ? predict_array_append(info, call, &array, out, error)
                                              : append_rows(info, call, &array, out, error);
    return status == LSTM_OK ? predict_array_end(out, error) : status;
}
