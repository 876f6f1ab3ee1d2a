/* train_body.h: what a train-step's body has besides predict's. SPDX-License-Identifier: Apache-2.0
 *
 * "labels" is, for the softmax losses, a class number per instance, or a row of probabilities
 * (one-hot, too); for the squared error a row of output_size numbers, or a number if that is 1.
 * If the model gives sequences, "labels" is a list of those per instance, one for each time step.
 * "sample_weight" is a number per instance, "learning_rate" one number; both may be missing. */
#ifndef TRAIN_BODY_H
#define TRAIN_BODY_H

#include "server/json.h"
#include "server/request.h"

struct train_body {
    float *targets;       /* [n, output_size], or of every time step; owned */
    float *weights;       /* [n]; owned; NULL: all count the same */
    double learning_rate; /* 0: that of the settings */
};

/* Reads it for n instances, whose lengths are those of `sequences`. On failure *body is empty
 * (release is allowed). INVALID, SHAPE: the path, what was expected, what was found. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status train_body_decode(const struct lstm_model *model,
                                                   const struct json_body *json,
                                                   const struct lstm_sequence *sequences, size_t n,
                                                   struct train_body *body,
                                                   struct lstm_error *error);

/* The same from the query of a request with a body of raw bytes: ?labels=3,1&learning_rate=0.01. */
LSTM_MUST_CHECK enum lstm_status train_body_read_query(const struct lstm_model *model,
                                                       const struct request *request,
                                                       const struct lstm_sequence *sequences,
                                                       size_t n, struct train_body *body,
                                                       struct lstm_error *error);
void train_body_release(struct train_body *body);

/* A number of a body, which must be within the bounds; *number stays as it is if there is none. */
LSTM_MUST_CHECK enum lstm_status train_body_number(const struct json_t *root, const char *key,
                                                   bool takes_zero, double *number,
                                                   struct lstm_error *error);

#endif
