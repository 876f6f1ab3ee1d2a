/* reader_onnx.c: ONNX files. SPDX-License-Identifier: Apache-2.0
 *
 * open() lists the initializers. plan() runs the graph with axes instead of numbers (onnx_run.h)
 * and sees which of its outputs is what the last layer gives. */
#include <stdio.h>
#include <string.h>

#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/import/readers.h"
#include "core/status.h"

static bool probe(const struct import_source *source)
{
    return source->bytes != NULL && onnx_model_probe(source->bytes, source->n);
}

static enum lstm_status open_file(struct import_source *source, struct lstm_error *error)
{
    struct onnx_model *model = import_allocate(source, sizeof *model);
    struct import_array array;
    if (model == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a graph");
    enum lstm_status status = onnx_model_read(source, model, error);
    const struct onnx_graph *graph = &model->graph;
    for (size_t i = 0; i < graph->n_initializers && status == LSTM_OK; i++) {
        const struct onnx_initializer *initializer = &graph->initializers[i];
        status = onnx_tensor_read(source, initializer->name, initializer->tensor, &array, error);
        if (status == LSTM_OK)
            status = import_add_array(source, &array, error);
    }
    source->state = model;
    return status;
}

/* ---- Running the graph ------------------------------------------------------------------------
 */

/* Operators that are known not to be layers, and what to do about them. */
static const struct {
    const char *op, *why;
} refusals[] = {
    {"LayerNormalization", "lstmd has no such layer"},
    {"Loop", "a Loop is a network unrolled by hand, as tf2onnx makes of GRUs; convert the original "
             "model, or export it with GRU or LSTM nodes"},
    {"RNN", "lstmd has LSTM and GRU layers, no simple RNN"},
    {"Scan", "a Scan is a network unrolled by hand; export the model with GRU or LSTM nodes"},
};

static enum lstm_status refuse_operator(struct onnx_run *run, const struct onnx_node *node)
{
    const char *why = "lstmd does not know this operator; cut the graph before it (onnx.utils."
                      "extract_model), or convert the original model";
    enum lstm_status status = LSTM_OK;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(refusals[i].op, node->op) == 0)
            why = refusals[i].why;
    for (size_t k = 0; k < node->n_outputs && status == LSTM_OK; k++)
        status = onnx_set(run, node, k,
                          &(struct onnx_value){.kind = ONNX_UNKNOWN, .why = why, .node = node});
    return status;
}

/* The branch of an If whose condition is known: torch's squeeze() asks for sizes that are. */
static enum lstm_status choose_branch(struct onnx_run *run, const struct onnx_node *node)
{
    struct onnx_sizes condition;
    struct onnx_graph branch;
    if (!onnx_value_sizes(onnx_get(run, node, 0), &condition) || condition.n != 1 ||
        !condition.at[0].known || run->depth == ONNX_MAX_DEPTH)
        return onnx_set_unknown(run, node, "which branch it takes depends on the request");
    const struct onnx_attribute *attribute =
        onnx_attribute(node, condition.at[0].number != 0 ? "then_branch" : "else_branch");
    if (attribute == NULL)
        return onnx_set_unknown(run, node, "it has no such branch");
    enum lstm_status status = onnx_graph_read(run->source, attribute->message, &branch, run->error);
    run->depth++;
    if (status == LSTM_OK)
        status = onnx_run_graph(run, &branch);
    run->depth--;
    for (size_t k = 0; status == LSTM_OK && k < branch.n_outputs; k++) {
        const struct onnx_value *value = onnx_values_find(run, branch.outputs[k]);
        if (value != NULL)
            status = onnx_set(run, node, k, value);
    }
    return status;
}

static enum lstm_status run_node(struct onnx_run *run, const struct onnx_node *node)
{
    static const struct onnx_operator *const tables[] = {
        onnx_constant_operators, onnx_shape_operators, onnx_join_operators, onnx_reduce_operators,
        onnx_layer_operators};
    if (node->domain[0] != '\0' && strcmp(node->domain, "ai.onnx") != 0)
        return onnx_set_unknown(run, node, "its domain is not ONNX's own");
    if (strcmp(node->op, "If") == 0)
        return choose_branch(run, node);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct onnx_operator *row = tables[t]; row->op != NULL; row++)
            if (strcmp(row->op, node->op) == 0)
                return row->evaluate(run, node);
    return refuse_operator(run, node);
}

enum lstm_status onnx_run_graph(struct onnx_run *run, const struct onnx_graph *graph)
{
    enum lstm_status status = LSTM_OK;
    struct import_array array;
    for (size_t i = 0; i < graph->n_initializers && status == LSTM_OK; i++) {
        const struct onnx_initializer *initializer = &graph->initializers[i];
        status = onnx_tensor_read(run->source, initializer->name, initializer->tensor, &array,
                                  run->error);
        if (status == LSTM_OK)
            status = onnx_values_set(run, initializer->name,
                                     &(struct onnx_value){.kind = ONNX_CONSTANT, .array = array});
    }
    for (size_t i = 0; i < graph->n_nodes && status == LSTM_OK; i++)
        status = run_node(run, &graph->nodes[i]);
    return status;
}

/* ---- Inputs and outputs -----------------------------------------------------------------------
 */

/* Inputs that no initializer gives flow. One without a shape could be anything. */
static enum lstm_status add_inputs(struct onnx_run *run)
{
    const struct onnx_graph *graph = &run->model->graph;
    enum lstm_status status = LSTM_OK;
    run->input_numbers = import_allocate(run->source, graph->n_inputs * sizeof(size_t));
    if (run->input_numbers == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's inputs");
    for (size_t i = 0; i < graph->n_inputs && status == LSTM_OK; i++) {
        const struct onnx_input *input = &graph->inputs[i];
        if (import_find(run->source, input->name) != NULL)
            continue;
        struct onnx_flow *flow = import_allocate(run->source, sizeof *flow);
        if (flow == NULL)
            return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's inputs");
        *flow = (struct onnx_flow){.input = run->n_inputs, .rank = input->rank, .n_parts = 1};
        for (size_t axis = 0; axis < input->rank; axis++)
            onnx_flow_add(flow, (unsigned)axis, axis, input->shape[axis]);
        run->input_numbers[run->n_inputs++] = i;
        status = onnx_values_set(run, input->name,
                                 &(struct onnx_value){.kind = ONNX_FLOW, .flow = flow});
    }
    return status;
}

/* What `:state` gives beside the output: states of recurrent layers, and all that the last one
 * gives. */
static bool is_state(const struct onnx_run *run, const struct onnx_value *value)
{
    if (value->kind != ONNX_FLOW || value->flow->parts[0].layer == 0)
        return false;
    for (size_t i = 0; i < value->flow->n_parts; i++) {
        const struct onnx_part *part = &value->flow->parts[i];
        if (!run->layers[part->layer - 1].is_recurrent ||
            (part->when != ONNX_FINAL_H && part->when != ONNX_FINAL_C))
            return false;
    }
    return true;
}

/* Whether it is what the last recurrent layer gives. */
static bool is_of_last(const struct onnx_run *run, const struct onnx_value *value,
                       enum onnx_when when)
{
    size_t last = run->plan->n_layers;
    while (last > 0 && !run->layers[last - 1].is_recurrent)
        last--;
    return value->kind == ONNX_FLOW && last > 0 && value->flow->parts[0].layer == last &&
           value->flow->parts[0].when == when;
}

static const struct onnx_value *output_at(const struct onnx_run *run, size_t k)
{
    static const struct onnx_value none = {.kind = ONNX_UNKNOWN, .why = "it has no node"};
    const struct onnx_value *value = onnx_values_find(run, run->model->graph.outputs[k]);
    return value != NULL ? value : &none;
}

/* How little an output looks like what the network is for: logits beside their softmax, sequences
 * and states beside what is made of them, states of other layers beside the last one's h. */
static unsigned rank_output(const struct onnx_run *run, const struct onnx_value *value)
{
    if (is_state(run, value))
        return is_of_last(run, value, ONNX_FINAL_H) ? 3 : 4;
    if (is_of_last(run, value, ONNX_WHOLE))
        return 2;
    const size_t k = run->plan->n_layers;
    const bool is_last = value->kind == ONNX_FLOW && k > 0 && value->flow->parts[0].layer == k &&
                         value->flow->parts[0].stage == run->layers[k - 1].stage;
    return is_last ? 0 : 1;
}

/* The output that predictions are; the number of outputs if there is none. */
static size_t choose_output(const struct onnx_run *run)
{
    const size_t n = run->model->graph.n_outputs;
    size_t chosen = n;
    for (size_t k = 0; k < n; k++)
        if (chosen == n ||
            rank_output(run, output_at(run, k)) < rank_output(run, output_at(run, chosen)))
            chosen = k;
    return chosen;
}

static enum lstm_status check_outputs(struct onnx_run *run, size_t chosen)
{
    const struct onnx_graph *graph = &run->model->graph;
    for (size_t k = 0; k < graph->n_outputs; k++) {
        const struct onnx_value *value = output_at(run, k);
        if (k == chosen)
            continue;
        if (!is_state(run, value) && !is_of_last(run, value, ONNX_WHOLE))
            return lstm_fail(run->error, LSTM_UNSUPPORTED,
                             "the graph has several outputs, '%.60s' and '%.60s'; lstmd serves "
                             "one: cut the other off (onnx.utils.extract_model)",
                             graph->outputs[chosen], graph->outputs[k]);
        import_note(run->source, "output '%s' is %s: `:state` gives it", graph->outputs[k],
                    is_state(run, value) ? "a state" : "what the last recurrent layer gives");
    }
    return LSTM_OK;
}

/* Recurrent layers pass on sequences, but for the last one if only its final h is used. */
static void set_sequences(struct onnx_run *run, enum onnx_when when)
{
    bool behind = when == ONNX_WHOLE;
    for (size_t k = run->plan->n_layers; k-- > 0;) {
        struct import_layer *layer = &run->plan->layers[k];
        behind |= layer->kind == IMPORT_POOLING;
        if (!run->layers[k].is_recurrent)
            continue;
        layer->return_sequences = behind;
        behind = true;
    }
}

static enum lstm_status finish(struct onnx_run *run)
{
    struct import_plan *plan = run->plan;
    char who[160];
    enum onnx_when when;
    const size_t chosen = choose_output(run);
    if (chosen == run->model->graph.n_outputs)
        return lstm_fail(run->error, LSTM_FORMAT, "the graph has no output");
    const struct onnx_value *value = output_at(run, chosen);
    snprintf(who, sizeof who, "output '%.100s'", run->model->graph.outputs[chosen]);
    if (value->kind != ONNX_FLOW)
        return onnx_refuse_value(run, who, value);
    if (!run->has_axes || plan->n_layers == 0)
        return lstm_fail(run->error, LSTM_UNSUPPORTED,
                         "the graph has no LSTM or GRU node; lstmd serves recurrent networks");
    enum lstm_status status = onnx_read_when(run, who, value->flow, &when);
    if (status == LSTM_OK)
        status = onnx_end_steps(run, who, &when);
    if (status == LSTM_OK)
        status = check_outputs(run, chosen);
    if (status == LSTM_OK)
        set_sequences(run, when);
    return status;
}

static void note_inputs(struct onnx_run *run)
{
    if (run->has_lengths)
        import_note(run->source, "sequence_lens are those of a request's sequences");
    if (run->has_state_input)
        import_note(run->source, "initial states are those of a request's initial_state, else "
                                 "zeros");
    if (run->has_lengths || run->options->steps > 0)
        run->plan->steps = run->options->steps;
    run->plan->scale = run->options->scale;
}

static enum lstm_status plan_network(struct import_source *source,
                                     const struct lstm_import_options *options,
                                     struct import_plan *plan, struct lstm_error *error)
{
    struct onnx_run run = {.source = source,
                           .options = options,
                           .plan = plan,
                           .model = source->state,
                           .error = error,
                           .data_input = SIZE_MAX,
                           .time = ONNX_NO_ATOM,
                           .batch = ONNX_NO_ATOM};
    const struct onnx_graph *graph = &run.model->graph;
    if (!onnx_values_init(&run, graph->n_nodes + graph->n_initializers + graph->n_inputs))
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the graph's values");
    enum lstm_status status = add_inputs(&run);
    if (status == LSTM_OK)
        status = onnx_run_graph(&run, graph);
    if (status == LSTM_OK)
        status = finish(&run);
    if (status == LSTM_OK)
        note_inputs(&run);
    return status;
}

const struct import_reader reader_onnx = {
    .name = "onnx", .title = "ONNX", .probe = probe, .open = open_file, .plan = plan_network};
