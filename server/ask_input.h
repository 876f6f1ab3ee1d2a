/* ask_input.h: the file that `lstmd predict` and `lstmd state` send.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_INPUT_H
#define ASK_INPUT_H

#include "server/buf.h"

struct ask_input {
    struct buf file;          /* owned */
    const char *content_type; /* "image/png" or "application/json" */
};

/* Reads a file, or standard input for "-". On failure, too, *input is to be released. IO: why not;
 * FORMAT: neither PNG nor JSON; INVALID: too long. */
LSTM_MUST_CHECK enum lstm_status ask_input_read(const char *path, struct ask_input *input,
                                                struct lstm_error *error);
void ask_input_release(struct ask_input *input);

/* The first digit in it as the model sees it, 0 to 1. False: there is none to show. */
bool ask_input_digit(const struct ask_input *input, float digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE]);

#endif
