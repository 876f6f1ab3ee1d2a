/* routes.c: the route table. SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/router.h"

#define MODEL   "/v1/models/{model}"
#define VERSION MODEL "/versions/{version}"
#define LABEL   MODEL "/labels/{label}"

const struct route routes[] = {
    {"GET", "/v1/models", "models", "Lists the models.", handle_models_list, SCOPE_READ},
    {"GET", MODEL, "status", "Tells the versions of a model and whether they can serve.",
     handle_model_status, SCOPE_READ},
    {"GET", VERSION, "status", "The same for one version.", handle_model_status, SCOPE_READ},
    {"GET", LABEL, "status", "The same for the version with this label.", handle_model_status,
     SCOPE_READ},
    {"GET", MODEL "/metadata", "metadata", "Tells what the newest version takes and gives.",
     handle_model_metadata, SCOPE_READ},
    {"GET", VERSION "/metadata", "metadata", "The same for one version.", handle_model_metadata,
     SCOPE_READ},
    {"GET", LABEL "/metadata", "metadata", "The same for the version with this label.",
     handle_model_metadata, SCOPE_READ},
    {"POST", MODEL ":load", "load", "Loads what is new of a model, also after an unload.",
     handle_model_load, SCOPE_ADMIN},
    {"POST", MODEL ":unload", "unload", "Stops serving a model until it is loaded.",
     handle_model_unload, SCOPE_ADMIN},
    {"POST", MODEL ":predict", "predict", "Runs the newest version of a model.", handle_predict,
     SCOPE_PREDICT},
    {"POST", VERSION ":predict", "predict", "Runs this version of a model.", handle_predict,
     SCOPE_PREDICT},
    {"POST", LABEL ":predict", "predict", "Runs the version with this label.", handle_predict,
     SCOPE_PREDICT},
    {"POST", MODEL ":state", "state", "Gives the states that the newest version goes through.",
     handle_state, SCOPE_PREDICT},
    {"POST", VERSION ":state", "state", "The same for this version.", handle_state, SCOPE_PREDICT},
    {"POST", LABEL ":state", "state", "The same for the version with this label.", handle_state,
     SCOPE_PREDICT},
    {"GET", "/v2/health/live", "live", "Answers 200 as long as the process runs.", handle_live,
     SCOPE_NONE},
    {"GET", "/v2/health/ready", "ready", "Answers 200 when the server can serve, else 503.",
     handle_ready, SCOPE_NONE},
    {"GET", "/openapi.json", "openapi", "Describes this interface, as OpenAPI 3.0.", handle_openapi,
     SCOPE_NONE},
    {"GET", "/metrics", "metrics", "Gives the metrics in the Prometheus text format.",
     handle_metrics, SCOPE_READ},
    {0},
};
