/* state_codec.h: what a state request wants besides predict's forms, and its answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers {"outputs": [B][T][H], "state": ..., "trace": ..., "gates": ..., "predictions": ...}, the
 * last three if wanted. outputs are h of the last recurrent layer; U is its units, H too, or of an
 * LSTM with a projection num_proj. A state is {"c": [B][U], "h": [B][H]}, of a GRU {"h": [B][U]};
 * without state_is_tuple [B][U+H], c first, of a GRU [B][U]. A trace is as the state, with [B][T]
 * in place of [B]. Gates are {"i": [B][T][U], "j", "f", "o"}, of a GRU "r", "u", "c". Of a stack,
 * or if layers are named, state, trace and gates are lists with one entry per layer. Past its
 * length a sequence's outputs and gates are zero, and the trace repeats its final state, as
 * dynamic_rnn copies it through. A time-major request gets [T][B] for each [B][T]. */
#ifndef STATE_CODEC_H
#define STATE_CODEC_H

#include "server/predict_call.h"
#include "server/request.h"

struct state_options {
    bool state_is_tuple; /* true */
    bool trace, gates, predictions;
    size_t *layers; /* [n_layers], numbers of recurrent layers; owned; NULL: all of them */
    size_t n_layers;
};

/* From the keys of a JSON body, or the query of a request with another body. On failure *options is
 * empty. INVALID: the key, what was expected and what was found. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status state_options_decode(const struct lstm_model *model,
                                                      const struct json_body *body,
                                                      struct state_options *options,
                                                      struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status state_options_read_query(const struct lstm_model *model,
                                                          const struct request *request,
                                                          struct state_options *options,
                                                          struct lstm_error *error);
void state_options_release(struct state_options *options);

/* What the sequences are to give for these options. */
struct predict_outputs state_options_outputs(const struct state_options *options);

/* Appends the answer. NON_FINITE: a number is NaN or infinite; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status state_encode(const struct lstm_model *model,
                                              const struct predict_call *call,
                                              const struct state_options *options, struct buf *out,
                                              struct lstm_error *error);

#endif
