/* onnx_read.c: what a layer reads: the whole of the layer before it, or numbers that are known.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

void onnx_describe(const struct onnx_node *node, char text[160])
{
    snprintf(text, 160, "%.40s node '%.80s'", node->op, node->name);
}

enum lstm_status onnx_refuse_value(struct onnx_run *run, const char *who,
                                   const struct onnx_value *value)
{
    char source[160];
    if (value->kind != ONNX_UNKNOWN)
        return lstm_fail(
            run->error, LSTM_UNSUPPORTED,
            "%s reads a constant where the output of a layer was expected; a network of "
            "cells that is unrolled step by step is not followed: convert what it was "
            "exported from",
            who);
    if (value->node == NULL)
        return lstm_fail(run->error, LSTM_FORMAT, "%s reads what no node gives: %s", who,
                         value->why);
    onnx_describe(value->node, source);
    return lstm_fail(run->error, LSTM_UNSUPPORTED, "%s: %s (%s reads it)", source, value->why, who);
}

enum lstm_status onnx_add_layer(struct onnx_run *run, const struct onnx_node *node,
                                enum import_kind kind, struct import_layer **layer)
{
    const char *name = node->name;
    const size_t k = run->plan->n_layers;
    while (*name == '/')
        name++;
    enum lstm_status status = import_add_layer(run->plan, kind, name, layer, run->error);
    if (status == LSTM_OK)
        run->layers[k] = (struct onnx_layer){0};
    return status;
}

/* The time of one direction: the step that it reads last is its final h. With lengths that is not
 * the last one, which is zeros behind a shorter sequence. */
static enum onnx_when when_of(const struct onnx_run *run, const struct onnx_part *part)
{
    if ((part->reads == ONNX_FORWARD && part->when == ONNX_LAST_STEP && !run->has_lengths) ||
        (part->reads == ONNX_BACKWARD && part->when == ONNX_FIRST_STEP))
        return ONNX_FINAL_H;
    return part->when;
}

static enum lstm_status check_directions(struct onnx_run *run, const char *who,
                                         const struct onnx_flow *flow)
{
    const size_t k = flow->parts[0].layer - 1;
    struct import_layer *layer = &run->plan->layers[k];
    struct onnx_layer *about = &run->layers[k];
    const size_t n = onnx_flow_n_parts(flow);
    bool whole = n == (about->is_bidirectional ? 2U : 1U);
    for (size_t i = 0; i < n && whole; i++)
        whole = flow->parts[i].layer == k + 1 && flow->parts[i].stage == about->stage &&
                (n == 1 || flow->parts[i].reads == (i == 0 ? ONNX_FORWARD : ONNX_BACKWARD));
    const char *merge = flow->merge != NULL ? flow->merge : n == 2 ? "concat" : "";
    if (!whole || (layer->bidirectional[0] != '\0' && strcmp(layer->bidirectional, merge) != 0))
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads a part of what layer '%.60s' gives, or its directions in "
                         "another order: lstmd passes on both, forward first, joined or merged",
                         who, layer->name);
    snprintf(layer->bidirectional, sizeof layer->bidirectional, "%s", merge);
    return LSTM_OK;
}

/* The time that all directions have in common. The last step of both is the final h of the forward
 * one alone. */
static enum onnx_when common_when(const struct onnx_run *run, const struct onnx_flow *flow)
{
    const enum onnx_when when = when_of(run, &flow->parts[0]), as_picked = flow->parts[0].when;
    bool is_common = true, is_picked = true;
    for (size_t i = 1; i < onnx_flow_n_parts(flow); i++) {
        is_common &= when_of(run, &flow->parts[i]) == when;
        is_picked &= flow->parts[i].when == as_picked;
    }
    return is_common ? when : is_picked ? as_picked : ONNX_MIXED;
}

enum lstm_status onnx_read_when(struct onnx_run *run, const char *who, const struct onnx_flow *flow,
                                enum onnx_when *when)
{
    const size_t n_layers = run->plan->n_layers, k = flow->parts[0].layer;
    *when = common_when(run, flow);
    if (k != n_layers)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads %s%.60s%s, but layer '%.60s' comes between: lstmd runs layers "
                         "one after the other",
                         who, k == 0 ? "the graph's input" : "layer '",
                         k == 0 ? "" : run->plan->layers[k - 1].name, k == 0 ? "" : "'",
                         run->plan->layers[n_layers - 1].name);
    enum lstm_status status = k > 0 ? check_directions(run, who, flow) : LSTM_OK;
    if (status != LSTM_OK ||
        (*when != ONNX_FINAL_C && *when != ONNX_FIRST_STEP && *when != ONNX_MIXED))
        return status;
    if (*when == ONNX_MIXED)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads something else of the one direction of layer '%.60s' than of "
                         "the other (a step, their mean or maximum, the final h); lstmd passes on "
                         "the same of both",
                         who, run->plan->layers[k - 1].name);
    if (*when == ONNX_FINAL_C)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads the cell state c of layer '%.60s'; lstmd passes on h, and gives "
                         "c by `:state`",
                         who, run->plan->layers[k - 1].name);
    return lstm_fail(run->error, LSTM_UNSUPPORTED,
                     "%s reads a step of layer '%.60s' that is neither the last one nor the last "
                     "that it computed; lstmd passes on all steps, the last one, or the final h "
                     "(Y_h, h_n): export the model with that",
                     who, run->plan->layers[k - 1].name);
}

enum lstm_status onnx_end_steps(struct onnx_run *run, const char *who, enum onnx_when *when)
{
    static const char *const reductions[] = {
        [ONNX_LAST_STEP] = "last", [ONNX_MEAN_OF_STEPS] = "mean", [ONNX_MAX_OF_STEPS] = "max"};
    const size_t k = run->plan->n_layers;
    struct import_layer *layer;
    if (*when == ONNX_WHOLE || *when == ONNX_FINAL_H)
        return LSTM_OK;
    if (run->has_lengths)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads the %s of all steps, and sequence_lens is an input of the "
                         "graph: it would count the zeros behind a shorter sequence, which lstmd "
                         "never computes; export the model without lengths",
                         who, reductions[*when]);
    enum lstm_status status = import_add_layer(run->plan, IMPORT_POOLING, "", &layer, run->error);
    if (status != LSTM_OK)
        return status;
    layer->reduce = reductions[*when];
    run->layers[k] = (struct onnx_layer){.reads = run->layers[k - 1].reads};
    *when = ONNX_FINAL_H;
    return LSTM_OK;
}

/* Several inputs of a graph may be data by their shape; the network has one. */
static enum lstm_status choose_input(struct onnx_run *run, const char *who,
                                     const struct onnx_flow *flow)
{
    if (run->data_input == SIZE_MAX)
        run->data_input = flow->input;
    if (run->data_input == flow->input)
        return LSTM_OK;
    return lstm_fail(run->error, LSTM_UNSUPPORTED,
                     "%s reads input '%.60s' of the graph, but '%.60s' is read by an earlier "
                     "layer: lstmd runs networks of one input",
                     who, run->model->graph.inputs[run->input_numbers[flow->input]].name,
                     run->model->graph.inputs[run->input_numbers[run->data_input]].name);
}

enum lstm_status onnx_read_flow(struct onnx_run *run, const struct onnx_node *node, size_t k,
                                const struct onnx_flow **flow)
{
    const struct onnx_value *value = onnx_get(run, node, k);
    char who[160];
    onnx_describe(node, who);
    if (value->kind != ONNX_FLOW)
        return onnx_refuse_value(run, who, value);
    *flow = value->flow;
    if (value->flow->rank == 0 || !onnx_flow_is_features(value->flow, value->flow->rank - 1))
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s reads layer '%.60s' with its axes in another order, or with time or "
                         "batch joined to its features",
                         who,
                         value->flow->parts[0].layer > 0
                             ? run->plan->layers[value->flow->parts[0].layer - 1].name
                             : "");
    return value->flow->parts[0].layer == 0 ? choose_input(run, who, value->flow) : LSTM_OK;
}

/* A graph's input that is a weight: its value lies in a file of options->inputs, as the data sets
 * of ONNX's own tests have it. */
static enum lstm_status read_given(struct onnx_run *run, const char *who,
                                   const struct onnx_flow *flow, struct import_array *array)
{
    char path[512];
    struct onnx_bytes bytes;
    const char *name = run->model->graph.inputs[run->input_numbers[flow->input]].name;
    import_use(run->source, IMPORT_OPTION_INPUTS);
    if (run->options->inputs == NULL)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s takes its weights from input '%.60s' of the graph; if a folder beside "
                         "the file has the values as input_%zu.pb, name it with --inputs",
                         who, name, flow->input);
    const int n = snprintf(path, sizeof path, "%s/input_%zu.pb", run->options->inputs, flow->input);
    if (n < 0 || (size_t)n >= sizeof path)
        return lstm_fail(run->error, LSTM_INVALID, "--inputs: the name is too long");
    enum lstm_status status = import_map(run->source, path, &bytes.bytes, &bytes.n, run->error);
    return status == LSTM_OK ? onnx_tensor_read(run->source, name, bytes, array, run->error)
                             : status;
}

enum lstm_status onnx_read_weights(struct onnx_run *run, const struct onnx_node *node, size_t k,
                                   struct import_array *array)
{
    const struct onnx_value *value = onnx_get(run, node, k);
    char who[160], source[160];
    enum lstm_status status = LSTM_OK;
    onnx_describe(node, who);
    if (value->kind == ONNX_FLOW && value->flow->parts[0].layer == 0 &&
        value->flow->input != run->data_input) {
        status = read_given(run, who, value->flow, array);
    } else if (value->kind == ONNX_CONSTANT) {
        *array = value->array;
    } else if (value->kind == ONNX_UNKNOWN && value->node != NULL) {
        onnx_describe(value->node, source);
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s: input %zu is no constant: it comes from %s: %s", who, k, source,
                         value->why);
    } else {
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s: input %zu '%.60s' is no constant; lstmd needs the weights to be in "
                         "the file",
                         who, k, onnx_node_input(node, k));
    }
    if (status == LSTM_OK && array->dtype > IMPORT_BF16)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "%s: input %zu '%.60s' is of type %s; lstmd needs floats: export the "
                         "model before it is quantized",
                         who, k, array->name, import_dtype_name(array->dtype));
    return status;
}
