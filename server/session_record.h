/* session_record.h: a session as a shared store keeps it. SPDX-License-Identifier: Apache-2.0
 *
 * What a store answers is as untrusted as a request: somebody may have written to it, or another
 * version of the program. */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include "server/redis.h"
#include "server/sessions.h"

enum { SESSION_TOKEN_BYTES = 17 };

struct session_record {
    uint64_t number, version, weights, steps, generation;
    int64_t begun_ms, used_ms;       /* of the store's clock */
    char token[SESSION_TOKEN_BYTES]; /* of the write that made this generation */
    float *state;                    /* [n_floats], owned; NULL: not read */
    size_t n_floats;
};

/* The format that this machine writes; one of another byte order reads it as damaged. */
extern const char session_record_format[];

/* A token that no other write has. False: the kernel has no random bits. */
bool session_record_make_token(char token[SESSION_TOKEN_BYTES]);

/* The record that begins at element k of an answer. DAMAGED: *field names what is wrong; NO_MEMORY.
 * Then *record is empty, and so it was before. */
LSTM_MUST_CHECK enum session_status session_record_read(const struct redis_reply *reply, size_t k,
                                                        struct session_record *record,
                                                        const char **field);

/* What a list's answer tells of a session at element k, its id first. False: it is damaged. */
enum { SESSION_RECORD_LISTED = 6 };
bool session_record_read_listed(const struct redis_reply *reply, size_t k, const char **id,
                                struct session_record *record);

void session_record_release(struct session_record *record);

#endif
