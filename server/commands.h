/* commands.h: the subcommands' entry points and option tables. SPDX-License-Identifier: Apache-2.0
 *
 * Each takes the struct that its options fill (<command>_config) and the positional arguments, and
 * returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "server/options.h"

extern const struct option serve_options[], train_options[], bench_options[];
extern const struct option completion_options[], man_options[];
extern const struct option convert_options[], inspect_options[], healthcheck_options[];
extern const struct option ask_options[], top_options[]; /* of predict and state; of top */

int cmd_serve(const void *config, size_t n_arguments, char *const *arguments);
int cmd_train(const void *config, size_t n_arguments, char *const *arguments);
int cmd_bench(const void *config, size_t n_arguments, char *const *arguments);
int cmd_convert(const void *config, size_t n_arguments, char *const *arguments);
int cmd_healthcheck(const void *config, size_t n_arguments, char *const *arguments);
int cmd_inspect(const void *config, size_t n_arguments, char *const *arguments);
int cmd_predict(const void *config, size_t n_arguments, char *const *arguments);
int cmd_state(const void *config, size_t n_arguments, char *const *arguments);
int cmd_top(const void *config, size_t n_arguments, char *const *arguments);
int cmd_completion(const void *config, size_t n_arguments, char *const *arguments);
int cmd_man(const void *config, size_t n_arguments, char *const *arguments);

#endif
