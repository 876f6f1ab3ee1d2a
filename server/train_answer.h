/* train_answer.h: what the routes of training share: submitting, refusing, answering.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_ANSWER_H
#define TRAIN_ANSWER_H

#include "server/app.h"

/* False: training is off, and the answer says so. */
bool train_answer_is_on(const struct app *app, struct request *request);

/* HANDLED: the queue is full, or the server is stopping. */
enum handled train_answer_submit(struct app *app, struct request *request, struct train_task *task);

/* For request->finish: notes the times of a task that is done. False: it failed, and the answer
 * says so. */
bool train_answer_check(struct request *request, const struct train_task *task);

/* Appends {"step": ..., "loss": ..., "accuracy": ..., "gradient_norm": ..., "examples": ...}: the
 * accuracy where classes are learned, the norm where a step was applied. */
void train_answer_result(struct buf *out, const struct train_task *task,
                         const struct lstm_model_info *info);

/* Appends {"step": ..., ...}, as GET .../training tells it. */
void train_answer_report(struct buf *out, const struct train_task *task, bool is_durable);

#endif
