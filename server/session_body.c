/* session_body.c: keys, ids and states of session bodies, checked. SPDX-License-Identifier:
 * Apache-2.0 */
#include "server/session_body.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/predict_state.h"
#include "server/sessions.h"

enum lstm_status session_body_read(const struct request *request, const char *const *known,
                                   struct json_body *body, struct lstm_error *error)
{
    static const char nothing[] = "{}";
    char unknown[JSON_KEY_BYTES];
    const bool is_empty = request->body_bytes == 0;
    enum lstm_status status = json_body_parse(is_empty ? nothing : request->body,
                                              is_empty ? 2 : request->body_bytes, body, error);
    if (status == LSTM_OK && json_kind(body->root) != JSON_KIND_OBJECT)
        status = lstm_fail(error, LSTM_INVALID, "the body: expected an object, found %s",
                           json_kind_name(body->root));
    if (status == LSTM_OK && json_has_unknown_key(body->root, known, unknown))
        status = lstm_fail(error, LSTM_INVALID, "the body: unknown key '%s'", unknown);
    if (status != LSTM_OK)
        json_body_release(body);
    return status;
}

enum lstm_status session_body_id(const struct json_body *body, const char **id,
                                 struct lstm_error *error)
{
    const struct json_t *value = json_member(body->root, "id");
    *id = json_read_text(value);
    if (value == NULL)
        return LSTM_OK;
    if (*id == NULL)
        return lstm_fail(error, LSTM_INVALID, "id: expected a string, found %s",
                         json_kind_name(value));
    const size_t n = strlen(*id);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)(*id)[i]) && strchr("._~-", (*id)[i]) == NULL)
            return lstm_fail(error, LSTM_INVALID,
                             "id: expected letters, digits and . _ ~ - only, found '%.64s'", *id);
    if (strcmp(*id, ".") == 0 || strcmp(*id, "..") == 0)
        return lstm_fail(error, LSTM_INVALID, "id: '%s' means a folder in a path", *id);
    if (n == 0 || n >= SESSION_ID_BYTES)
        return lstm_fail(error, LSTM_INVALID, "id: expected 1 to %d characters, found %zu",
                         SESSION_ID_BYTES - 1, n);
    return LSTM_OK;
}

enum lstm_status session_body_state(const struct lstm_model *model, const struct json_body *body,
                                    const char *key, float **state, struct lstm_error *error)
{
    const struct json_t *value = json_member(body->root, key);
    const struct predict_state_shape shape = {.is_batched = false, .n = 1};
    *state = NULL;
    if (value == NULL)
        return LSTM_OK;
    *state = calloc(lstm_model_info(model)->state_size + 1, sizeof **state);
    if (*state == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a state");
    return predict_state_decode(model, body, value, &shape, key, *state, error);
}
