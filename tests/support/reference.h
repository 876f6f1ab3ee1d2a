/* reference.h: the oracle: networks as TensorFlow 1 defines them, in plain loops and doubles.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shares no code with core/. It is written to be compared with the definitions by eye, one sequence
 * and one value at a time, and to be precise enough for central differences to check gradients.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"

enum reference_kind {
    REFERENCE_LSTM,
    REFERENCE_GRU,
    REFERENCE_EMBEDDING,
    REFERENCE_MASKING,
    REFERENCE_DENSE,
    REFERENCE_DROPOUT,
    REFERENCE_POOLING /* of all steps one row: at most once, behind the recurrent layers */
};

#define REFERENCE_MAX_LAYERS  6
#define REFERENCE_MAX_TENSORS 12

/* One tensor of a layer; a bias has rows 0. */
struct reference_tensor {
    const char *suffix; /* "kernel", "gates/bias" */
    size_t rows, columns, n;
    double *data;
    const char *scope; /* before the suffix: "", "fw/" or "bw/" */
};

/* One layer: the first block is the test's to fill in, the second reference_init()'s. */
struct reference_layer {
    enum reference_kind kind;
    const char *name;
    size_t units;
    const char *activation;           /* NULL: tanh for recurrent layers, linear for dense ones */
    const char *recurrent_activation; /* NULL: sigmoid */
    double forget_bias;               /* LSTM */
    bool use_peepholes;               /* LSTM, as the next three */
    size_t num_proj;                  /* 0: no projection */
    double cell_clip, proj_clip;      /* 0: none */
    bool reset_after;                 /* GRU */
    bool return_sequences;            /* recurrent layers */
    bool go_backwards;                /* recurrent layers */
    const char *bidirectional;        /* the same: "concat", "sum", "mul", "ave", or NULL */
    bool mask_zero;                   /* embedding */
    double mask_value;                /* masking */
    const char *reduce;               /* pooling: "mean", "max", "last" */
    size_t vocabulary;                /* embedding: its rows */
    double rate;                      /* dropout: no part of the oracle */
    bool reuse;                       /* shares the tensors of the earlier layer of its name */

    size_t inputs, outputs; /* values in and out; units is what c and a gate have */
    size_t n_tensors;
    struct reference_tensor tensors[REFERENCE_MAX_TENSORS];
};

struct reference_network {
    size_t features;
    size_t n_layers;
    struct reference_layer layers[REFERENCE_MAX_LAYERS];

    size_t state_size, gates_size, rnn_units, output_size;
    bool output_is_sequence;
};

/* What one sequence gives. All new; release it. */
struct reference_run {
    size_t steps;
    double *output;      /* [output_size] or [steps, output_size] */
    double *logits;      /* the same before the last layer's activation */
    double *rnn_output;  /* [steps, rnn_units] */
    double *final_state; /* [state_size]: c, h of each LSTM, h of each GRU */
    double *state_trace; /* [steps, state_size] */
    double *gates_trace; /* [steps, gates_size]: i, j, f, o or r, u, candidate, activated */
};

/* Completes a network whose features and layers are filled in: sizes, and weights drawn uniformly
 * from [-0.5, 0.5), each a float32 exactly. Release it. */
void reference_init(struct reference_network *network, uint64_t seed);
void reference_release(struct reference_network *network);

/* One step of a cell for one row: x [inputs], h [outputs] (and c [units]) in; new c, h and gates
 * out.
 * The outputs may not overlap the inputs. */
void reference_lstm_step(const struct reference_layer *layer, const double *x, const double *c,
                         const double *h, double *new_c, double *new_h, double *gates);
void reference_gru_step(const struct reference_layer *layer, const double *x, const double *h,
                        double *new_h, double *gates);

/* Whether the network's first layer skips step t of the sequence. */
bool reference_skips(const struct reference_network *network, const struct lstm_sequence *sequence,
                     size_t t);

/* The whole network over one sequence; of `sequence`, only what goes in is read. */
void reference_run(const struct reference_network *network, const struct lstm_sequence *sequence,
                   struct reference_run *run);
void reference_run_release(struct reference_run *run);

/* Loss over the examples: the mean over their targets, weighted by their weights. */
double reference_loss(const struct reference_network *network, enum lstm_loss loss,
                      const struct lstm_examples *examples);

/* d loss / d *weight by central differences. */
double reference_slope(const struct reference_network *network, double *weight, enum lstm_loss loss,
                       const struct lstm_examples *examples);

/* softmax(z) into p; p may be z. Cross entropy of `labels` with softmax(z). */
void reference_softmax(const double *z, size_t n, double *p);
double reference_cross_entropy(const double *z, const float *labels, size_t n);

/* act(x) by TensorFlow's name of it; "softmax" is the identity here, see reference_softmax(). */
double reference_activation(const char *name, double x);

/* TensorFlow 1's AdamOptimizer and GradientDescentOptimizer, for one variable of n values; `step`
 * counts from 1. clip_by_global_norm over all variables together is the caller's loop: the factor
 * is reference_clip_factor(global norm, clip_norm), 1 if clip_norm is 0. */
void reference_adam(const struct lstm_training *training, uint64_t step, const double *gradient,
                    size_t n, double *m, double *v, double *variable);
void reference_sgd(const struct lstm_training *training, const double *gradient, size_t n,
                   double *variable);
double reference_clip_factor(double global_norm, double clip_norm);

#endif
