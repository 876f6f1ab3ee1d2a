/* tensor_scan.h: lifts the numeric arrays out of a JSON text, so that jansson sees only the rest.
 * SPDX-License-Identifier: Apache-2.0
 *
 * jansson alone reads 28 MB/s of numbers; a predict body is almost all numbers. tensor_scan() goes
 * through a body once. Every outermost array made only of numbers, or of such arrays (also the
 * empty array), becomes a tensor: its numbers go to one float array, its lengths to another, and
 * the rest text gets "[k]" in its place, k being the tensor's number. As every numeric array is
 * lifted, an array in the rest whose first element is a number is always such a reference.
 * Numbers elsewhere, strings, and all else are copied; whether the rest is JSON is jansson's to
 * say. Within a numeric array the scanner accepts and refuses exactly the numbers of RFC 8259, and
 * a number reads as (float)strtod() reads it. */
#ifndef TENSOR_SCAN_H
#define TENSOR_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "server/buf.h"

enum { TENSOR_MAX_RANK = 4, SCAN_MAX_DEPTH = 32 };

/* Most bytes of rest text. A JSON value takes a hundred times the bytes of its text, which is no
 * matter for the numbers, as they are lifted. */
enum { SCAN_MAX_REST = 1 << 20 };

/* A nested array of uniform depth, perhaps ragged. lengths[0] is its own number of elements; then,
 * level by level in text order, the lengths of the arrays within: for [[1,2],[3]]: 2, 2, 1. All are
 * slices of the scan's arrays. */
struct scanned_tensor {
    size_t rank;         /* 1 .. TENSOR_MAX_RANK */
    const float *values; /* n_values of them, in text order */
    size_t n_values;
    const uint32_t *lengths[TENSOR_MAX_RANK]; /* per level; level 0 has one entry */
    size_t n_lengths[TENSOR_MAX_RANK];
};

/* Most arrays and objects, an array of numbers with all in it counting as one: a list or an object
 * takes up to 256 bytes, of which the rest's size says nothing: {}. */
enum { SCAN_MAX_CONTAINERS = 1 << 17 };

struct tensor_scan {
    struct buf rest;
    struct scanned_tensor *tensors;
    size_t n_tensors;
    struct tensor_arena *arena; /* private: the tensors' memory */
};

/* Scans text (n bytes; hostile). On failure *scan is empty and error says where:
 * `instances[3][5]: expected a number, found a string (byte 412)`. INVALID: malformed number,
 * mixed depth, a number beyond float32, nested deeper than SCAN_MAX_DEPTH, text that ends early,
 * more rest than SCAN_MAX_REST or arrays and objects than SCAN_MAX_CONTAINERS. NO_MEMORY. What it
 * allocates is at most a small multiple of n. */
LSTM_MUST_CHECK enum lstm_status tensor_scan(const char *text, size_t n, struct tensor_scan *scan,
                                             struct lstm_error *error);
void tensor_scan_release(struct tensor_scan *scan);

#endif
