/* client_options.c: the options of the commands that ask a running server.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "server/client_config.h"
#include "server/commands.h"

#define FIELD(name) offsetof(struct client_config, name)

#define API_KEY_FILE                                                                               \
    {                                                                                              \
        "api-key-file", OPTION_TEXT, FIELD(api_key_file),                                          \
            .value = "FILE",                                                                       \
            .help = "file that holds the API key; none: the variable LSTMD_API_KEY, if it is set"  \
    }
#define CA_FILE                                                                                    \
    {                                                                                              \
        "ca-file", OPTION_TEXT, FIELD(ca_file),                                                    \
            .value = "FILE", .help = "certificates in PEM to trust instead of the system's"        \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "json", OPTION_FLAG, FIELD(json),                                                          \
            .help = "print the answer as it is, as is done when the output is no terminal"         \
    }
#define MODEL                                                                                      \
    {                                                                                              \
        "model", OPTION_TEXT, FIELD(model), "mnist",                                               \
            .value = "NAME", .help = "model to ask; NAME/versions/N and NAME/labels/LABEL, too"    \
    }
#define SERVER                                                                                     \
    {                                                                                              \
        "server", OPTION_TEXT, FIELD(server), "http://127.0.0.1:8501",                             \
            .value = "URL", .help = "server to ask, http or https"                                 \
    }
#define TIMEOUT_SECONDS                                                                            \
    {                                                                                              \
        "timeout-seconds", OPTION_INTEGER, FIELD(timeout_seconds), "10", 1, 3600,                  \
            .value = "N", .help = "seconds that an answer may take"                                \
    }

const struct option ask_options[] = {API_KEY_FILE, CA_FILE,         JSON, MODEL,
                                     SERVER,       TIMEOUT_SECONDS, {0}};

const struct option top_options[] = {
    API_KEY_FILE,
    CA_FILE,
    {"interval", OPTION_REAL, FIELD(interval), "1", 0.1, 3600, .value = "SECONDS",
     .help = "seconds between two looks; figures are of the time between them"},
    {"once", OPTION_FLAG, FIELD(once),
     .help = "print the figures of one interval and end, as is done when the output is no "
             "terminal"},
    SERVER,
    TIMEOUT_SECONDS,
    {0}};
