/* runner.h: what a runner is inside, shared by runner.c, slice*.c and dynamic_rnn.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNNER_H
#define RUNNER_H

#include "core/batch_order.h"

/* Sequences that go through the layers together. Measured: 16 beat 8, 32 and 64 (`make bench`),
 * because the matrix products stay small enough for OpenBLAS's path without packing. */
enum { RUNNER_SLICE = 16 };

/* Of a model that reads backwards a slice holds whole sequences: no more of them than make this
 * many packed rows, but at least one. */
enum { RUNNER_WHOLE_ROWS = 4096 };

/* Memory of such a slice, which grows with the longest sequence that came. */
struct whole {
    size_t max_steps;
    float *values[2]; /* [rows, widest layer], what a layer reads and what it gives, in turn */
    size_t *rows_at;  /* [max_steps]; this and what follows in one block */
    size_t *offsets;  /* [max_steps]: packed rows before each step */
    size_t *times;    /* [rows]: of each packed row, the step in its sequence */
    size_t *reversed; /* [rows]: of each packed row, the row that it is in the other order */
};

struct lstm_runner {
    struct spec *spec; /* of the architecture that the memory below fits */
    size_t max_batch, parallel_iterations;
    struct sequence_key *order; /* [max_batch] */
    size_t *rows_at;            /* [parallel_iterations] */
    size_t *times;              /* [parallel_iterations * slice]: see struct slice */
    float *memory;              /* one block; the pointers below lie in it */
    float *activations[2];      /* [parallel_iterations * slice, widest layer], in turn */
    float *gates;               /* [parallel_iterations * slice, widest gates] */
    float *c_steps;             /* [parallel_iterations * slice, widest layer] */
    float *state;               /* [state_size] blocks of [slice]: c and h of each layer */
    float *scratch;             /* [slice, widest layer] */
    float *pooled;              /* the same, of a model with a pooling layer */
    struct whole whole;         /* of a model that reads backwards */

    /* dynamic_rnn's view of the batch. */
    struct lstm_sequence *sequences; /* [max_batch] */
    float *sequence_states;          /* [max_batch, state_size] */
};

#endif
