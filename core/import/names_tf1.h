/* names_tf1.h: the two halves of recognising TensorFlow 1's variables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NAMES_TF1_H
#define NAMES_TF1_H

#include "core/import/import.h"

enum { TF1_MAX_CELLS = IMPORT_MAX_LAYERS };

/* A recurrent cell: the variables below one scope. */
struct tf1_cell {
    char scope[NAME_MAX_BYTES]; /* "rnn/basic_lstm_cell" */
    enum import_kind kind;
    bool has_cudnn_meaning; /* its forget bias is in its bias; a GRU resets after the product */
    const struct import_array *kernel, *bias;                     /* of a GRU, of its gates */
    const struct import_array *candidate_kernel, *candidate_bias; /* GRU */
    const struct import_array *candidate_hidden, *candidate_hidden_bias; /* cuDNN's GRU */
    const struct import_array *peephole[IMPORT_MAX_GATES], *projection;
};

bool tf1_has_cell(const struct import_source *source);

/* The cells of a source, in the order in which they run: their scopes, numbers in them counted as
 * numbers. Of more than TF1_MAX_CELLS, the first. */
size_t tf1_find_cells(const struct import_source *source, const char *scope,
                      struct tf1_cell cells[TF1_MAX_CELLS]);

/* Whether a variable is an optimizer's or an average's copy of another. */
bool tf1_is_slot(const struct import_source *source, const char *name);

/* Whether a name is in the scope that was asked for (NULL: all are). */
bool tf1_in_scope(const char *name, const char *scope);

/* As strcmp(), but runs of digits compare as numbers. */
int tf1_compare_names(const char *a, const char *b);

#endif
