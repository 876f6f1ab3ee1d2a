/* session_question.h: one operation of a shared store, asked and answered. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SESSION_QUESTION_H
#define SESSION_QUESTION_H

#include "server/session_script.h"
#include "server/session_shared_internal.h"

/* An operation with its arguments, whose texts and bytes are borrowed. */
struct session_question {
    char key[sizeof "{lstmd}:session:/" + MODEL_NAME_BYTES + SESSION_ID_BYTES];
    struct redis_argument arguments[REDIS_MAX_ARGUMENTS];
    size_t n;
    char numbers[REDIS_MAX_ARGUMENTS][24];
};

/* model and id: "" where the operation has none. */
void session_question_init(struct session_question *question, const struct shared_sessions *store,
                           const char *operation, const char *model, const char *id);
void session_question_add_text(struct session_question *question, const char *text);
void session_question_add_number(struct session_question *question, uint64_t number);
void session_question_add_state(struct session_question *question, const float *state, size_t n);

/* On a lane. What the store answers: OK, UNKNOWN, EXPIRED, EVICTED, EXISTS, FULL, CONTENDED (the
 * record is another by now), UNSURE, DAMAGED; AWAY. *reply is new unless AWAY or UNSURE, then NULL.
 * The metrics follow the answer. */
LSTM_MUST_CHECK enum session_status session_question_ask(struct session_question *question,
                                                         struct shared_sessions *store,
                                                         struct redis_reply **reply);

#endif
