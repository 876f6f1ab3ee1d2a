/* session_question.c: arguments of the store's script, and its statuses. SPDX-License-Identifier:
 * Apache-2.0 */
#include "server/session_question.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void session_question_add_text(struct session_question *question, const char *text)
{
    question->arguments[question->n++] = (struct redis_argument){text, strlen(text)};
}

void session_question_add_number(struct session_question *question, uint64_t number)
{
    char *text = question->numbers[question->n];
    snprintf(text, sizeof question->numbers[0], "%" PRIu64, number);
    session_question_add_text(question, text);
}

void session_question_add_state(struct session_question *question, const float *state, size_t n)
{
    question->arguments[question->n++] = (struct redis_argument){state, n * sizeof *state};
}

void session_question_init(struct session_question *question, const struct shared_sessions *store,
                           const char *operation, const char *model, const char *id)
{
    question->n = 0;
    snprintf(question->key, sizeof question->key, "{lstmd}:session:%.127s/%.64s", model, id);
    session_question_add_text(question, operation);
    session_question_add_text(question, model);
    session_question_add_text(question, id);
    session_question_add_text(question, "0"); /* SCRIPT_RESENT: the lane's */
    session_question_add_number(question, (uint64_t)(store->options.ttl_us / 1000));
}

static const struct {
    const char *name;
    enum session_status status;
} statuses[] = {{"ok", SESSION_OK},           {"unknown", SESSION_UNKNOWN},
                {"expired", SESSION_EXPIRED}, {"evicted", SESSION_EVICTED},
                {"exists", SESSION_EXISTS},   {"full", SESSION_FULL},
                {"unsure", SESSION_UNSURE},   {"conflict", SESSION_CONTENDED}};

/* An answer that is none of the script's is damaged, too. */
static enum session_status read_status(const struct redis_reply *reply)
{
    size_t n;
    const char *name = redis_reply_text(reply, SCRIPT_STATUS, &n);
    for (size_t i = 0; name != NULL && i < sizeof statuses / sizeof *statuses; i++)
        if (strcmp(statuses[i].name, name) == 0)
            return statuses[i].status;
    return SESSION_DAMAGED;
}

static void count(const struct shared_sessions *store, const struct redis_reply *reply)
{
    int64_t live, expired, evicted;
    if (!redis_reply_integer(reply, SCRIPT_LIVE, &live) ||
        !redis_reply_integer(reply, SCRIPT_EXPIRED, &expired) ||
        !redis_reply_integer(reply, SCRIPT_EVICTED, &evicted) || expired < 0 || evicted < 0)
        return;
    metric_set(store->live, (double)live);
    metric_add(store->expired, (double)expired);
    metric_add(store->evicted, (double)evicted);
}

enum session_status session_question_ask(struct session_question *question,
                                         struct shared_sessions *store, struct redis_reply **reply)
{
    enum session_status status =
        session_lane_ask(session_lane_current(), question->key, question->arguments, question->n,
                         SCRIPT_RESENT, reply);
    if (status != SESSION_OK)
        return status;
    count(store, *reply);
    status = read_status(*reply);
    if (status == SESSION_UNSURE) {
        redis_reply_release(*reply);
        *reply = NULL;
    }
    return status;
}
