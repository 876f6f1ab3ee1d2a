/* app.h: what the request handlers work on. SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_H
#define APP_H

#include <stdatomic.h>

#include "server/batcher.h"
#include "server/model_watcher.h"
#include "server/predict_codec.h"
#include "server/registry.h"
#include "server/sessions.h"
#include "server/training.h"

struct app {
    struct batcher *batcher;
    struct registry *registry;
    struct model_watcher *watcher;
    struct sessions *sessions;
    struct training *training; /* NULL: it is off */
    struct predict_limits limits;
    size_t max_work_bytes;   /* that one request may take for what it computes */
    atomic_bool is_loaded;   /* the models that were there at the start are in the registry */
    atomic_bool is_draining; /* SIGTERM came: finish what is here, take nothing new */
};

/* The version that the request's path names; *version is new. False: the answer tells why there is
 * none: 503 while models are loading, or else 404. */
bool app_find_version(struct app *app, struct request *request,
                      const struct served_version **version);

/* Whether requests can be served; if not, *reason says why ("draining"). */
bool app_ready(const struct app *app, const char **reason);

#endif
