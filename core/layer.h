/* layer.h: what a layer is, and the table of the kinds of layers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Layers see a batch packed (core/pack.h): [R, D] below means R = pack.rows rows. A layer behind
 * the last time step (a head) sees a pack of one step: a row per sequence. */
#ifndef LAYER_H
#define LAYER_H

#include "core/activation.h"
#include "core/direction.h"
#include "core/fields.h"
#include "core/initializer.h"
#include "core/lstm.h"
#include "core/pack.h"

enum { LAYER_MAX_TENSORS = 6 };

enum { LAYER_MAX_UNITS = 1 << 20 };

struct layer_type;

/* A recurrent layer has one cell, or two that read in both directions. A cell is a layer of the
 * same kind, with tensors, state and gates of its own; what runs the cells sees to the directions
 * (core/direction.h), so that a cell always sees the order in which it reads. */
struct layer {
    const struct layer_type *type;
    char name[NAME_MAX_BYTES + 4]; /* scope: prefix of the tensors' names; a cell's ends in "/fw" */
    size_t inputs, units;          /* D in; U */
    size_t outputs;           /* H out: U, or num_proj; of a layer that concatenates two cells 2H */
    int activation;           /* enum activation */
    int recurrent_activation; /* the same, of the gates */
    double forget_bias;       /* LSTM */
    bool use_peepholes;       /* LSTM */
    size_t num_proj;          /* LSTM; 0: no projection */
    double cell_clip;         /* LSTM; 0: none, as proj_clip */
    double proj_clip;
    bool reset_after;  /* GRU */
    double rate;       /* dropout */
    size_t vocabulary; /* embedding */
    bool mask_zero;    /* embedding: token 0 is skipped */
    double mask_value; /* masking */
    int reduce;        /* pooling: enum pooling */
    bool return_sequences;
    bool go_backwards;   /* recurrent: reads from the last step to the first */
    int bidirectional;   /* recurrent: enum merge; two cells unless MERGE_NONE */
    struct layer *cells; /* recurrent: [n_cells], in the spec */
    size_t n_cells;
    bool reuse;
    struct initializer kernel_initializer, bias_initializer;
    size_t n_tensors;
    size_t tensors[LAYER_MAX_TENSORS]; /* offsets of its tensors in the weights */
    size_t state_offset;               /* recurrent: of its part of a sequence's state */
    size_t gates_offset;               /* recurrent: of its part of a step's gates */
    size_t number;                     /* in the model, from 0 */
};

struct layer_forward {
    const struct pack *pack;
    const float *weights; /* of the model */
    const float *x;       /* [R, D] */
    float *y;             /* [R, H]; recurrent layers: NULL if only the state is wanted */
    float *state[2];      /* recurrent, in and out: c [B, U] (GRU: none) and h [B, H] */
    float *gates;         /* recurrent: [R, n_gates * U] */
    float *c_steps;       /* LSTM: c after every step [R, U]; NULL: not wanted */
    float *scratch;       /* recurrent: [B, U] */
    bool keep_gates;      /* leave the gates activated in `gates` */
    const float *mask;    /* dropout in training: [R, H]; NULL: no dropout */
};

struct layer_backward {
    const struct pack *pack;
    const float *weights;
    float *gradients;              /* as the weights; added to */
    const float *x, *y;            /* of the forward pass */
    const float *dy;               /* [R, H] by y; recurrent: NULL if only the final h is used */
    float *dx;                     /* [R, D] by x; NULL: not wanted */
    const float *mask;             /* dropout */
    float *gates;                  /* activated; overwritten */
    const float *c_steps;          /* LSTM */
    const float *initial_state[2]; /* as state of the forward pass */
    float *dstate[2];              /* by the final state; becomes by the initial state */
    float *history;                /* recurrent: [R, H] scratch */
    float *second_history;         /* GRU, or with a projection: [R, U] scratch */
    float *scratch;                /* recurrent: [B, U] */
    float *transposed;             /* recurrent: [n_gates * U, U] scratch */
};

/* A tensor that a layer asks for: `<layer name>/<suffix>`. */
struct layer_tensor {
    const char *suffix;
    bool is_bias;
    size_t rank;
    size_t shape[2];
    struct initializer initializer; /* the kind's default */
};

struct layer_type {
    const char *name;
    const char *default_name;   /* of a layer that model.json gives none */
    const struct field *fields; /* keys of its object in model.json */
    bool is_recurrent;
    /* As wide as what it reads, and nothing to compute row by row where a model serves: it gives
     * what it reads, or (pooling) is run where sequences end, and has no passes. */
    bool passes_on;
    bool has_c;
    size_t n_gates;
    const char *const *gate_names;
    /* Whether its keys fit each other; NULL: they always do. INVALID. */
    enum lstm_status (*check)(const struct layer *layer, struct lstm_error *error);
    /* Fills tensors[] for a layer whose inputs and units are known; returns how many.
     * NULL: it has none. */
    size_t (*list_tensors)(const struct layer *layer, struct layer_tensor *tensors);
    void (*forward)(const struct layer *layer, const struct layer_forward *pass);
    void (*backward)(const struct layer *layer, const struct layer_backward *pass);
};

/* Where c [0] and h [1] of a recurrent layer lie in a sequence's state, and their sizes. A GRU's c
 * has none. */
struct layer_state {
    size_t offset[2], units[2];
};
struct layer_state layer_state(const struct layer *layer);

/* Ended by NULL (layers.c). */
extern const struct layer_type *const layer_types[];
extern const struct layer_type layer_lstm, layer_gru, layer_embedding, layer_masking, layer_dense,
    layer_dropout, layer_pooling;

/* The key tables' rows for what every layer has. */
#define LAYER_FIELD_TYPE                                                                           \
    {                                                                                              \
        "type", FIELD_OTHER, 0, 0, 0, NULL, NULL, true                                             \
    }
#define LAYER_FIELD_NAME                                                                           \
    {                                                                                              \
        "name", FIELD_NAME, offsetof(struct layer, name), 0, 0, NULL, NULL, false                  \
    }
#define LAYER_FIELD_UNITS                                                                          \
    {                                                                                              \
        "units", FIELD_SIZE, offsetof(struct layer, units), 1, LAYER_MAX_UNITS, NULL, NULL, true   \
    }
#define LAYER_FIELD_ACTIVATION(names)                                                              \
    {                                                                                              \
        "activation", FIELD_CHOICE, offsetof(struct layer, activation), 0, 0, names, NULL, false   \
    }
#define LAYER_FIELD_RECURRENT_ACTIVATION(names)                                                    \
    {                                                                                              \
        "recurrent_activation", FIELD_CHOICE, offsetof(struct layer, recurrent_activation), 0, 0,  \
            names, NULL, false                                                                     \
    }
#define LAYER_FIELD_REUSE                                                                          \
    {                                                                                              \
        "reuse", FIELD_BOOL, offsetof(struct layer, reuse), 0, 0, NULL, NULL, false                \
    }
#define LAYER_FIELD_SEQUENCES                                                                      \
    {                                                                                              \
        "return_sequences", FIELD_BOOL, offsetof(struct layer, return_sequences), 0, 0, NULL,      \
            NULL, false                                                                            \
    }
#define LAYER_FIELD_DIRECTIONS                                                                     \
    {"go_backwards", FIELD_BOOL, offsetof(struct layer, go_backwards), 0, 0, NULL, NULL, false},   \
    {                                                                                              \
        "bidirectional", FIELD_CHOICE, offsetof(struct layer, bidirectional), 0, 0, merge_names,   \
            NULL, false                                                                            \
    }
#define LAYER_FIELD_INITIALIZERS                                                                   \
    {"kernel_initializer", FIELD_OBJECT, offsetof(struct layer, kernel_initializer), 0, 0, NULL,   \
     initializer_fields,   false},                                                                 \
    {                                                                                              \
        "bias_initializer", FIELD_OBJECT, offsetof(struct layer, bias_initializer), 0, 0, NULL,    \
            initializer_fields, false                                                              \
    }

#endif
