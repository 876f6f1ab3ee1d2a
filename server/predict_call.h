/* predict_call.h: what the decoders of predict bodies share: a call's memory, its limits, and the
 * checks that hold for every form. SPDX-License-Identifier: Apache-2.0 */
#ifndef PREDICT_CALL_H
#define PREDICT_CALL_H

#include "server/json.h"
#include "server/predict_codec.h"

/* What a number takes at most in a JSON answer, with its comma: "-1.17549435e-38,". */
enum { PREDICT_NUMBER_BYTES = 16 };

/* Behind predict_call.memory. */
struct predict_memory {
    struct json_body body; /* JSON: inputs lie in its scan */
    float *inputs;         /* octets: the inputs */
    float *states;         /* initial states, [n, state_size]; NULL: none is given */
    float *outputs;
};

/* Gives *call memory and nothing else. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
predict_call_init(struct predict_call *call, enum predict_form form, struct lstm_error *error);
struct predict_memory *predict_call_memory(const struct predict_call *call);

/* Makes n zeroed sequences. path: of the array that holds them. INVALID: none, or too many. */
LSTM_MUST_CHECK enum lstm_status predict_call_add_sequences(struct predict_call *call, size_t n,
                                                            const struct predict_limits *limits,
                                                            const char *path,
                                                            struct lstm_error *error);
/* Makes zeroed initial states for all sequences, once. */
LSTM_MUST_CHECK enum lstm_status predict_call_add_states(struct predict_call *call,
                                                         const struct lstm_model_info *info,
                                                         struct lstm_error *error);
/* Which outputs of a sequence are wanted. */
struct predict_outputs {
    bool output, rnn_output, final_state, state_trace, gates_trace;
    bool is_padded;        /* the answer has T steps of every sequence */
    size_t max_work_bytes; /* of the outputs and the answer together */
};

/* Makes the outputs of all sequences, whose steps are final; once. INVALID: they and their answer
 * could take more than wanted->max_work_bytes: a body of a few bytes a step may ask for thousands
 * of outputs a step. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status predict_call_add_outputs(struct predict_call *call,
                                                          const struct lstm_model_info *info,
                                                          const struct predict_outputs *wanted,
                                                          struct lstm_error *error);

/* The first of n values that is no token id below the vocabulary; n: all are, or inputs are not
 * token ids. */
size_t predict_call_find_bad_token(const struct lstm_model_info *info, const float *values,
                                   size_t n);

#endif
