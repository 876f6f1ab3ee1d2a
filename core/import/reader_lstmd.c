/* reader_lstmd.c: folders with a model of lstmd itself. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/readers.h"
#include "core/safetensors.h"
#include "core/status.h"

static bool probe(const struct import_source *source)
{
    return source->is_folder && import_has(source, "model.json") &&
           import_has(source, "weights.safetensors");
}

static enum lstm_status open_folder(struct import_source *source, struct lstm_error *error)
{
    const unsigned char *bytes;
    size_t n;
    enum lstm_status status = import_map(source, "weights.safetensors", &bytes, &n, error);
    return status == LSTM_OK ? import_add_safetensors(source, bytes, n, error) : status;
}

static enum lstm_status load(struct import_source *source, struct lstm_model **model,
                             struct lstm_error *error)
{
    const unsigned char *json, *weights;
    size_t json_bytes, weights_bytes;
    *model = NULL;
    enum lstm_status status = import_map(source, "model.json", &json, &json_bytes, error);
    if (status == LSTM_OK)
        status = import_map(source, "weights.safetensors", &weights, &weights_bytes, error);
    if (status != LSTM_OK)
        return status;
    return lstm_model_parse((const char *)json, json_bytes, weights, weights_bytes, model, error);
}

const struct import_reader reader_lstmd = {
    .name = "lstmd", .title = "model of lstmd", .probe = probe, .open = open_folder, .load = load};
