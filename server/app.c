/* app.c: readiness. SPDX-License-Identifier: Apache-2.0 */
#include "server/app.h"

bool app_ready(const struct app *app, const char **reason)
{
    *reason = "";
    if (atomic_load(&app->is_draining))
        *reason = "the server is draining";
    else if (!atomic_load(&app->is_loaded))
        *reason = "the server is starting";
    else if (!registry_is_ready(app->registry))
        *reason = "a model is still loading or failed to load";
    return **reason == '\0';
}
