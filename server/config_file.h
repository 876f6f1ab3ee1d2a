/* config_file.h: the file of --config: a JSON object whose members are options.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "server/options.h"

/* Reads options->common.config into options->file, and sets `member` of the command's settings that
 * are in it. INVALID: no JSON object, or a key that is no option of the command; IO; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status config_file_read(struct options *options,
                                                  struct lstm_error *error);

#endif
