/* onnx_dense.c: products, biases, activations, normalisations and embeddings as layers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MatMul or Gemm begins a dense layer; Add and an activation join the one that came just before.
 * An activation of anything else is a dense layer whose kernel is the identity. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/activation.h"
#include "core/float_formats.h"
#include "core/import/affine.h"
#include "core/import/onnx_activation.h"
#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

/* The flow of layer k, the plan's last: it keeps the other axes of what the layer read. */
static struct onnx_flow output_of(const struct onnx_run *run, const struct onnx_flow *from,
                                  enum onnx_when when)
{
    const size_t k = run->plan->n_layers - 1;
    struct onnx_flow flow = {.input = from->input, .rank = from->rank, .n_parts = 1};
    for (size_t i = 0; i < from->n_atoms; i++)
        if (from->atoms[i].axis + 1 < from->rank)
            flow.atoms[flow.n_atoms++] = from->atoms[i];
    onnx_flow_add(&flow, ONNX_UNITS, from->rank - 1, run->plan->layers[k].units);
    flow.parts[0] = (struct onnx_part){
        .layer = k + 1, .stage = run->layers[k].stage, .reads = run->layers[k].reads, .when = when};
    return flow;
}

/* A dense layer that reads input 0 of the node. */
static enum lstm_status add_dense(struct onnx_run *run, const struct onnx_node *node,
                                  const struct onnx_flow *from, const struct import_array *kernel,
                                  struct import_layer **layer, struct onnx_flow *flow)
{
    char who[160];
    enum onnx_when when;
    size_t size;
    onnx_describe(node, who);
    enum lstm_status status = onnx_read_when(run, who, from, &when);
    if (status == LSTM_OK)
        status = onnx_end_steps(run, who, &when);
    if (status != LSTM_OK)
        return status;
    const size_t before = run->plan->n_layers;
    if (kernel->rank != 2 ||
        (onnx_flow_size(from, from->rank - 1, &size) && size != kernel->shape[0]))
        return lstm_fail(run->error, LSTM_SHAPE,
                         "%s: its kernel '%.60s' does not fit the features that it reads", who,
                         kernel->name);
    status = onnx_add_layer(run, node, IMPORT_DENSE, layer);
    if (status != LSTM_OK)
        return status;
    (*layer)->kernel = *kernel;
    (*layer)->units = kernel->shape[1];
    snprintf((*layer)->activation, sizeof(*layer)->activation, "linear");
    if (before > 0)
        run->layers[before].reads = run->layers[before - 1].reads;
    *flow = output_of(run, from, when);
    return LSTM_OK;
}

static enum lstm_status matmul(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_flow *from;
    struct onnx_flow flow;
    struct import_array kernel;
    struct import_layer *layer;
    enum lstm_status status = onnx_read_flow(run, node, 0, &from);
    if (status == LSTM_OK)
        status = onnx_read_weights(run, node, 1, &kernel);
    if (status == LSTM_OK)
        status = add_dense(run, node, from, &kernel, &layer, &flow);
    return status == LSTM_OK ? onnx_set_flow(run, node, 0, &flow) : status;
}

/* A bias as [units]: its last axis is theirs, or it is one number for all. */
static bool as_bias(const struct import_array *array, size_t units, struct import_array *bias)
{
    const size_t n = onnx_array_size(array);
    *bias = *array;
    while (bias->rank > 1) {
        if (bias->shape[0] != 1)
            return false;
        *bias = import_drop_axis(*bias, 0, 0);
    }
    if (n == 1) {
        bias->rank = 1;
        bias->shape[0] = units;
        bias->stride[0] = 0;
    }
    return bias->rank == 1 && bias->shape[0] == units;
}

static enum lstm_status gemm(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_flow *from;
    struct onnx_flow flow;
    struct import_array kernel, bias;
    struct import_layer *layer;
    char who[160];
    onnx_describe(node, who);
    enum lstm_status status = onnx_read_flow(run, node, 0, &from);
    if (status == LSTM_OK)
        status = onnx_read_weights(run, node, 1, &kernel);
    if (status != LSTM_OK)
        return status;
    if (onnx_attribute_int(node, "transA", 0) != 0 ||
        onnx_attribute_float(node, "alpha", 1) != 1.0 ||
        onnx_attribute_float(node, "beta", 1) != 1.0)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s: only transA 0, alpha 1 and beta 1 are a dense layer", who);
    if (onnx_attribute_int(node, "transB", 0) != 0 && kernel.rank == 2)
        kernel = import_transpose(kernel);
    status = add_dense(run, node, from, &kernel, &layer, &flow);
    if (status != LSTM_OK || onnx_node_input(node, 2)[0] == '\0')
        return status == LSTM_OK ? onnx_set_flow(run, node, 0, &flow) : status;
    status = onnx_read_weights(run, node, 2, &bias);
    if (status == LSTM_OK && !as_bias(&bias, layer->units, &layer->bias))
        return lstm_fail(run->error, LSTM_SHAPE, "%s: its bias '%.60s' is not one row of %zu", who,
                         bias.name, layer->units);
    run->layers[run->plan->n_layers - 1].has_bias = true;
    return status == LSTM_OK ? onnx_set_flow(run, node, 0, &flow) : status;
}

/* The dense layer whose output a flow is, if nothing came after it; NULL if it is none. What
 * becomes of a mean or a maximum is not what becomes of each step. */
static struct import_layer *dense_of(struct onnx_run *run, const struct onnx_flow *flow)
{
    const size_t k = flow->parts[0].layer;
    const enum onnx_when when = flow->parts[0].when;
    if (k == 0 || when == ONNX_MEAN_OF_STEPS || when == ONNX_MAX_OF_STEPS ||
        k != run->plan->n_layers || flow->n_parts != 1 ||
        run->plan->layers[k - 1].kind != IMPORT_DENSE ||
        flow->parts[0].stage != run->layers[k - 1].stage || run->layers[k - 1].has_activation ||
        !onnx_flow_is_features(flow, flow->rank - 1))
        return NULL;
    return &run->plan->layers[k - 1];
}

/* Directions put together by a sum or a product, element by element. */
static enum lstm_status merge(struct onnx_run *run, const struct onnx_node *node,
                              const struct onnx_value *a, const struct onnx_value *b)
{
    const char *mode = strcmp(node->op, "Mul") == 0    ? "mul"
                       : strcmp(node->op, "Mean") == 0 ? "ave"
                                                       : "sum";
    struct onnx_flow flow = *a->flow;
    if (!onnx_flow_merge(&flow, b->flow, mode))
        return onnx_set_lost(run, node, 0, a,
                             "it joins what are not the two directions of one layer");
    return onnx_set_flow(run, node, 0, &flow);
}

/* Add(flow, constant) where the flow is a dense layer without a bias. */
static bool join_bias(struct onnx_run *run, const struct onnx_value *value,
                      const struct onnx_value *constant)
{
    struct import_layer *layer = dense_of(run, value->flow);
    struct import_array bias;
    if (layer == NULL || run->layers[value->flow->parts[0].layer - 1].has_bias ||
        constant->array.dtype > IMPORT_BF16 || constant->array.rank > value->flow->rank ||
        !as_bias(&constant->array, layer->units, &bias))
        return false;
    layer->bias = bias;
    run->layers[value->flow->parts[0].layer - 1].has_bias = true;
    return true;
}

/* The sum of two directions, halved. */
static bool is_halved(const struct onnx_node *node, const struct onnx_value *value,
                      const struct onnx_value *constant)
{
    double factor;
    if (value->kind != ONNX_FLOW || value->flow->merge == NULL ||
        strcmp(value->flow->merge, "sum") != 0 || constant->kind != ONNX_CONSTANT ||
        constant->array.dtype > IMPORT_BF16 || !onnx_array_scalar(&constant->array, &factor))
        return false;
    return (strcmp(node->op, "Mul") == 0 && factor == 0.5) ||
           (strcmp(node->op, "Div") == 0 && factor == 2.0);
}

static enum lstm_status combine(struct onnx_run *run, const struct onnx_node *node)
{
    bool done;
    enum lstm_status status = onnx_compute_sizes(run, node, &done);
    if (status != LSTM_OK || done)
        return status;
    const struct onnx_value *a = onnx_get(run, node, 0), *b = onnx_get(run, node, 1);
    const bool divides = strcmp(node->op, "Div") == 0;
    if (a->kind == ONNX_FLOW && b->kind == ONNX_FLOW && node->n_inputs == 2 && !divides)
        return merge(run, node, a, b);
    const struct onnx_value *flowing = a->kind == ONNX_FLOW || a->kind == ONNX_UNKNOWN ? a : b;
    const struct onnx_value *constant = flowing == a ? b : a;
    if (flowing->kind == ONNX_FLOW && constant->kind == ONNX_CONSTANT &&
        strcmp(node->op, "Add") == 0 && join_bias(run, flowing, constant)) {
        struct onnx_flow flow = *flowing->flow;
        flow.parts[0].stage = ++run->layers[flow.parts[0].layer - 1].stage;
        return onnx_set_flow(run, node, 0, &flow);
    }
    if (is_halved(node, flowing, constant) && (flowing == a || !divides)) {
        struct onnx_flow flow = *flowing->flow;
        flow.merge = "ave";
        return onnx_set_flow(run, node, 0, &flow);
    }
    return onnx_set_lost(run, node, 0, flowing,
                         divides ? "lstmd has no layer that computes this of a network's values; "
                                   "scale inputs and outputs in the client, or fold a factor into "
                                   "the weights beside it"
                                 : "lstmd knows it as a dense layer's bias or as the merging of "
                                   "two directions, and this is neither");
}

/* ---- Activations ------------------------------------------------------------------------------
 */

/* A bound of Clip: an input since operator set 11, an attribute before. */
static double clip_bound(const struct onnx_run *run, const struct onnx_node *node, size_t input,
                         const char *attribute)
{
    const struct onnx_value *value = onnx_get(run, node, input);
    double bound;
    if (value->kind == ONNX_CONSTANT && onnx_array_scalar(&value->array, &bound))
        return bound;
    return onnx_attribute_float(node, attribute, (double)NAN);
}

static const char *activation_of(const struct onnx_run *run, const struct onnx_node *node)
{
    struct onnx_parameters parameters;
    const bool known = onnx_activation_parameters(node->op, &parameters);
    if (strcmp(node->op, "Clip") == 0)
        return clip_bound(run, node, 1, "min") == 0.0 && clip_bound(run, node, 2, "max") == 6.0
                   ? "relu6"
                   : NULL;
    if (!known)
        return NULL;
    parameters.value[0] = onnx_attribute_float(node, "alpha", parameters.value[0]);
    parameters.value[1] = onnx_attribute_float(
        node, strcmp(node->op, "Selu") == 0 ? "gamma" : "beta", parameters.value[1]);
    return onnx_activation_find(node->op, &parameters);
}

/* A kernel that changes nothing. */
static enum lstm_status make_identity(struct onnx_run *run, size_t n, struct import_array *kernel)
{
    const size_t shape[] = {n, n};
    const float one = 1;
    unsigned char *data = n <= UINT16_MAX ? import_allocate(run->source, n * n * sizeof one) : NULL;
    if (data == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for an activation's layer");
    for (size_t i = 0; i < n; i++)
        float_format_write(LSTM_F32, &one, 1, data + (i * n + i) * sizeof one);
    return import_array_init(kernel, "identity", IMPORT_F32, 2, shape, data, SIZE_MAX, run->error);
}

/* Softmax and LogSoftmax of older operator sets take all axes from `axis` on as one; of newer ones,
 * one axis. */
static bool is_over_features(const struct onnx_run *run, const struct onnx_node *node,
                             const struct onnx_flow *flow)
{
    size_t axis;
    const int64_t number = onnx_attribute_int(node, "axis", run->model->opset < 13 ? 1 : -1);
    return onnx_axis(number, flow->rank, &axis) && axis + 1 == flow->rank;
}

static enum lstm_status activate(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_flow *from;
    struct onnx_flow flow;
    struct import_array kernel;
    struct import_layer *layer;
    const char *name = activation_of(run, node);
    size_t units;
    if (name == NULL)
        return onnx_set_lost(run, node, 0, onnx_get(run, node, 0),
                             "lstmd does not have this activation with these parameters");
    enum lstm_status status = onnx_read_flow(run, node, 0, &from);
    if (status != LSTM_OK)
        return status;
    if (activation_is_over_rows(name) && !is_over_features(run, node, from))
        return onnx_set_lost(run, node, 0, onnx_get(run, node, 0),
                             "it runs over other axes than the features");
    layer = dense_of(run, from);
    flow = *from;
    if (layer == NULL) {
        if (!onnx_flow_size(from, from->rank - 1, &units))
            return onnx_set_lost(run, node, 0, onnx_get(run, node, 0),
                                 "the number of its features is not known");
        status = make_identity(run, units, &kernel);
        if (status == LSTM_OK)
            status = add_dense(run, node, from, &kernel, &layer, &flow);
        if (status != LSTM_OK)
            return status;
    }
    const size_t k = flow.parts[0].layer - 1;
    snprintf(layer->activation, sizeof layer->activation, "%s", name);
    run->layers[k].has_activation = true;
    flow.parts[0].stage = ++run->layers[k].stage;
    return onnx_set_flow(run, node, 0, &flow);
}

/* ---- Normalisation ----------------------------------------------------------------------------
 */

/* Whether the node takes mean and variance of the batch itself: said by an attribute, before that
 * by what it gives besides, and at first unless `is_test` was set. */
static bool normalises_batch(const struct onnx_run *run, const struct onnx_node *node)
{
    if (run->model->opset >= 14)
        return onnx_attribute_int(node, "training_mode", 0) != 0;
    return (run->model->opset < 7 && onnx_attribute_int(node, "is_test", 0) == 0) ||
           (node->n_outputs > 1 && node->outputs[1][0] != '\0');
}

/* Of features that are the channels of ONNX, its axis 1. */
static enum lstm_status normalise(struct onnx_run *run, const struct onnx_node *node)
{
    enum { SCALE = 1, BIAS, MEAN, VARIANCE, N_INPUTS };
    struct import_array arrays[N_INPUTS], kernel, bias;
    struct import_affine affine;
    struct import_layer *layer;
    const struct onnx_flow *from;
    struct onnx_flow flow;
    enum lstm_status status = onnx_read_flow(run, node, 0, &from);
    if (status != LSTM_OK)
        return status;
    if (from->rank != 2 || normalises_batch(run, node))
        return onnx_set_lost(
            run, node, 0, onnx_get(run, node, 0),
            "it runs over other axes than the features of one row, or is to train");
    for (size_t k = SCALE; k < N_INPUTS && status == LSTM_OK; k++)
        status = onnx_read_weights(run, node, k, &arrays[k]);
    if (status != LSTM_OK)
        return status;
    const struct import_norm norm = {&arrays[SCALE], &arrays[BIAS], &arrays[MEAN],
                                     &arrays[VARIANCE],
                                     onnx_attribute_float(node, "epsilon", 1e-5)};
    status = import_norm_read(run->source, &norm, &affine, run->error);
    if (status != LSTM_OK)
        return status;
    layer = dense_of(run, from);
    flow = *from;
    if (layer != NULL) {
        status = import_affine_fold(run->source, &affine, layer, run->error);
    } else {
        status = import_affine_dense(run->source, &affine, &kernel, &bias, run->error);
        if (status == LSTM_OK)
            status = add_dense(run, node, from, &kernel, &layer, &flow);
        if (status == LSTM_OK)
            layer->bias = bias;
    }
    if (status != LSTM_OK)
        return status;
    const size_t k = flow.parts[0].layer - 1;
    run->layers[k].has_bias = true;
    flow.parts[0].stage = ++run->layers[k].stage;
    return onnx_set_flow(run, node, 0, &flow);
}

/* ---- Embedding --------------------------------------------------------------------------------
 */

enum lstm_status onnx_embed(struct onnx_run *run, const struct onnx_node *node)
{
    const struct onnx_flow *ids = onnx_get(run, node, 1)->flow;
    struct import_array table;
    struct import_layer *layer;
    if (ids->parts[0].layer > 0 || run->plan->n_layers > 0 || ids->rank == IMPORT_MAX_RANK ||
        ids->n_atoms == ONNX_MAX_ATOMS || onnx_attribute_int(node, "axis", 0) != 0 ||
        onnx_get(run, node, 0)->array.rank != 2)
        return onnx_set_lost(run, node, 0, onnx_get(run, node, 1),
                             "it looks up rows by what a layer gives, or not in a table of two "
                             "axes");
    enum lstm_status status = onnx_read_weights(run, node, 0, &table);
    if (status == LSTM_OK)
        status = onnx_add_layer(run, node, IMPORT_EMBEDDING, &layer);
    if (status != LSTM_OK)
        return status;
    run->data_input = ids->input;
    layer->kernel = table;
    layer->units = table.shape[1];
    struct onnx_flow flow = *ids;
    flow.rank++;
    onnx_flow_add(&flow, ONNX_UNITS, flow.rank - 1, layer->units);
    flow.parts[0].layer = run->plan->n_layers;
    return onnx_set_flow(run, node, 0, &flow);
}

const struct onnx_operator onnx_layer_operators[] = {{"Add", combine},
                                                     {"BatchNormalization", normalise},
                                                     {"Clip", activate},
                                                     {"Div", combine},
                                                     {"Elu", activate},
                                                     {"Exp", activate},
                                                     {"GRU", onnx_rnn_evaluate},
                                                     {"Gemm", gemm},
                                                     {"HardSigmoid", activate},
                                                     {"LSTM", onnx_rnn_evaluate},
                                                     {"LeakyRelu", activate},
                                                     {"LogSoftmax", activate},
                                                     {"MatMul", matmul},
                                                     {"Mean", combine},
                                                     {"Mul", combine},
                                                     {"Relu", activate},
                                                     {"Selu", activate},
                                                     {"Sigmoid", activate},
                                                     {"Softmax", activate},
                                                     {"Softplus", activate},
                                                     {"Softsign", activate},
                                                     {"Tanh", activate},
                                                     {"ThresholdedRelu", activate},
                                                     {NULL, NULL}};
