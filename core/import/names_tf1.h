/* names_tf1.h: the parts of recognising TensorFlow 1's variables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cells (names_tf1_cells.c) are known by their names and shapes; dense layers and embeddings
 * (names_tf1_dense.c) are the matrices that are left. Either --layers or what chains says in which
 * order they run (names_tf1_order.c); names_tf1.c makes layers of them. */
#ifndef NAMES_TF1_H
#define NAMES_TF1_H

#include "core/import/import.h"

enum { TF1_MAX_CELLS = 2 * IMPORT_MAX_LAYERS };

/* A recurrent cell: the variables below one scope. */
struct tf1_cell {
    char scope[NAME_MAX_BYTES]; /* "rnn/basic_lstm_cell" */
    enum import_kind kind;
    bool is_guess;          /* its name is none of TensorFlow's: a dense layer may look like it */
    bool has_cudnn_meaning; /* its forget bias is in its bias; a GRU resets after the product */
    const struct import_array *kernel, *bias;                     /* of a GRU, of its gates */
    const struct import_array *candidate_kernel, *candidate_bias; /* GRU */
    const struct import_array *candidate_hidden, *candidate_hidden_bias; /* cuDNN's GRU */
    const struct import_array *peephole[IMPORT_MAX_GATES], *projection;
};

/* A dense layer or an embedding, which may have any name. */
struct tf1_matrix {
    char name[NAME_MAX_BYTES]; /* its scope, or its kernel's name if that is no usual one */
    const struct import_array *kernel, *bias; /* NULL: no bias */
};

/* What runs as one layer. */
struct tf1_step {
    const struct tf1_cell *forward, *backward; /* backward NULL: one direction */
    const struct tf1_matrix *matrix;           /* instead of a cell */
    bool is_embedding;
};

struct tf1_network {
    struct import_source *source;
    const struct lstm_import_options *options;
    struct lstm_error *error;
    bool *is_owned; /* of each array of the source: it is part of something, or no weight */
    size_t n_cells, n_matrices, n_steps;
    struct tf1_cell cells[TF1_MAX_CELLS];          /* by scope, numbers in it as numbers */
    struct tf1_matrix matrices[IMPORT_MAX_LAYERS]; /* in the order in which they are tried */
    struct tf1_step steps[IMPORT_MAX_LAYERS];      /* in the order in which they run */
};

/* ---- Names (names_tf1_names.c) -------------------------------------------------------------- */

/* As strcmp(), but runs of digits compare as numbers. */
int tf1_compare_names(const char *a, const char *b);

/* "c" of "a/b/c". */
const char *tf1_last_part(const char *name);

/* Whether a name has one of these words, whatever their case: "out" is one of "dense_out/kernel",
 * and not of "layout". A word that ends in '*' may go on. The table ends with NULL. */
bool tf1_has_word(const char *name, const char *const *words);

/* Whether a variable is no weight, but an optimizer's or an average's copy of one, or counts. */
bool tf1_is_bookkeeping(const struct import_source *source, const struct import_array *array);

/* Whether a variable may be part of a layer: in the scope that was asked for, a weight, and part of
 * nothing yet. */
bool tf1_is_free(const struct tf1_network *network, const struct import_array *array);

void tf1_own(struct tf1_network *network, const struct import_array *array); /* NULL: nothing */

/* ---- Cells (names_tf1_cells.c) -------------------------------------------------------------- */

bool tf1_has_cell(const struct import_source *source);

/* Finds the cells in the scope that was asked for, and owns their variables; those that are guesses
 * own none. UNSUPPORTED: more than TF1_MAX_CELLS. */
LSTM_MUST_CHECK enum lstm_status tf1_find_cells(struct tf1_network *network);

/* Without --layers: drops the guesses if TensorFlow's names tell the cells, else those that are
 * less likely ones. UNSUPPORTED: there is no cell, or what is one remains open. */
LSTM_MUST_CHECK enum lstm_status tf1_settle_cells(struct tf1_network *network);

/* A guess is likely if its name, or that of the loop around it, says that it is recurrent. */
bool tf1_is_likely_cell(const struct tf1_cell *cell);

/* Owns the variables of a cell. */
void tf1_own_cell(struct tf1_network *network, const struct tf1_cell *cell);

/* Values that a cell takes and gives. */
size_t tf1_cell_inputs(const struct tf1_cell *cell);
size_t tf1_cell_outputs(const struct tf1_cell *cell);

/* ---- Steps (names_tf1_steps.c) ------------------------------------------------------------- */

/* The step that a forward cell, with its backward one if there is one, makes. False: it is a
 * backward cell. */
bool tf1_step_of_cell(const struct tf1_network *network, const struct tf1_cell *cell,
                      struct tf1_step *step);

/* UNSUPPORTED: a direction without the other, or directions that are stacks of their own. */
LSTM_MUST_CHECK enum lstm_status tf1_check_directions(const struct tf1_network *network,
                                                      const struct tf1_step *step);

/* The name of a step, as --layers takes it: that of both directions is what is around them. */
void tf1_step_name(const struct tf1_step *step, char name[NAME_MAX_BYTES]);

/* ---- Dense layers and embeddings (names_tf1_dense.c) ---------------------------------------- */

/* The name of the layer of a kernel: "dense" of "dense/kernel", "softmax_w" of itself. */
void tf1_matrix_name(const char *kernel, char name[NAME_MAX_BYTES]);

/* The dense layer or embedding of this kernel, and its bias if one belongs to it. Owns nothing. */
void tf1_read_matrix(const struct tf1_network *network, const struct import_array *kernel,
                     struct tf1_matrix *matrix);

/* All free matrices that may be dense layers or embeddings, those that look like the last one
 * behind; owns them. UNSUPPORTED: too many. */
LSTM_MUST_CHECK enum lstm_status tf1_find_matrices(struct tf1_network *network);

/* Whether a matrix is an embedding by its name; may be one, by having neither a bias nor a name of
 * a dense layer. */
bool tf1_is_embedding(const struct tf1_matrix *matrix);
bool tf1_may_be_embedding(const struct tf1_matrix *matrix);

/* ---- Order (names_tf1_order.c, names_tf1_given.c) ------------------------------------------- */

/* Puts cells and matrices into the order that TensorFlow's names and their shapes tell.
 * UNSUPPORTED: networks that nothing joins; a matrix that fits nowhere, or in two ways. */
LSTM_MUST_CHECK enum lstm_status tf1_order_by_shapes(struct tf1_network *network);

/* The same in the order of --layers. INVALID: a name of nothing; SHAPE: what does not chain. */
LSTM_MUST_CHECK enum lstm_status tf1_order_by_option(struct tf1_network *network);

/* ---- Layers (names_tf1_layers.c) ------------------------------------------------------------ */

/* Makes the plan's layers of the steps. */
LSTM_MUST_CHECK enum lstm_status tf1_add_layers(const struct tf1_network *network,
                                                struct import_plan *plan);

#endif
