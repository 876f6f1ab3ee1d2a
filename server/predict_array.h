/* predict_array.h: what the sequences of a call gave, as JSON arrays.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PREDICT_ARRAY_H
#define PREDICT_ARRAY_H

#include "server/predict_codec.h"

/* A kind of rows; which of them a sequence has, and what stands past its length. */
enum predict_rows {
    PREDICT_OUTPUTS,      /* one; one a step and then zeros if the model's output is a sequence */
    PREDICT_RNN_OUTPUTS,  /* one a step, then zeros */
    PREDICT_FINAL_STATES, /* one */
    PREDICT_STATE_TRACES, /* one a step, then the final state again, as dynamic_rnn copies it */
    PREDICT_GATES_TRACES  /* one a step, then zeros */
};

/* Numbers offset .. offset + width - 1 of each row. */
struct predict_array {
    enum predict_rows rows;
    size_t offset, width;
};

/* Appends [B] of them, or if a sequence has one a step, [B][T], or [T][B] if the call is
 * time-major, T being its steps. NON_FINITE: a number is NaN or infinite; which. A buffer that
 * fails is the caller's to see. */
LSTM_MUST_CHECK enum lstm_status predict_array_append(const struct lstm_model_info *info,
                                                      const struct predict_call *call,
                                                      const struct predict_array *array,
                                                      struct buf *out, struct lstm_error *error);

/* Appends sequence i's part of it, cut to its length. */
LSTM_MUST_CHECK enum lstm_status predict_array_append_cut(const struct lstm_model_info *info,
                                                          const struct predict_call *call,
                                                          const struct predict_array *array,
                                                          size_t i, struct buf *out,
                                                          struct lstm_error *error);

/* Closes the object of an answer of arrays. NO_MEMORY: not all of it fitted into the buffer. */
LSTM_MUST_CHECK enum lstm_status predict_array_end(struct buf *out, struct lstm_error *error);

#endif
