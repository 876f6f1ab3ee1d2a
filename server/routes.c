/* routes.c: the route table. SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/router.h"

#define MODEL   "/v1/models/{model}"
#define VERSION MODEL "/versions/{version}"
#define LABEL   MODEL "/labels/{label}"

const struct route routes[] = {
    {"GET", "/v1/models", "models", "Lists the models.", handle_models_list},
    {"GET", MODEL, "status", "Tells the versions of a model and whether they can serve.",
     handle_model_status},
    {"GET", VERSION, "status", "The same for one version.", handle_model_status},
    {"GET", LABEL, "status", "The same for the version with this label.", handle_model_status},
    {"POST", MODEL ":predict", "predict", "Runs the newest version of a model.", handle_predict},
    {"POST", VERSION ":predict", "predict", "Runs this version of a model.", handle_predict},
    {"POST", LABEL ":predict", "predict", "Runs the version with this label.", handle_predict},
    {"GET", "/v2/health/live", "live", "Answers 200 as long as the process runs.", handle_live},
    {"GET", "/v2/health/ready", "ready", "Answers 200 when the server can serve, else 503.",
     handle_ready},
    {"GET", "/metrics", "metrics", "Gives the metrics in the Prometheus text format.",
     handle_metrics},
    {0},
};
