/* state_fixture.h: a daemon with an LSTM, a GRU, a stack and a projection, batches of sequences for
 * them, and the bodies that ask for their states. SPDX-License-Identifier: Apache-2.0 */
#ifndef STATE_FIXTURE_H
#define STATE_FIXTURE_H

#include <jansson.h>

#include "tests/support/batch.h"
#include "tests/support/client.h"

enum { STATE_LSTM, STATE_GRU, STATE_STACK, STATE_PROJECTION, N_STATE_NETWORKS };
enum state_form { STATE_ROW, STATE_COLUMN, STATE_TIME_MAJOR, N_STATE_FORMS };

/* STATE_PADDED: the steps of inputs in column form, more than any sequence has. STATE_UNITS: of the
 * LSTM and of the GRU. */
enum { STATE_BATCH = 3, STATE_LONGEST = 4, STATE_PADDED = 5, STATE_FEATURES = 2, STATE_UNITS = 3 };

extern const char *const state_names[N_STATE_NETWORKS]; /* "lstm", "gru", ... */
extern const size_t state_lengths[STATE_BATCH];         /* STATE_LONGEST, 1, 0 */

/* The served models, and batches of sequences from initial states with all that the library gives
 * for them. A model "fixed" (model_store.h) is there, too. */
extern struct lstm_model *state_models[N_STATE_NETWORKS];
extern struct batch state_batches[N_STATE_NETWORKS];

void state_fixture_start(void);
void state_fixture_stop(void);

/* Sends a request. The answer is new. Aborts the test if it is not a 200 with JSON. */
json_t *state_ask(const struct client_request *request);

/* Posts a body, which it takes. */
json_t *state_ask_json(const char *path, json_t *body);

/* Sends a request that may fail. The answer is to be released. */
void state_try(const struct client_request *request, struct client_answer *answer);

/* The body of a request for a network's batch. new. */
json_t *state_body(size_t network, enum state_form form);

#endif
