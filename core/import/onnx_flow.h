/* onnx_flow.h: what runs through the network, by the meaning of its axes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Exporters wrap every recurrent node into Transpose, Squeeze, Reshape, Slice, Gather and Concat.
 * A flow is the output of a layer as these have left it: each axis is a row of atoms, and an atom
 * is an axis of the graph's input (batch, time), the directions of the layer, or its units. Thus
 * Transpose moves atoms, Reshape groups them anew, and a layer that reads a flow can tell whether
 * it is, after all, the whole output of the layer before it. Sizes may be unknown. */
#ifndef ONNX_FLOW_H
#define ONNX_FLOW_H

#include "core/import/import.h"

enum {
    ONNX_MAX_ATOMS = 8,
    ONNX_MAX_PARTS = 8,
    /* Ids of atoms; those below are axes of the graph's input. */
    ONNX_PARTS = 64,
    ONNX_UNITS,
    ONNX_NO_ATOM,
    ONNX_MAX_SIZES = 16
};

/* A length that may not be known: that of an atom, or of nothing that we follow. */
struct onnx_size {
    int64_t number; /* if atom is ONNX_NO_ATOM and known */
    unsigned atom;
    bool known;
};

/* A small tensor of lengths, as Shape gives it. */
struct onnx_sizes {
    bool scalar;
    size_t n;
    struct onnx_size at[ONNX_MAX_SIZES];
};

/* Which steps of the layer's output. */
enum onnx_when {
    ONNX_WHOLE,
    ONNX_FIRST_STEP,
    ONNX_LAST_STEP,
    ONNX_FINAL_H, /* the state after the last step that was read */
    ONNX_FINAL_C,
    ONNX_MEAN_OF_STEPS, /* of all, as ONNX_MAX_OF_STEPS */
    ONNX_MAX_OF_STEPS,
    ONNX_MIXED /* one of these of one direction, another of the other */
};

/* How a layer reads time. */
enum onnx_reads { ONNX_FORWARD, ONNX_BACKWARD, ONNX_BOTH };

/* One direction of one layer. */
struct onnx_part {
    size_t layer; /* its number in the plan plus 1; 0: the graph's input */
    size_t stage; /* how far the layer was when this was its output: see onnx_run.h */
    enum onnx_reads reads;
    enum onnx_when when;
};

struct onnx_atom {
    unsigned id;
    size_t axis;
    size_t size; /* 0: unknown */
};

struct onnx_flow {
    size_t input; /* number of the graph's input that it comes from */
    size_t rank;
    size_t n_atoms; /* sorted by axis; an axis without atoms has one element */
    struct onnx_atom atoms[ONNX_MAX_ATOMS];
    size_t n_parts; /* more than one: there is an atom ONNX_PARTS */
    struct onnx_part parts[ONNX_MAX_PARTS];
    const char *merge; /* both directions were merged into one part: "sum", "mul", "ave" */
};

/* Appends an atom at the end of axis; those before it must have been appended already. */
void onnx_flow_add(struct onnx_flow *flow, unsigned id, size_t axis, size_t size);

/* Parts that say something: merged ones, too. */
size_t onnx_flow_n_parts(const struct onnx_flow *flow);

/* Atoms of an axis: the first, and how many there are. */
size_t onnx_flow_axis(const struct onnx_flow *flow, size_t axis, size_t *first);

/* Elements of an axis; false if unknown. */
bool onnx_flow_size(const struct onnx_flow *flow, size_t axis, size_t *size);

/* Whether the axis is all of the layer's directions and units, in order; for a graph's input, any
 * axis. */
bool onnx_flow_is_features(const struct onnx_flow *flow, size_t axis);

/* Each gives false, and leaves *flow in no particular state, if the result cannot be followed.
 * Axes are checked. `time` is the atom of time, or ONNX_NO_ATOM. */
LSTM_MUST_CHECK bool onnx_flow_transpose(struct onnx_flow *flow, const size_t *permutation);
LSTM_MUST_CHECK bool onnx_flow_squeeze(struct onnx_flow *flow, const bool *axes);
LSTM_MUST_CHECK bool onnx_flow_unsqueeze(struct onnx_flow *flow, const bool *axes, size_t rank);
LSTM_MUST_CHECK bool onnx_flow_reshape(struct onnx_flow *flow, const struct onnx_sizes *shape,
                                       bool zero_is_zero);
LSTM_MUST_CHECK bool onnx_flow_pick(struct onnx_flow *flow, size_t axis, int64_t index,
                                    unsigned time);
/* Negative numbers count from the end, and what lies outside is cut off, as Slice has it. */
LSTM_MUST_CHECK bool onnx_flow_slice(struct onnx_flow *flow, size_t axis, int64_t begin,
                                     int64_t end, unsigned time);
/* The axis, which must be that of time, becomes the MEAN or MAX of its steps; it stays with one
 * element, or goes. */
LSTM_MUST_CHECK bool onnx_flow_reduce(struct onnx_flow *flow, size_t axis, enum onnx_when when,
                                      bool keeps_axis, unsigned time);
LSTM_MUST_CHECK bool onnx_flow_concat(struct onnx_flow *flow, const struct onnx_flow *next,
                                      size_t axis);
/* Both directions of one layer, in either order, become one part: n_parts stays 1, and parts[1] is
 * the backward one. */
LSTM_MUST_CHECK bool onnx_flow_merge(struct onnx_flow *flow, const struct onnx_flow *next,
                                     const char *mode);

/* Whether they are the same values with the same axes. */
bool onnx_flow_same(const struct onnx_flow *a, const struct onnx_flow *b);

/* The lengths of all axes, as the operator Shape gives them. */
void onnx_flow_shape(const struct onnx_flow *flow, struct onnx_sizes *shape);

#endif
