/* api_predict.c: predict: the model's output of each instance. SPDX-License-Identifier: Apache-2.0
 */
#include "server/api.h"
#include "server/inference.h"
#include "server/predict_call.h"

static enum lstm_status prepare(struct inference *inference, const struct request *request,
                                struct lstm_error *error)
{
    (void)request;
    struct predict_call *call = &inference->call;
    const struct predict_outputs wanted = {.output = true,
                                           .is_padded = call->form == PREDICT_COLUMN,
                                           .max_work_bytes = inference->max_work_bytes};
    return predict_call_add_outputs(call, lstm_model_info(inference_model(inference)), &wanted,
                                    error);
}

static enum lstm_status encode(const struct inference *inference, struct buf *out,
                               struct lstm_error *error)
{
    return predict_encode(inference_model(inference), &inference->call, out, error);
}

const struct inference_kind inference_predict = {
    .bytes = sizeof(struct inference), .prepare = prepare, .encode = encode};

enum handled handle_predict(struct app *app, struct request *request)
{
    return inference_handle(app, request, &inference_predict);
}
