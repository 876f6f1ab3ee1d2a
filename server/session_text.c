/* session_text.c: sessions and states written down. SPDX-License-Identifier: Apache-2.0 */
#include "server/session_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "server/float_text.h"
#include "server/json_text.h"

void session_text_info(const struct session_info *info, struct buf *out)
{
    buf_text(out, "{\"id\":");
    json_append_string(out, info->id, strlen(info->id));
    buf_printf(out,
               ",\"number\":%" PRIu64 ",\"model\":\"%s\",\"version\":\"%" PRIu64
               "\",\"steps\":%" PRIu64 ",\"age_seconds\":%.3f,\"idle_seconds\":%.3f,\"busy\":%s}",
               info->number, info->model, info->version, info->steps, (double)info->age_us * 1e-6,
               (double)info->idle_us * 1e-6, info->is_busy ? "true" : "false");
}

static void append_values(struct buf *out, const char *key, const float *values, size_t n)
{
    char text[FLOAT_TEXT_MAX];
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_append(out, ",", 1);
        buf_append(out, text, float_text(values[i], text));
    }
    buf_append(out, "]", 1);
}

enum lstm_status session_text_state(const struct lstm_model *model, const float *state,
                                    struct buf *out, struct lstm_error *error)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    for (size_t i = 0; i < info->state_size; i++)
        if (!isfinite(state[i]))
            return lstm_fail(error, LSTM_NON_FINITE,
                             "the state has a value (%g) for which JSON has no word",
                             (double)state[i]);
    buf_text(out, info->n_recurrent > 1 ? "[" : "");
    for (size_t k = 0; k < info->n_recurrent; k++) {
        const struct lstm_state_info *layer = lstm_model_state(model, k);
        buf_text(out, k > 0 ? ",{" : "{");
        if (layer->has_c) {
            append_values(out, "c", state + layer->c_offset, layer->units);
            buf_append(out, ",", 1);
        }
        append_values(out, "h", state + layer->h_offset, layer->h_units);
        buf_append(out, "}", 1);
    }
    buf_text(out, info->n_recurrent > 1 ? "]" : "");
    return LSTM_OK;
}
