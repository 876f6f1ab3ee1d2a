/* session_file_internal.h: what a session file is made of, for its writer and its reader.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A mark and the format's number; for each session a head, its id, its model's name and its state;
 * a head of zeros; and a checksum of all that. */
#ifndef SESSION_FILE_INTERNAL_H
#define SESSION_FILE_INTERNAL_H

#include <string.h>

#include "server/hash.h"
#include "server/session_file.h"

/* SESSION_FORMAT_2: heads end before `identity`, so that a session is known by its version alone.
 */
enum { SESSION_FORMAT_2 = 2, SESSION_FORMAT = 3, SESSION_MARK_BYTES = 8 };

static const char session_mark[SESSION_MARK_BYTES] = {'l', 's', 't', 'm', 'd', 's', 'e', 's'};

/* In front of every session; without padding, as it is written. */
struct session_head {
    uint64_t id_bytes, model_bytes; /* without NULs; 0: the end of the sessions */
    uint64_t version, steps, age_us;
    uint64_t is_head, learned; /* whether it runs on what was learned, and in how many steps */
    uint64_t state_size;       /* floats */
    uint64_t identity;         /* of the version, as it was published */
};

/* FNV-1a of words of 8 bytes, the last one filled up with zeros. The shift carries the high bits of
 * a word down, which a product does not. Every step can be undone, so that no change of one word
 * leaves the sum as it was. */
static inline uint64_t session_sum(uint64_t sum, const void *data, size_t n)
{
    const char *bytes = data;
    for (size_t i = 0; i < n; i += sizeof sum) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < sizeof word ? n - i : sizeof word);
        sum = hash_word(sum, word);
        sum ^= sum >> 32;
    }
    return sum;
}

#endif
