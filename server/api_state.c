/* api_state.c: state: (c, h) of the recurrent layers after each instance, and on the way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/inference.h"
#include "server/state_codec.h"

struct state_work {
    struct inference inference;
    struct state_options options;
};

static enum lstm_status prepare(struct inference *inference, const struct request *request,
                                struct lstm_error *error)
{
    struct state_options *options = &((struct state_work *)inference)->options;
    const struct lstm_model *model = inference_model(inference);
    const struct json_body *body = &predict_call_memory(&inference->call)->body;
    const enum lstm_status status = body->root != NULL
                                        ? state_options_decode(model, body, options, error)
                                        : state_options_read_query(model, request, options, error);
    if (status != LSTM_OK)
        return status;
    struct predict_outputs wanted = state_options_outputs(options);
    wanted.max_work_bytes = inference->max_work_bytes;
    return predict_call_add_outputs(&inference->call, lstm_model_info(model), &wanted, error);
}

static enum lstm_status encode(const struct inference *inference, struct buf *out,
                               struct lstm_error *error)
{
    const struct state_options *options = &((const struct state_work *)inference)->options;
    return state_encode(inference_model(inference), &inference->call, options, out, error);
}

static void release(struct inference *inference)
{
    state_options_release(&((struct state_work *)inference)->options);
}

const struct inference_kind inference_state = {
    .bytes = sizeof(struct state_work), .prepare = prepare, .encode = encode, .release = release};

enum handled handle_state(struct app *app, struct request *request)
{
    return inference_handle(app, request, &inference_state);
}
