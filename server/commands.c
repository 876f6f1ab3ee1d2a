/* commands.c: the table of subcommands. SPDX-License-Identifier: Apache-2.0 */
#include "server/commands.h"

#include "server/bench_config.h"
#include "server/client_config.h"
#include "server/convert_config.h"
#include "server/healthcheck_config.h"
#include "server/serve_config.h"
#include "server/train_config.h"

const struct command commands[] = {
    {"bench", "", "time a model's batches", bench_options, sizeof(struct bench_config), 0, 0,
     .run = cmd_bench},
    {"completion", "bash|fish|zsh", "print a shell's completion script", completion_options, 0, 1,
     1, .run = cmd_completion},
    {"convert", "SOURCE", "make a model of another program's file", convert_options,
     sizeof(struct convert_config), 1, 1, .run = cmd_convert},
    {"healthcheck", "", "tell by the exit status whether a server is ready", healthcheck_options,
     sizeof(struct healthcheck_config), 0, 0, .run = cmd_healthcheck, .neighbours = serve_options},
    {"inspect", "FILE", "list a model file's arrays, and tell what it is", inspect_options,
     sizeof(struct inspect_config), 1, 1, .run = cmd_inspect},
    {"man", "", "print the manual page, as roff", man_options, 0, 0, 0, .run = cmd_man},
    {"predict", "FILE", "ask a server what a PNG or JSON file shows; - is standard input",
     ask_options, sizeof(struct client_config), 1, 1, .run = cmd_predict},
    {"serve", "", "serve the models of a repository over HTTP", serve_options,
     sizeof(struct serve_config), 0, 0, .run = cmd_serve},
    {"state", "FILE", "ask a server for the states that a PNG or JSON file leaves", ask_options,
     sizeof(struct client_config), 1, 1, .run = cmd_state},
    {"top", "", "show the live figures of a server", top_options, sizeof(struct client_config), 0,
     0, .run = cmd_top},
    {"train", "MODEL.json", "train a model on MNIST files", train_options,
     sizeof(struct train_config), 1, 1, .run = cmd_train},
    {0}};
