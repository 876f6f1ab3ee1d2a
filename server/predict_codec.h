/* predict_codec.h: predict bodies to sequences, and outputs to predict answers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Request forms (docs: clients/README.md):
 *   row     {"instances": [...]}   an instance is [T][D] numbers; flat numbers if the model's steps
 *                                  are fixed or D is 1; or {"input": ..., "initial_state": ...}
 *   column  {"inputs": [B][T][D]} (ragged in T allowed), or {"inputs": {"input": ...,
 *           "sequence_length": [B], "initial_state": ...}}; "time_major": true for [T][B][D]
 *   octets  whole instances of a fixed-shape model, little-endian float32, or bytes times the
 *           model's scale
 *   PNG     a picture of a digit
 * A state is {"c": [U], "h": [U]} for one LSTM, {"h": [U]} for one GRU, a list of those for a
 * stack; in column form each leaf is [B][U]. "signature_name" may be any string; other keys are
 * ignored, as TensorFlow Serving does. */
#ifndef PREDICT_CODEC_H
#define PREDICT_CODEC_H

#include "server/buf.h"

enum predict_form { PREDICT_ROW, PREDICT_COLUMN };

struct predict_limits {
    size_t max_instances; /* of one request */
    size_t max_steps;     /* of one instance */
    bool takes_pieces;    /* an instance may have fewer steps than the model's */
};

/* A decoded request: the sequences' inputs, initial states and outputs lie in `memory`. */
struct predict_call {
    enum predict_form form;
    bool time_major;                 /* inputs came, and outputs go, as [T][B] */
    size_t steps;                    /* T: of the longest input, before sequence_length cuts it */
    struct lstm_sequence *sequences; /* n; owned */
    size_t n;
    void *memory; /* owned */
};

/* Decode: the sequences have inputs, and outputs once predict_call_add_outputs() (predict_call.h)
 * has made them. On failure *call is empty (release is allowed). INVALID: malformed JSON or an
 * unusable body; SHAPE: a wrong shape. The sentence names the path, what was expected and what was
 * found: `instances[2][4]: expected 28 numbers, found 27`. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status predict_decode_json(const struct lstm_model *model,
                                                     const struct predict_limits *limits,
                                                     const char *body, size_t n,
                                                     struct predict_call *call,
                                                     struct lstm_error *error);

enum octet_type { OCTET_FLOAT32, OCTET_UINT8 };
LSTM_MUST_CHECK enum lstm_status
predict_decode_octets(const struct lstm_model *model, const struct predict_limits *limits,
                      const void *body, size_t n, enum octet_type type, struct predict_call *call,
                      struct lstm_error *error);

/* A PNG of a digit, prepared as MNIST's were: one instance of a model of 28x28 inputs, which are
 * bytes times the model's scale. UNSUPPORTED: another model; INVALID: the picture is empty or too
 * large; FORMAT: no PNG, or a damaged one; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
predict_decode_png(const struct lstm_model *model, const struct predict_limits *limits,
                   const void *body, size_t n, struct predict_call *call, struct lstm_error *error);

/* Appends {"predictions":[...]} or {"outputs":[...]}. A sequence output is [T][output_size], cut to
 * each instance's length in row form; in column form, [B][T] or [T][B] of them, it is zero past
 * each length.
 * NON_FINITE: the model's output is NaN or infinite (JSON has no word for it). NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status predict_encode(const struct lstm_model *model,
                                                const struct predict_call *call, struct buf *out,
                                                struct lstm_error *error);

void predict_call_release(struct predict_call *call);

#endif
