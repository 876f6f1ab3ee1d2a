/* torch_modules.h: the modules of a state_dict, by the names and shapes of their parameters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TORCH_MODULES_H
#define TORCH_MODULES_H

#include "core/import/import.h"

enum torch_kind {
    TORCH_LSTM,
    TORCH_GRU,
    TORCH_LINEAR,
    TORCH_WEIGHT /* [a, b] alone: a linear layer without bias, or an embedding */
};

struct torch_module {
    const struct import_source *source;
    const char *prefix; /* of its parameters' names; borrowed */
    size_t n_prefix;    /* characters of it, with the last '.' or '/' */
    size_t n_group;     /* of these, what a checkpoint's dicts add: up to the last '/' */
    enum torch_kind kind;
    /* nn.LSTM and nn.GRU: layers; 0: nn.LSTMCell or nn.GRUCell, whose names have no number. */
    size_t n_layers;
    bool biased, bidirectional, projected;
    bool is_loose; /* no module: arrays of the network itself or of a loss, which are left out */
    size_t units;  /* U of a recurrent module */
    size_t inputs, width; /* values of a step that it takes and gives */
};

struct torch_modules {
    size_t n;
    struct torch_module modules[IMPORT_MAX_LAYERS];
    bool is_given;        /* --layers names them in the order in which they run */
    bool is_sorted;       /* the source has them by name, which says nothing of their order */
    size_t n_left_out;    /* arrays outside of the state_dict, or not named by --layers */
    const char *left_out; /* the first of them; borrowed */
    size_t n_loose;       /* arrays that belong to no layer: buffers of the network itself */
    const char *loose[3]; /* the first of them; borrowed */
};

/* Finds the modules that --layers names; else those whose parameters' names begin with --scope, in
 * the order of the source. UNSUPPORTED: a module of another kind, none that is recurrent, several
 * state_dicts, or too many modules. INVALID: --layers. SHAPE, NOT_FOUND: an array. */
LSTM_MUST_CHECK enum lstm_status torch_modules_find(const struct import_source *source,
                                                    const struct lstm_import_options *options,
                                                    struct torch_modules *modules,
                                                    struct lstm_error *error);

/* Finds out of which kind a module is of which the prefix is known. As torch_modules_find(). */
LSTM_MUST_CHECK enum lstm_status torch_module_read(struct torch_module *module,
                                                   struct lstm_error *error);

/* Which layer that lstmd does not have its parameters tell of, by the array *name; NULL: none. */
const char *torch_module_stranger(const struct torch_module *module, const char **name);

/* Whether the array of this name is a parameter of the module itself. */
bool torch_module_owns(const struct torch_module *module, const char *name);

/* The module's parameter of this name; NULL if it has none. */
const struct import_array *torch_module_parameter(const struct torch_module *module,
                                                  const char *name);

/* The same, and its rank and shape are checked. An absent one that is optional is zeroed.
 * SHAPE, NOT_FOUND. */
LSTM_MUST_CHECK enum lstm_status torch_module_array(const struct torch_module *module,
                                                    const char *name, bool optional, size_t rank,
                                                    size_t rows, size_t columns,
                                                    struct import_array *array,
                                                    struct lstm_error *error);

/* The module's name for people: "encoder.lstm", or that of its kind if it has none. */
const char *torch_module_title(const struct torch_module *module, char title[128]);

bool torch_module_is_recurrent(const struct torch_module *module);

/* Adds the layers of a recurrent module. SHAPE: which array. UNSUPPORTED: too many. */
LSTM_MUST_CHECK enum lstm_status torch_cells_add(const struct torch_module *module,
                                                 const struct lstm_import_options *options,
                                                 struct import_plan *plan,
                                                 struct lstm_error *error);

#endif
