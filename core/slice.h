/* slice.h: some sequences of a batch on their way through a model.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A slice runs through all layers parallel_iterations time steps at a time, so the memory needed
 * does not depend on the number of steps, and stays in the cache. Where the model reads backwards,
 * each layer reads the whole sequences before the next one begins; its gates are still computed so
 * many steps at a time. */
#ifndef SLICE_H
#define SLICE_H

#include "core/model.h"
#include "core/runner.h"

/* The runner's sequences that go together, and the time steps that run now. */
struct slice {
    struct lstm_runner *runner;
    const struct lstm_model *model;
    const struct lstm_sequence *sequences;
    const struct sequence_key *order; /* of its n sequences, longest first */
    size_t n;
    size_t first_step;
    struct pack pack;
    const size_t *times;       /* [pack.rows]: each row's step in its sequence; NULL: no step is
                                  skipped, and those of the pack begin at first_step */
    size_t next[RUNNER_SLICE]; /* each sequence's next step, where steps are skipped */
    bool wants_rnn_output, wants_state_trace, wants_gates_trace;
};

/* Runs the slice, from the callers' inputs to their outputs. */
void slice_run(struct slice *slice);

/* ---- slice_layers.c ---- */

/* Layers from .. to (not included), one after the other, on the rows of slice->pack; x lies in one
 * of `buffers`, or in neither. Returns where the values are then: in x or one of the buffers. */
float *slice_run_layers(const struct slice *slice, size_t from, size_t to, float *x,
                        float *const buffers[2]);

/* The layers behind the last time step: a row per sequence. */
void slice_run_head(struct slice *slice);

/* ---- slice_whole.c: a model that reads backwards ---- */

void slice_run_whole(struct slice *slice);

/* ---- slice_skipped.c ---- */

/* Gives the steps that were skipped what Keras gives them: see lstm_runner_run(). */
void slice_fill_skipped(const struct slice *slice);

/* ---- slice_move.c: between the callers' arrays and the slice ---- */

const struct lstm_sequence *slice_row(const struct slice *slice, size_t r);

/* c (which = 0) [slice, U] or h (which = 1) [slice, H] of a cell. */
float *slice_state(const struct slice *slice, const struct layer *cell, size_t which);

/* Fills the blocks with the sequences' initial states; writes the final states from them. */
void slice_load_states(const struct slice *slice);
void slice_store_states(const struct slice *slice);

/* Fills times [pack.rows] for the steps of the pack, which follow those of the call before. */
void slice_find_times(struct slice *slice, size_t *times);

/* The inputs of the pack's rows, to x [pack.rows, features]. */
void slice_gather_inputs(const struct slice *slice, float *x);

/* Packed values to where the sequences want them, if they do: the output of the model, the h of
 * the last recurrent layer, and what a cell's steps left (its h being y). */
void slice_scatter_output(const struct slice *slice, const float *output);
void slice_scatter_rnn_output(const struct slice *slice, const float *values);
void slice_scatter_traces(const struct slice *slice, const struct layer *cell, const float *y);

#endif
