/* onnx_run.h: a graph run with axes instead of numbers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * reader_onnx.c takes the nodes in order; each gives its outputs as values that are known
 * (constants, folded where exporters rearrange weights), lengths, a constant of unknown shape (the
 * zeros that a state begins with) or a flow. Recurrent nodes, products and activations add layers
 * to the plan. What cannot be followed becomes a value that remembers the node and the reason: it
 * is an error only if something that matters reads it. */
#ifndef ONNX_RUN_H
#define ONNX_RUN_H

#include "core/import/onnx_flow.h"
#include "core/import/onnx_graph.h"

enum onnx_kind { ONNX_UNKNOWN, ONNX_CONSTANT, ONNX_SIZES, ONNX_FILL, ONNX_FLOW };

struct onnx_value {
    enum onnx_kind kind;
    const char *why;              /* UNKNOWN: "its axes cannot be followed" */
    const struct onnx_node *node; /* UNKNOWN: whose output */
    struct import_array array;    /* CONSTANT */
    double fill;                  /* FILL: every element */
    struct onnx_sizes *sizes;     /* SIZES */
    struct onnx_flow *flow;       /* FLOW; UNKNOWN: the last that could be followed, or NULL */
};

/* What the plan does not say of a layer. */
struct onnx_layer {
    size_t stage; /* grows when a bias or an activation joins the layer: what read it before would
                     read something else now */
    bool has_bias, has_activation, is_recurrent, is_bidirectional;
    enum onnx_reads reads;
    const struct onnx_flow *from; /* what a recurrent layer reads */
};

struct onnx_run {
    struct import_source *source;
    const struct lstm_import_options *options;
    struct import_plan *plan;
    const struct onnx_model *model;
    struct lstm_error *error;
    struct onnx_names *names;
    struct onnx_layer layers[IMPORT_MAX_LAYERS];
    size_t n_inputs;       /* those of the graph that no initializer gives; values count them so */
    size_t *input_numbers; /* where each stands among the graph's inputs */
    size_t data_input; /* number of the graph's input that the first layer reads; SIZE_MAX: none */
    bool has_axes;     /* a recurrent layer told which axes of it are these: */
    unsigned time, batch; /* ONNX_NO_ATOM: an axis of one element that is not there */
    bool has_state_input, has_lengths;
    size_t depth; /* of subgraphs */
};

/* An operator: sets the node's outputs. Errors are those that end the import. */
struct onnx_operator {
    const char *op;
    enum lstm_status (*evaluate)(struct onnx_run *run, const struct onnx_node *node);
};

/* Ended by a row without a name. */
extern const struct onnx_operator onnx_constant_operators[]; /* onnx_constant.c */
extern const struct onnx_operator onnx_shape_operators[];    /* onnx_shape.c */
extern const struct onnx_operator onnx_join_operators[];     /* onnx_join.c */
extern const struct onnx_operator onnx_reduce_operators[];   /* onnx_reduce.c */
extern const struct onnx_operator onnx_layer_operators[];    /* onnx_dense.c */

/* Layers that are made of more than a name: a recurrent node, and a Gather from a table by what
 * flows. */
LSTM_MUST_CHECK enum lstm_status onnx_rnn_evaluate(struct onnx_run *run,
                                                   const struct onnx_node *node);
LSTM_MUST_CHECK enum lstm_status onnx_embed(struct onnx_run *run, const struct onnx_node *node);

/* ---- Two nodes that are one layer (onnx_pair.c) ----------------------------------------------
 */

/* Whether the plan's last layer is the other direction of a node that reads this flow so. */
bool onnx_pair_is_open(const struct onnx_run *run, enum import_kind kind, enum onnx_reads reads,
                       const struct onnx_flow *from);

/* The layer gets the node's cell as its second direction. UNSUPPORTED: they differ in more. */
LSTM_MUST_CHECK enum lstm_status onnx_pair_close(struct onnx_run *run, const char *who,
                                                 enum onnx_reads reads,
                                                 const struct import_layer *node);

/* ---- Values by name (onnx_values.c) ---------------------------------------------------------- */

/* Room for n names and more. false: no memory. */
LSTM_MUST_CHECK bool onnx_values_init(struct onnx_run *run, size_t n);
/* NULL: nothing has this name. */
const struct onnx_value *onnx_values_find(const struct onnx_run *run, const char *name);
/* A copy of the value under a name; a later one takes its place. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status onnx_values_set(struct onnx_run *run, const char *name,
                                                 const struct onnx_value *value);

/* Sets output k; one that the node does not have, or leaves unnamed, is passed over. */
LSTM_MUST_CHECK enum lstm_status onnx_set(struct onnx_run *run, const struct onnx_node *node,
                                          size_t k, const struct onnx_value *value);
LSTM_MUST_CHECK enum lstm_status onnx_set_array(struct onnx_run *run, const struct onnx_node *node,
                                                size_t k, const struct import_array *array);
LSTM_MUST_CHECK enum lstm_status onnx_set_flow(struct onnx_run *run, const struct onnx_node *node,
                                               size_t k, const struct onnx_flow *flow);
LSTM_MUST_CHECK enum lstm_status onnx_set_sizes(struct onnx_run *run, const struct onnx_node *node,
                                                size_t k, const struct onnx_sizes *sizes);
/* All outputs. `why` is a literal. */
LSTM_MUST_CHECK enum lstm_status onnx_set_unknown(struct onnx_run *run,
                                                  const struct onnx_node *node, const char *why);

/* Output k is what became of a flow that could not be followed through this node. */
LSTM_MUST_CHECK enum lstm_status onnx_set_lost(struct onnx_run *run, const struct onnx_node *node,
                                               size_t k, const struct onnx_value *of,
                                               const char *why);

/* The value of input k. An absent one, or one that nothing gives, is UNKNOWN. Never NULL. */
const struct onnx_value *onnx_get(const struct onnx_run *run, const struct onnx_node *node,
                                  size_t k);

/* The value as a short list of lengths; false if it is not one. */
LSTM_MUST_CHECK bool onnx_value_sizes(const struct onnx_value *value, struct onnx_sizes *sizes);

/* Whole numbers of an attribute or, where the operator set moved them, of input k. *given false:
 * there are neither. false: they are not known. */
LSTM_MUST_CHECK bool onnx_ints(const struct onnx_run *run, const struct onnx_node *node,
                               const char *name, size_t k, struct onnx_sizes *ints, bool *given);

/* An axis as ONNX counts it, from the front or, below zero, from the end. false: outside. */
LSTM_MUST_CHECK bool onnx_axis(int64_t number, size_t rank, size_t *axis);

/* Arithmetic and comparison of lengths, element by element; *done false: the inputs are none. */
LSTM_MUST_CHECK enum lstm_status onnx_compute_sizes(struct onnx_run *run,
                                                    const struct onnx_node *node, bool *done);

/* ---- What layers read (onnx_read.c) -----------------------------------------------------------
 */

/* The flow that input k of a layer reads, complete: all directions of the layer before it, or of
 * the graph's input, with its features on the last axis. UNSUPPORTED: which node stands between. */
LSTM_MUST_CHECK enum lstm_status onnx_read_flow(struct onnx_run *run, const struct onnx_node *node,
                                                size_t k, const struct onnx_flow **flow);

/* Whether a flow is all of the last layer of the plan, and of which steps: WHOLE, FINAL_H, or what
 * a pooling layer makes of them: LAST_STEP, MEAN_OF_STEPS, MAX_OF_STEPS. */
LSTM_MUST_CHECK enum lstm_status onnx_read_when(struct onnx_run *run, const char *who,
                                                const struct onnx_flow *flow, enum onnx_when *when);

/* The plan gets that pooling layer, and *when is FINAL_H: what goes on is one row. */
LSTM_MUST_CHECK enum lstm_status onnx_end_steps(struct onnx_run *run, const char *who,
                                                enum onnx_when *when);

/* The numbers of input k: a constant, or a graph's input whose value options->inputs has.
 * UNSUPPORTED: neither. */
LSTM_MUST_CHECK enum lstm_status onnx_read_weights(struct onnx_run *run,
                                                   const struct onnx_node *node, size_t k,
                                                   struct import_array *array);

/* "LSTM node 'encoder'"; in text. */
void onnx_describe(const struct onnx_node *node, char text[160]);

/* The sentence for an input that cannot be followed. Returns UNSUPPORTED. */
enum lstm_status onnx_refuse_value(struct onnx_run *run, const char *who,
                                   const struct onnx_value *value);

/* The plan's next layer, named after the node. UNSUPPORTED: too many. */
LSTM_MUST_CHECK enum lstm_status onnx_add_layer(struct onnx_run *run, const struct onnx_node *node,
                                                enum import_kind kind, struct import_layer **layer);

/* The nodes of a graph whose outer names are known. */
LSTM_MUST_CHECK enum lstm_status onnx_run_graph(struct onnx_run *run,
                                                const struct onnx_graph *graph);

#endif
