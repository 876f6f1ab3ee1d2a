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

/* One cell's part, in the order in which it reads. */
struct cell_tape {
    float *x;          /* [R, D] if it reads backwards; NULL: what the layer reads */
    float *y;          /* [R, H]; a single cell that reads forwards: the layer's */
    float *gates;      /* [R, n_gates * U] */
    float *c_steps;    /* [R, U] */
    float *initial[2]; /* c [B, U] and h [B, H] */
    float *state[2];   /* the same after the last step */
};

/* One layer's part. Recurrent arrays have pack rows R, those of a head one row per sequence. */
struct layer_tape {
    size_t rows;
    float *y;    /* [rows, outputs] */
    float *last; /* recurrent: the final h [B, outputs]; of a single cell its state[1] */
    float *mask; /* dropout: [rows, outputs] */
    struct cell_tape cells[2];
};

struct tape {
    const char *swap_folder; /* borrowed; NULL: in memory */
    float *memory;
    size_t room;   /* floats */
    size_t mapped; /* bytes; 0: memory is allocated */
    struct sequence_key *order;
    size_t *rows_at;
    size_t *places;   /* [2n]: of each sequence its next step, then where its targets begin */
    size_t *reversed; /* [R] if the model reads backwards: each row's in the other order */
    size_t order_room, rows_at_room, places_room, reversed_room;

    /* Of the batch that it was laid out for. */
    size_t n; /* sequences */
    struct pack pack;
    float *x; /* [R, features] */
    struct layer_tape *layers;
    size_t n_targets;                /* n, or R if the model gives sequences */
    float *values;                   /* [n_targets, output_size]: a copy of the outputs, which the
                                        loss may overwrite, if tape_keeps_output() */
    float *targets;                  /* [n_targets, output_size], in order */
    float *weights;                  /* [n_targets] */
    float *gradient[2];              /* widest gradient by a layer's values, in turn */
    float *dstate[2];                /* [n, widest U or H] */
    float *cell_dy, *cell_dx;        /* as `gradient`, by one cell's values, in its order */
    float *history, *second_history; /* [R, widest U or H] */
    float *scratch;                  /* [n, widest U or H] */
    float *transposed;
};

/* Lays the tape out for these sequences: sorts them and places every array. NO_MEMORY, IO. */
LSTM_MUST_CHECK enum lstm_status tape_prepare(struct tape *tape, const struct spec *spec,
                                              const struct lstm_sequence *sequences, size_t n,
                                              struct lstm_error *error);
/* The bytes of the arrays that tape_prepare() would place for sequences of these lengths, if no
 * step is skipped. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status tape_measure(const struct spec *spec,
                                              const struct lstm_sequence *sequences, size_t n,
                                              size_t *bytes, struct lstm_error *error);

/* Whether backward needs the outputs of the last layer as they were. */
bool tape_keeps_output(const struct spec *spec);

/* Gives back what an unusually large batch took. The arrays are gone; the next one is prepared
 * anew. A file is kept. */
void tape_trim(struct tape *tape);
void tape_release(struct tape *tape);

#endif
