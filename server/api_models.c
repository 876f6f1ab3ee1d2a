/* api_models.c: the list of models and their status. SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/app.h"
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
        registry_write_status(app->registry, request->parts.model, request->parts.version,
                              &request->response.body, &error);
    if (status != LSTM_OK)
        return respond_status(request, status, &error);
    request->response.status = 200;
    return HANDLED;
}
