/* kernels.h: the elementwise loops of the cells, one set per instruction set, chosen at run time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * kernels_simd.c and its companions are compiled once per set, in GCC's portable vector types:
 * "generic" is SSE2 on x86-64 and NEON on arm64. Over the whole float range an activation y differs
 * from the true value by at most 2e-7 (selu: 4e-7), or 5e-7 |y| where |y| is above 1
 * (tests/core/test_activation_accuracy.c); NaN stays NaN. Rows are independent: a row's result does
 * not depend on the number of rows. All functions are thread-safe. */
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

/* The diagonals of LSTMCell's peepholes, [U] each; all NULL: none. */
struct lstm_peepholes {
    const float *i, *f, *o;
};

/* One time step of LSTMCell (LSTMCell.call), up to the projection. Gates i and f see the old c, o
 * the new and clipped one. */
struct lstm_variant_step {
    size_t rows, units;
    enum activation activation, recurrent_activation;
    float forget_bias, cell_clip; /* clip 0: none */
    const float *bias;            /* [4U] */
    struct lstm_peepholes peepholes;
    float *gates;        /* [rows, 4U]: [x, h] @ kernel; activated on return */
    const float *c_prev; /* [rows, U] */
    float *c;            /* [rows, U] out; may be c_prev's memory */
    float *m;            /* [rows, U] out: o * act(c'), which is h' if there is no projection */
};

/* Its gradient: from dm and dc, by m and c', to the gradient by gates and c_prev. What reached the
 * clip has none. */
struct lstm_variant_backward {
    size_t rows, units;
    enum activation activation, recurrent_activation;
    float cell_clip;
    struct lstm_peepholes peepholes;
    float *dpeepholes[3];    /* of i, f, o [U]: added to */
    float *gates;            /* [rows, 4U]: activated; becomes the gradient before activation */
    const float *c_prev, *c; /* [rows, U] */
    const float *dm;         /* [rows, U] */
    float *dc;               /* [rows, U]: by c'; becomes the gradient by c_prev */
    float *m;                /* [rows, U] out: as of the forward pass; NULL: not wanted */
};

/* One time step of GRUCell (GRUCell.call). gates [rows, 3U]: r, u, candidate. The variants' have
 * their own activation of r and u, and with hidden_bias the reset gate behind the product, as
 * CudnnCompatibleGRUCell: reset_h is h_prev @ kernel then, and given. */
struct gru_step {
    size_t rows, units;
    enum activation activation;
    enum activation recurrent_activation; /* variants; else sigmoid */
    const float *hidden_bias;             /* variants: [U], or NULL */
    const float *gate_bias;               /* [2U] */
    const float *candidate_bias;          /* [U] */
    float *gates;        /* [rows, 3U] before activation; activated by the two calls */
    const float *h_prev; /* [rows, U] */
    float *reset_h;      /* [rows, U]: r * h_prev, made by gru_gates */
    float *h;            /* [rows, U]: made by gru_output; may be h_prev's memory */
};

/* Its gradient, in two halves around the product with the candidate kernel. */
struct gru_step_backward {
    size_t rows, units;
    enum activation activation;
    float *gates;          /* [rows, 3U]: activated; becomes the gradient before activation */
    const float *h_prev;   /* [rows, U] */
    float *dh;             /* [rows, U]: by h'; becomes the direct part of that by h_prev */
    const float *dreset_h; /* [rows, U]: by r * h_prev; read by the second half */
    enum activation recurrent_activation; /* variants; else sigmoid */
    float *dhidden; /* variants: [rows, U], h_prev @ kernel + hidden_bias, becomes the gradient by
                       it, and the first half does r, too; NULL: the reset gate is before */
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
    /* Elementwise activations, in place; dy times the derivative at the output y. */
    void (*activate)(enum activation activation, float *x, size_t n);
    void (*activate_backward)(enum activation activation, const float *y, float *dy, size_t n);
    void (*lstm_step)(const struct lstm_step *step);
    void (*lstm_step_backward)(const struct lstm_step_backward *step);
    void (*gru_gates)(const struct gru_step *step);                    /* r, u, reset_h */
    void (*gru_output)(const struct gru_step *step);                   /* candidate, h */
    void (*gru_output_backward)(const struct gru_step_backward *step); /* candidate, u, dh */
    void (*gru_gates_backward)(const struct gru_step_backward *step);  /* r, dh */
    void (*lstm_variant_step)(const struct lstm_variant_step *step);
    void (*lstm_variant_backward)(const struct lstm_variant_backward *step);
    void (*gru_variant_gates)(const struct gru_step *step);
    void (*gru_variant_output)(const struct gru_step *step);
    void (*gru_variant_output_backward)(const struct gru_step_backward *step);
    void (*gru_variant_gates_backward)(const struct gru_step_backward *step);
    void (*add)(float *y, const float *x, size_t n); /* y += x */
    void (*adam)(const struct adam_update *update);
};

/* Every set that this binary holds, best first, NULL-ended; whether this CPU runs it; the best
 * one that it does. */
extern const struct kernels *const kernels_all[];
bool kernels_supported(const struct kernels *kernels);
const struct kernels *kernels_best(void);

#endif
