/* batch_order.h: the order in which the sequences of a batch run, longest first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BATCH_ORDER_H
#define BATCH_ORDER_H

#include "core/spec.h"

/* A sequence's length, without the steps that are skipped, and its place in the caller's array. */
struct sequence_key {
    size_t steps, index;
};

/* Fills order [n] and sorts it: longest first, equal ones by place. Allocates nothing. */
void batch_order(const struct spec *spec, const struct lstm_sequence *sequences, size_t n,
                 struct sequence_key *order);

/* Whether the model's first layer says to skip step t: a masking layer's value, an embedding's
 * token 0. Such a step is in no packed row. */
bool batch_skips(const struct spec *spec, const struct lstm_sequence *sequence, size_t t);

/* Whether every token id of the sequences is a whole number below the vocabulary; true for models
 * that take numbers. INVALID: which one is not. */
LSTM_MUST_CHECK enum lstm_status batch_check_tokens(const struct spec *spec,
                                                    const struct lstm_sequence *sequences, size_t n,
                                                    struct lstm_error *error);

#endif
