/* hash.h: FNV-1a, for tables and for telling whether two things are the same.
 * SPDX-License-Identifier: Apache-2.0
 *
 * http://www.isthe.com/chongo/tech/comp/fnv/. Who chooses what is hashed can choose collisions: a
 * table that a client fills begins with a seed of its own instead of HASH_START. */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"

#define HASH_START UINT64_C(14695981039346656037)

/* Goes on with one word, of any width up to 64 bits. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * UINT64_C(1099511628211);
}

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i++)
        hash = hash_word(hash, bytes[i]);
    return hash;
}

/* With its end, so that "ab", "c" is something else than "a", "bc". */
static inline uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = hash_word(hash, (uint8_t)*text);
    return hash_word(hash, 0);
}

/* Of the names of a model's tensors and the bits of their numbers: the same only for the same
 * weights. */
uint64_t hash_weights(const struct lstm_model *model);

/* The same, of its layers, too: the same only where a state means the same. */
uint64_t hash_model(const struct lstm_model *model);

#endif
