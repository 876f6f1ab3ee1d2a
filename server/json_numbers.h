/* json_numbers.h: runs of floats as JSON arrays. SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_NUMBERS_H
#define JSON_NUMBERS_H

#include "server/buf.h"

/* Appends "[1.0,0.25]", each number as the shortest decimal that reads back to the same float32.
 * Returns the index of the first value that is not finite, for which JSON has no word: nothing is
 * appended then. n: all are, or the buffer failed. */
size_t json_append_numbers(struct buf *out, const float *values, size_t n);

/* Appends as many zeros: "[0.0,0.0]". */
void json_append_zeros(struct buf *out, size_t n);

#endif
