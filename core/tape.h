/* tape.h: the memory of one training step: what forward leaves and backward needs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It grows with the batch: about 7 * U floats per time step of an LSTM layer. With swap_memory it
 * lies in a mapped temporary file, which the kernel may write out, so that sequences larger than
 * memory train. */
#ifndef TAPE_H
#define TAPE_H

#include "core/batch_order.h"
#include "core/layer.h"

/* One layer's part. Recurrent arrays have pack rows R, those of a head one row per sequence. */
struct layer_tape {
    size_t rows;
    float *y;          /* [rows, H] */
    float *gates;      /* [R, n_gates * U] */
    float *c_steps;    /* [R, U] */
    float *initial[2]; /* c [B, U] and h [B, H] */
    float *state[2];   /* the same after the last step */
    float *mask;       /* dropout: [rows, H] */
};

struct tape {
    const char *swap_folder; /* borrowed; NULL: in memory */
    float *memory;
    size_t room;   /* floats */
    size_t mapped; /* bytes; 0: memory is allocated */
    struct sequence_key *order;
    size_t *rows_at;
    size_t order_room, rows_at_room;

    /* Of the batch that it was laid out for. */
    size_t n; /* sequences */
    struct pack pack;
    float *x; /* [R, features] */
    struct layer_tape *layers;
    float *targets;                  /* [n, output_size], in order */
    float *weights;                  /* [n] */
    float *gradient[2];              /* widest gradient by a layer's values, in turn */
    float *dstate[2];                /* [n, widest U or H] */
    float *history, *second_history; /* [R, widest U or H] */
    float *scratch;                  /* [n, widest U or H] */
    float *transposed;
};

/* Lays the tape out for these sequences: sorts them and places every array. NO_MEMORY, IO. */
LSTM_MUST_CHECK enum lstm_status tape_prepare(struct tape *tape, const struct spec *spec,
                                              const struct lstm_sequence *sequences, size_t n,
                                              struct lstm_error *error);
void tape_release(struct tape *tape);

#endif
