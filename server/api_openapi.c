/* api_openapi.c: the API's own description. SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/openapi.h"

enum handled handle_openapi(struct app *app, struct request *request)
{
    (void)app;
    request->response.status = 200;
    openapi_write(routes, &request->response.body);
    return HANDLED;
}
