/* kernels.h: the elementwise loops of the cells, one set per instruction set, chosen at run time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * kernels_simd.c is compiled once per set, in GCC's portable vector types: "generic" is SSE2 on
 * x86-64 and NEON on arm64. Over the whole float range sigmoid and tanh differ from the true value
 * by at most 2e-7 (tests/core/test_activation_accuracy.c); NaN stays NaN. Rows are independent:
 * a row's result does not depend on the number of rows. All functions are thread-safe. */
#ifndef KERNELS_H
#define KERNELS_H

#include "core/activation.h"

/* One time step of BasicLSTMCell for `rows` sequences of U units (formulas: TensorFlow 1
 * rnn_cell_impl.py, BasicLSTMCell.call). Gate order i, j, f, o. */
struct lstm_step {
    size_t rows, units;
    enum activation activation;
    float forget_bias;
    const float *bias;   /* [4U] */
    float *gates;        /* [rows, 4U]: [x, h] @ kernel; with keep_gates, activated on return */
    const float *c_prev; /* [rows, U] */
    float *c, *h;        /* [rows, U] out; may be c_prev's memory */
    bool keep_gates;
};

/* Its gradient: from dh and dc, by h' and c', to the gradient by gates and c_prev. */
struct lstm_step_backward {
    size_t rows, units;
    enum activation activation;
    float *gates;        /* [rows, 4U]: activated; becomes the gradient before activation */
    const float *c_prev; /* [rows, U] */
    const float *act_c;  /* [rows, U]: activation(c') */
    const float *dh;     /* [rows, U] */
    float *dc;           /* [rows, U]: by c'; becomes the gradient by c_prev */
};

/* One time step of GRUCell (GRUCell.call). gates [rows, 3U]: r, u, candidate. */
struct gru_step {
    size_t rows, units;
    enum activation activation;
    const float *gate_bias;      /* [2U] */
    const float *candidate_bias; /* [U] */
    float *gates;                /* [rows, 3U] before activation; activated by the two calls */
    const float *h_prev;         /* [rows, U] */
    float *reset_h;              /* [rows, U]: r * h_prev, made by gru_gates */
    float *h;                    /* [rows, U]: made by gru_output; may be h_prev's memory */
};

/* Its gradient, in two halves around the product with the candidate kernel. */
struct gru_step_backward {
    size_t rows, units;
    enum activation activation;
    float *gates;          /* [rows, 3U]: activated; becomes the gradient before activation */
    const float *h_prev;   /* [rows, U] */
    float *dh;             /* [rows, U]: by h'; becomes the direct part of that by h_prev */
    const float *dreset_h; /* [rows, U]: by r * h_prev; read by the second half */
};

/* One step of TensorFlow 1's Adam for n parameters: python/training/adam.py's "epsilon hat" form,
 * in which `rate` holds the bias correction. The gradient counts `scale` times (clipping). */
struct adam_update {
    size_t n;
    float *weights, *m, *v; /* in place */
    const float *gradient;
    float scale, rate, beta1, beta2, epsilon;
};

struct kernels {
    const char *isa;
    void (*exp)(float *x, size_t n); /* clamped to the range of normal numbers */
    void (*sigmoid)(float *x, size_t n);
    void (*tanh)(float *x, size_t n);
    void (*lstm_step)(const struct lstm_step *step);
    void (*lstm_step_backward)(const struct lstm_step_backward *step);
    void (*gru_gates)(const struct gru_step *step);                    /* r, u, reset_h */
    void (*gru_output)(const struct gru_step *step);                   /* candidate, h */
    void (*gru_output_backward)(const struct gru_step_backward *step); /* candidate, u, dh */
    void (*gru_gates_backward)(const struct gru_step_backward *step);  /* r, dh */
    void (*add)(float *y, const float *x, size_t n);                   /* y += x */
    void (*adam)(const struct adam_update *update);
};

/* Every set that this binary holds, best first, NULL-ended; whether this CPU runs it; the best
 * one that it does. */
extern const struct kernels *const kernels_all[];
bool kernels_supported(const struct kernels *kernels);
const struct kernels *kernels_best(void);

#endif
