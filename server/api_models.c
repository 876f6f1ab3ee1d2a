/* api_models.c: the list of models, their status and their metadata.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/api.h"
#include "server/app.h"
#include "server/json_text.h"
#include "server/status_http.h"

enum handled handle_models_list(struct app *app, struct request *request)
{
    request->response.status = 200;
    registry_write_list(app->registry, &request->response.body);
    return HANDLED;
}

enum handled handle_model_status(struct app *app, struct request *request)
{
    struct lstm_error error;
    enum lstm_status status =
        registry_write_status(app->registry, &request->parts, &request->response.body, &error);
    if (status != LSTM_OK)
        return respond_status(request, status, &error);
    request->response.status = 200;
    return HANDLED;
}

/* Appends "input":{...} as TensorFlow Serving tells of a tensor: any batch, then `steps` if there
 * are steps (0: any number), then `values`. Sizes are 64-bit numbers, which its JSON quotes. */
static void write_tensor(struct buf *out, const char *name, bool has_steps, size_t steps,
                         size_t values)
{
    buf_printf(out,
               "\"%s\":{\"dtype\":\"DT_FLOAT\",\"tensor_shape\":{\"dim\":["
               "{\"size\":\"-1\",\"name\":\"\"}",
               name);
    if (has_steps && steps > 0)
        buf_printf(out, ",{\"size\":\"%zu\",\"name\":\"\"}", steps);
    else if (has_steps)
        buf_text(out, ",{\"size\":\"-1\",\"name\":\"\"}");
    buf_printf(out, ",{\"size\":\"%zu\",\"name\":\"\"}],\"unknown_rank\":false},\"name\":\"%s:0\"}",
               values, name);
}

static void write_labels(struct buf *out, const struct lstm_model_info *info)
{
    buf_text(out, ",\"labels\":[");
    for (size_t i = 0; i < info->n_labels; i++) {
        buf_text(out, i > 0 ? "," : "");
        json_append_string(out, info->labels[i], strlen(info->labels[i]));
    }
    buf_text(out, "]");
}

/* The doubled signature_def is TensorFlow Serving's: a map's key, then a field of its value. */
static void write_metadata(struct buf *out, const struct served_version *version)
{
    const struct lstm_model_info *info = lstm_model_info(batch_queue_model(version->queue));
    buf_printf(out,
               "{\"model_spec\":{\"name\":\"%s\",\"signature_name\":\"\",\"version\":\"%llu\"},"
               "\"metadata\":{\"signature_def\":{\"signature_def\":{\"serving_default\":{"
               "\"inputs\":{",
               version->model, (unsigned long long)version->number);
    write_tensor(out, "input", true, info->steps, info->features);
    buf_text(out, "},\"outputs\":{");
    write_tensor(out, "output", info->output_is_sequence, info->steps, info->output_size);
    buf_text(out, "},\"method_name\":\"tensorflow/serving/predict\"}}}");
    if (info->n_labels > 0)
        write_labels(out, info);
    if (info->reads_backwards)
        buf_text(out, ",\"reads_backwards\":true");
    if (info->pools_steps)
        buf_text(out, ",\"pools_steps\":true");
    buf_text(out, "}}");
}

enum handled handle_model_metadata(struct app *app, struct request *request)
{
    const struct served_version *version;
    if (!app_find_version(app, request, &version))
        return HANDLED;
    write_metadata(&request->response.body, version);
    registry_release(version);
    request->response.status = 200;
    return HANDLED;
}
