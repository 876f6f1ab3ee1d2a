/* predict_shape.h: finds the sequences in a tensor of inputs. SPDX-License-Identifier: Apache-2.0
 *
 * An instance is [T][D]; [T] if D is 1; or flat, [T * D], if the model's steps are fixed. Each of
 * these sets input, steps and, where needed, step_stride. The input is the tensor's memory. path:
 * of the tensor, for messages. SHAPE: an instance is not one of the model's; INVALID: too many
 * steps, or a value that is no token id. */
#ifndef PREDICT_SHAPE_H
#define PREDICT_SHAPE_H

#include "server/predict_codec.h"
#include "server/tensor_scan.h"

/* The tensor is one instance. */
LSTM_MUST_CHECK enum lstm_status
predict_shape_single(const struct lstm_model_info *info, const struct predict_limits *limits,
                     const struct scanned_tensor *tensor, const char *path,
                     struct lstm_sequence *sequence, struct lstm_error *error);

/* The tensor is an array of lengths[0][0] instances, perhaps of different lengths. */
LSTM_MUST_CHECK enum lstm_status
predict_shape_batch(const struct lstm_model_info *info, const struct predict_limits *limits,
                    const struct scanned_tensor *tensor, const char *path,
                    struct lstm_sequence *sequences, struct lstm_error *error);

/* The tensor is [T][n][D], or [T][n] if D is 1; n > 0. */
LSTM_MUST_CHECK enum lstm_status
predict_shape_time_major(const struct lstm_model_info *info, const struct predict_limits *limits,
                         const struct scanned_tensor *tensor, const char *path,
                         struct lstm_sequence *sequences, size_t n, struct lstm_error *error);

#endif
