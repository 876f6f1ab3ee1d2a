/* inference.h: a request that runs sequences through a model: decoded, queued, and when its batch
 * has run, encoded. SPDX-License-Identifier: Apache-2.0
 *
 * What predict and its relatives share. They differ in what they want of the sequences and in how
 * they write it down: struct inference_kind. inference_handle() is all that a plain route needs;
 * who does something between its steps calls these one by one. A step that fails has answered the
 * request, and the handler returns HANDLED. */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "server/app.h"
#include "server/request.h"

struct inference;

struct inference_kind {
    size_t bytes; /* of the kind's struct, whose first member is its struct inference */
    /* When the sequences are decoded: reads the request's other arguments, makes the outputs. */
    enum lstm_status (*prepare)(struct inference *inference, const struct request *request,
                                struct lstm_error *error);
    /* Appends the answer. */
    enum lstm_status (*encode)(const struct inference *inference, struct buf *out,
                               struct lstm_error *error);
    void (*release)(struct inference *inference); /* what the kind added; NULL: nothing */
};

/* It is request->work, which frees it. */
struct inference {
    const struct inference_kind *kind;
    const struct served_version *version; /* a reference; NULL until it is found */
    bool takes_pieces;                    /* instances may be shorter than the model's steps */
    size_t max_work_bytes;                /* that computing it and its answer may take */
    struct predict_call call;
    struct batch_job job;
    void *attached; /* freed by detach(), unless that is NULL, before the rest */
    void (*detach)(void *attached);
};

/* What predict and state want (api_predict.c, api_state.c). */
extern const struct inference_kind inference_predict, inference_state;

/* The model whose shapes the request has; the weights may be newer. */
const struct lstm_model *inference_model(const struct inference *inference);

/* Makes the kind's struct, zeroed. NULL: the content type is none of predict's, or no memory. */
struct inference *inference_begin(struct request *request, const struct inference_kind *kind);

/* Finds the version that the path names. False: there is none. */
bool inference_find_version(struct app *app, struct request *request, struct inference *inference);

/* Reads the body for inference->version, and prepares. False: it cannot be read. */
bool inference_decode(struct app *app, struct request *request, struct inference *inference);

/* Queues the job. HANDLED: the queue is full, or the server is stopping. */
enum handled inference_submit(struct request *request, struct inference *inference);

/* For request->finish: answers with what inference->job, which is done, has given. */
void inference_finish(struct app *app, struct request *request);

/* All of the steps. */
enum handled inference_handle(struct app *app, struct request *request,
                              const struct inference_kind *kind);

#endif
