/* state_encode.c: states, traces and gates to state answers. SPDX-License-Identifier: Apache-2.0 */
#include "server/predict_array.h"
#include "server/state_codec.h"

struct encoder {
    const struct lstm_model *model;
    const struct predict_call *call;
    const struct state_options *options;
    struct buf *out;
    struct lstm_error *error;
};

static enum lstm_status append_array(const struct encoder *e, enum predict_rows rows, size_t offset,
                                     size_t width)
{
    const struct predict_array array = {rows, offset, width};
    return predict_array_append(lstm_model_info(e->model), e->call, &array, e->out, e->error);
}

/* A layer's part of the final states or of the traces. */
static enum lstm_status append_state(const struct encoder *e, const struct lstm_state_info *layer,
                                     enum predict_rows rows)
{
    if (!e->options->state_is_tuple) /* c and h lie one behind the other */
        return layer->has_c ? append_array(e, rows, layer->c_offset, layer->units + layer->h_units)
                            : append_array(e, rows, layer->h_offset, layer->h_units);
    enum lstm_status status = LSTM_OK;
    buf_text(e->out, "{");
    if (layer->has_c) {
        buf_text(e->out, "\"c\":");
        status = append_array(e, rows, layer->c_offset, layer->units);
        buf_text(e->out, ",");
    }
    if (status != LSTM_OK)
        return status;
    buf_text(e->out, "\"h\":");
    status = append_array(e, rows, layer->h_offset, layer->h_units);
    buf_text(e->out, "}");
    return status;
}

static enum lstm_status append_gates(const struct encoder *e, const struct lstm_state_info *layer,
                                     enum predict_rows rows)
{
    enum lstm_status status = LSTM_OK;
    for (size_t g = 0; g < layer->n_gates && status == LSTM_OK; g++) {
        buf_printf(e->out, "%c\"%s\":", g == 0 ? '{' : ',', layer->gate_names[g]);
        status = append_array(e, rows, layer->gates_offset + g * layer->units, layer->units);
    }
    buf_text(e->out, "}");
    return status;
}

/* What has a part per layer: one, or a list of them. */
struct layered {
    const char *key;
    enum predict_rows rows;
    bool is_wanted;
    enum lstm_status (*append)(const struct encoder *e, const struct lstm_state_info *layer,
                               enum predict_rows rows);
};

static enum lstm_status append_layers(const struct encoder *e, const struct layered *part)
{
    const struct state_options *options = e->options;
    const size_t n_recurrent = lstm_model_info(e->model)->n_recurrent;
    const size_t n = options->layers != NULL ? options->n_layers : n_recurrent;
    const bool is_list = options->layers != NULL || n_recurrent > 1;
    enum lstm_status status = LSTM_OK;
    buf_printf(e->out, ",\"%s\":%s", part->key, is_list ? "[" : "");
    for (size_t i = 0; i < n && status == LSTM_OK; i++) {
        const size_t k = options->layers != NULL ? options->layers[i] : i;
        if (i > 0)
            buf_text(e->out, ",");
        status = part->append(e, lstm_model_state(e->model, k), part->rows);
    }
    if (is_list)
        buf_text(e->out, "]");
    return status;
}

enum lstm_status state_encode(const struct lstm_model *model, const struct predict_call *call,
                              const struct state_options *options, struct buf *out,
                              struct lstm_error *error)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const struct encoder e = {model, call, options, out, error};
    const struct layered parts[] = {
        {"state", PREDICT_FINAL_STATES, true, append_state},
        {"trace", PREDICT_STATE_TRACES, options->trace, append_state},
        {"gates", PREDICT_GATES_TRACES, options->gates, append_gates},
    };
    buf_text(out, "{\"outputs\":");
    enum lstm_status status = append_array(&e, PREDICT_RNN_OUTPUTS, 0, info->rnn_output_size);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == LSTM_OK; i++)
        if (parts[i].is_wanted)
            status = append_layers(&e, &parts[i]);
    if (status == LSTM_OK && options->predictions) {
        buf_text(out, ",\"predictions\":");
        status = append_array(&e, PREDICT_OUTPUTS, 0, info->output_size);
    }
    return status == LSTM_OK ? predict_array_end(out, error) : status;
}
