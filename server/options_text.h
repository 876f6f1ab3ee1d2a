/* options_text.h: how options are worded. SPDX-License-Identifier: Apache-2.0 */
#ifndef OPTIONS_TEXT_H
#define OPTIONS_TEXT_H

#include "server/options.h"

enum { OPTION_NAME_BYTES = 64, OPTION_EXPECTS_BYTES = 160 };

/* "--max-batch" */
void option_flag(const struct option *option, char *out, size_t out_bytes);
/* "LSTMD_MAX_BATCH" */
void option_variable(const struct option *option, char *out, size_t out_bytes);
/* What a value may be: "a whole number from 1 to 4096", "on or off", "last or best". */
void option_expects(const struct option *option, char *out, size_t out_bytes);
/* The same in a file: "true or false". */
void option_expects_json(const struct option *option, char *out, size_t out_bytes);
/* The default, as one would type it; NULL: none. */
const char *option_fallback(const struct option *option);
/* What it does, with its choices: "form of the log lines on stderr: logfmt or json". */
void option_sentence(const struct option *option, char *out, size_t out_bytes);

#endif
