/* lstmd_client.h: client of lstmd, an inference server for LSTMs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Add lstmd_client.c to your program and link libcurl (7.80 or newer) and jansson. Answers are
 * jansson's values: json_decref() what you get; lstmd_read_floats() takes the numbers out.
 *
 * Threads. A client, and the sessions made from it, belong to one thread at a time; any number of
 * threads may have a client each. Call curl_global_init() before threads start, as libcurl wants.
 *
 * Retries. A request that the server itself refused (503 with Retry-After), or whose connection
 * could not be made, was not applied and is tried again; so is one that changes nothing when its
 * connection breaks.
 *
 * Errors. What can fail returns NULL, and lstmd_client_error() tells why: the HTTP status of an
 * answer that is an error and the server's sentence, or a negative status if there was no answer.
 *
 * model is "mnist" for the newest version and what it has learned, "mnist/versions/1" or
 * "mnist/labels/stable" for one version. "new": the caller owns it. Texts are UTF-8, and copied.
 */
#ifndef LSTMD_CLIENT_H
#define LSTMD_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Other HTTP statuses come as they are. */
enum lstmd_status {
    LSTMD_NO_MEMORY = -4,
    LSTMD_INVALID_ARGUMENT = -3,  /* of this call: no input, no UTF-8; nothing was sent */
    LSTMD_TIMED_OUT = -2,         /* no answer within the client's timeout */
    LSTMD_CONNECTION_FAILED = -1, /* no connection, or it broke: a train-step may be applied */
    LSTMD_OK = 0,
    LSTMD_BAD_REQUEST = 400,
    LSTMD_UNAUTHORIZED = 401,
    LSTMD_FORBIDDEN = 403,
    LSTMD_NOT_FOUND = 404,
    LSTMD_METHOD_NOT_ALLOWED = 405,
    LSTMD_RECEIVE_TIMEOUT = 408,
    LSTMD_CONFLICT = 409,
    LSTMD_LENGTH_REQUIRED = 411,
    LSTMD_BODY_TOO_LARGE = 413,
    LSTMD_UNSUPPORTED_MEDIA_TYPE = 415,
    LSTMD_TOO_MANY_REQUESTS = 429,
    LSTMD_HEADER_TOO_LARGE = 431,
    LSTMD_SERVER_ERROR = 500,
    LSTMD_UNAVAILABLE = 503,     /* queue full, starting, stopping: not applied */
    LSTMD_DEADLINE_PASSED = 504, /* not applied */
    LSTMD_NO_SPACE = 507         /* not applied */
};

struct lstmd_error {
    enum lstmd_status status;
    int retry_after_seconds; /* -1: the server did not say */
    char request_id[80];     /* X-Request-Id, by which the server's log has it; "": none */
    char text[512];          /* the server's sentence, or what became of the connection */
};

/* NULL and 0 stand for the defaults. */
struct lstmd_config {
    const char *url;        /* http://127.0.0.1:8501 */
    const char *api_key;    /* none */
    const char *ca_file;    /* certificates in PEM to trust instead of the system's */
    double timeout_seconds; /* 30; for a request, its retries and their waits in all */
    int retries;            /* 4; -1: none */
};

struct lstmd_client;

/* A new client. config: NULL for the defaults. NULL: INVALID_ARGUMENT or NO_MEMORY, told in *error,
 * which may be NULL. */
struct lstmd_client *lstmd_client_create(const struct lstmd_config *config,
                                         struct lstmd_error *error);
void lstmd_client_destroy(struct lstmd_client *client);

/* Of the last call with this client or a session of it; status LSTMD_OK: it went well. Borrowed,
 * until the next call. */
const struct lstmd_error *lstmd_client_error(const struct lstmd_client *client);

/* ---- What a request carries --------------------------------------------------------------- */

/* Instances in one of these forms, borrowed for the call. Bytes and pictures are scaled as the
 * model says; raw numbers are for models with fixed steps, one or more whole instances in a row. */
enum lstmd_form {
    LSTMD_JSON,   /* json: an array of instances, or an object: a whole body */
    LSTMD_FLOATS, /* data: n float32 */
    LSTMD_BYTES,  /* data: n bytes */
    LSTMD_PNG     /* data: a PNG of n bytes */
};
struct lstmd_input {
    enum lstmd_form form;
    json_t *json;
    const void *data;
    size_t n;
};

/* Copies the numbers of an array, arrays within it included, into values[0..n) in order. Returns
 * how many it holds; only the first n are copied. */
size_t lstmd_read_floats(const json_t *array, float *values, size_t n);

/* An array of n numbers, new; NULL: no memory, or one is not finite. */
json_t *lstmd_make_floats(const float *values, size_t n);

/* What :state and a session's state are asked for beyond the outputs and the final states. */
struct lstmd_state_options {
    bool trace, gates, predictions;
    bool state_is_array;  /* the wire's "state_is_tuple": false */
    const size_t *layers; /* which recurrent layers; NULL: all */
    size_t n_layers;
};

/* What training is told; labels: an array with a class number or a row of numbers per instance,
 * sample_weight: an array of numbers or NULL, learning_rate: 0 for the model's. Borrowed. */
struct lstmd_examples {
    struct lstmd_input input;
    json_t *labels;
    json_t *sample_weight;
    double learning_rate;
};

/* ---- Calls: each returns a new answer, or NULL -------------------------------------------- */

/* The predictions: [B][outputs]. */
json_t *lstmd_client_predict(struct lstmd_client *client, const char *model,
                             const struct lstmd_input *input);
/* {"outputs", "state", ...}. options: NULL for none. */
json_t *lstmd_client_state(struct lstmd_client *client, const char *model,
                           const struct lstmd_input *input,
                           const struct lstmd_state_options *options);
/* One optimizer step: {"step", "loss", "accuracy", "gradient_norm", "examples"}. */
json_t *lstmd_client_train_step(struct lstmd_client *client, const char *model,
                                const struct lstmd_examples *examples);
/* Loss and accuracy as a train-step tells them; nothing is learned. */
json_t *lstmd_client_evaluate(struct lstmd_client *client, const char *model,
                              const struct lstmd_examples *examples);
/* Writes what was learned as the next version: {"version": "2"}. */
json_t *lstmd_client_publish(struct lstmd_client *client, const char *model);
/* Forgets what was learned since the newest version; answers as lstmd_client_training() does. */
json_t *lstmd_client_reset(struct lstmd_client *client, const char *model);
/* {"base_version", "step", "unpublished_steps", "durable", "settings", "losses"} */
json_t *lstmd_client_training(struct lstmd_client *client, const char *model);
/* Changes settings; those below 0 stay as they are. */
json_t *lstmd_client_set_training(struct lstmd_client *client, const char *model,
                                  double learning_rate, double clip_norm);

/* {"models": [...]} */
json_t *lstmd_client_models(struct lstmd_client *client);
/* {"model_version_status": [...]} */
json_t *lstmd_client_model(struct lstmd_client *client, const char *model);
/* What the model takes and gives, as TensorFlow Serving tells it. */
json_t *lstmd_client_metadata(struct lstmd_client *client, const char *model);
/* Looks for new versions now, also after an unload; answers as lstmd_client_model() does. */
json_t *lstmd_client_load(struct lstmd_client *client, const char *model);
json_t *lstmd_client_unload(struct lstmd_client *client, const char *model);
/* Asks once; false where there is no answer. */
void lstmd_client_health(struct lstmd_client *client, bool *live, bool *ready);
/* The metrics in the Prometheus text format, as one JSON string. */
json_t *lstmd_client_metrics(struct lstmd_client *client);
/* {"sessions": [...], "next": ...}, oldest first; after: the "next" of the last list, 0 at first.
 */
json_t *lstmd_client_sessions(struct lstmd_client *client, const char *model, unsigned limit,
                              unsigned long long after);

/* ---- Sessions ----------------------------------------------------------------------------- */

/* A sequence that arrives in pieces. It lives in the server; this is its name, to be destroyed
 * before its client. After a CONNECTION_FAILED, lstmd_session_info() tells how many steps were
 * applied. */
struct lstmd_session;

/* Begins a session; new. id: NULL for one that the server makes up; initial_state: NULL for zeros;
 * borrowed. */
struct lstmd_session *lstmd_client_session(struct lstmd_client *client, const char *model,
                                           const char *id, json_t *initial_state);
/* One that lives already; new. NOT_FOUND: it does not. */
struct lstmd_session *lstmd_client_open_session(struct lstmd_client *client, const char *model,
                                                const char *id);
/* Forgets the name; the session lives on until lstmd_session_delete() or its time is over. */
void lstmd_session_destroy(struct lstmd_session *session);

/* Its id, borrowed. */
const char *lstmd_session_id(const struct lstmd_session *session);

/* The next piece, one instance and maybe shorter; what the model makes of all so far. */
json_t *lstmd_session_predict(struct lstmd_session *session, const struct lstmd_input *piece);
/* The next piece and the states that it goes through, as lstmd_client_state() gives them. */
json_t *lstmd_session_state(struct lstmd_session *session, const struct lstmd_input *piece,
                            const struct lstmd_state_options *options);
/* {"state", "steps", "version"} */
json_t *lstmd_session_get_state(struct lstmd_session *session);
/* Takes what lstmd_session_get_state() gave, or {"state": ..., "steps": ...}; borrowed. */
json_t *lstmd_session_set_state(struct lstmd_session *session, json_t *state);
/* Another session that begins with the same state; new. id: NULL for one that is made up. */
struct lstmd_session *lstmd_session_fork(struct lstmd_session *session, const char *id);
/* Goes on with another version, "2", whose states have the same shape. */
json_t *lstmd_session_move(struct lstmd_session *session, const char *version);
json_t *lstmd_session_info(struct lstmd_session *session);
/* Ends it; what it was. */
json_t *lstmd_session_delete(struct lstmd_session *session);

#ifdef __cplusplus
}
#endif
#endif
