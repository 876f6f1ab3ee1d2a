/* option_value.h: the values of options, as typed and as JSON. SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTION_VALUE_H
#define OPTION_VALUE_H

#include "server/options.h"

/* Sets the option's field of config. `source` names where the value came from in messages:
 * "--max-batch", "LSTMD_MAX_BATCH". INVALID. */
LSTM_MUST_CHECK enum lstm_status option_read_text(const struct option *option, void *config,
                                                  const char *source, const char *text,
                                                  struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status option_read_json(const struct option *option, void *config,
                                                  const char *source, const struct json_t *value,
                                                  struct lstm_error *error);

/* Before any source: what a field is if none says it. */
void option_clear(const struct option *option, void *config);

/* Sets a list to the flags of the command line. */
void option_take_list(const struct option *option, void *config, const struct option_list *list);

/* Appends the option's field of config as JSON, without a password in it. */
void option_write_json(const struct option *option, const void *config, struct buf *out);

#endif
