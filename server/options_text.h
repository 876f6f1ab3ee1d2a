/* options_text.h: how options are worded. SPDX-License-Identifier: Apache-2.0 */
#ifndef OPTIONS_TEXT_H
#define OPTIONS_TEXT_H

#include "server/options.h"

/* "--max-batch" */
void option_flag(const struct option *option, char *out, size_t out_bytes);
/* "LSTMD_MAX_BATCH" */
void option_variable(const struct option *option, char *out, size_t out_bytes);
/* What a value may be: "a whole number from 1 to 4096", "on or off", "last or best". */
void option_expects(const struct option *option, char *out, size_t out_bytes);

#endif
