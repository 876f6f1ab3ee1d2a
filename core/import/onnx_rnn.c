/* onnx_rnn.c: LSTM and GRU nodes as layers (onnx/docs/Operators.md).
 * SPDX-License-Identifier: Apache-2.0
 *
 * W [directions, gates * H, I], R [directions, gates * H, H], B [directions, 2 * gates * H]: rows
 * of gates, i o f c of an LSTM, z r h of a GRU (its z is TensorFlow's u); P [directions, 3 * H]: i
 * o f. X is [T, B, I], or [B, T, I] with layout 1; Y [T, directions, B, H] or [B, T, directions,
 * H]; Y_h and Y_c [directions, B, H] or [B, directions, H]. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/activation.h"
#include "core/import/onnx_activation.h"
#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

enum { X, W, R, B, SEQUENCE_LENS, INITIAL_H, INITIAL_C, P };
enum { Y, Y_H, Y_C };

/* Of sigmoid and tanh nothing is left beyond: exp(-50) is 2e-22. */
static const double inert_clip = 50;

struct rnn {
    struct onnx_run *run;
    const struct onnx_node *node;
    char who[160];
    bool is_lstm;
    size_t n_gates, n_directions, units;
    enum onnx_reads reads;
    int64_t layout;
    unsigned time, batch; /* atoms of X's axes */
    bool is_second;       /* the other direction of the plan's last layer */
    struct import_layer *layer;
};

static enum lstm_status refuse(const struct rnn *rnn, const char *what)
{
    return lstm_fail(rnn->run->error, LSTM_UNSUPPORTED, "%s: %s", rnn->who, what);
}

static enum import_kind kind_of(const struct rnn *rnn)
{
    return rnn->is_lstm ? IMPORT_LSTM : IMPORT_GRU;
}

/* ---- Attributes -------------------------------------------------------------------------------
 */

static enum lstm_status read_direction(struct rnn *rnn)
{
    const char *direction = onnx_attribute_text(rnn->node, "direction", "forward");
    rnn->n_directions = strcasecmp(direction, "bidirectional") == 0 ? 2 : 1;
    rnn->reads = rnn->n_directions == 2                  ? ONNX_BOTH
                 : strcasecmp(direction, "reverse") == 0 ? ONNX_BACKWARD
                                                         : ONNX_FORWARD;
    if (rnn->reads == ONNX_FORWARD && strcasecmp(direction, "forward") != 0)
        return refuse(rnn, "direction must be forward, reverse or bidirectional");
    rnn->layout = onnx_attribute_int(rnn->node, "layout", 0);
    return rnn->layout == 0 || rnn->layout == 1 ? LSTM_OK : refuse(rnn, "layout must be 0 or 1");
}

/* lstmd's names of the activations of one direction, f g h or f g. Parameters are handed out in
 * order to the functions that take any, as ONNX Runtime does. */
static enum lstm_status name_activations(const struct rnn *rnn, const char *names[6])
{
    static const char *const defaults[] = {"Sigmoid", "Tanh", "Tanh"};
    const struct onnx_attribute *given = onnx_attribute(rnn->node, "activations");
    const struct onnx_attribute *lists[] = {onnx_attribute(rnn->node, "activation_alpha"),
                                            onnx_attribute(rnn->node, "activation_beta")};
    const size_t each = rnn->is_lstm ? 3 : 2, n = each * rnn->n_directions;
    size_t used[2] = {0};
    if (given != NULL && given->n_strings != n)
        return refuse(rnn, "activations does not name the functions of every direction");
    for (size_t i = 0; i < n; i++) {
        const char *name = given != NULL ? given->strings[i] : defaults[i % each];
        struct onnx_parameters parameters;
        const bool known = onnx_activation_parameters(name, &parameters);
        for (size_t k = 0; known && k < parameters.n; k++)
            if (lists[k] != NULL && used[k] < lists[k]->n_floats)
                parameters.value[k] = lists[k]->floats[used[k]++];
        names[i] = known ? onnx_activation_find(name, &parameters) : NULL;
        if (names[i] == NULL || activation_is_over_rows(names[i]))
            return lstm_fail(
                rnn->run->error, LSTM_UNSUPPORTED,
                "%s: activation '%.40s', or its alpha and beta, is none that lstmd has", rnn->who,
                name);
    }
    return LSTM_OK;
}

static enum lstm_status read_activations(const struct rnn *rnn)
{
    const char *names[6];
    const size_t each = rnn->is_lstm ? 3 : 2;
    enum lstm_status status = name_activations(rnn, names);
    if (status != LSTM_OK)
        return status;
    for (size_t i = each; i < each * rnn->n_directions; i++)
        if (strcmp(names[i], names[i - each]) != 0)
            return refuse(rnn, "its two directions have different activations");
    if (rnn->is_lstm && strcmp(names[1], names[2]) != 0)
        return refuse(rnn, "the activations of its candidate and of its output differ; lstmd's "
                           "LSTM has one for both");
    snprintf(rnn->layer->recurrent_activation, sizeof rnn->layer->recurrent_activation, "%s",
             names[0]);
    snprintf(rnn->layer->activation, sizeof rnn->layer->activation, "%s", names[1]);
    return LSTM_OK;
}

static enum lstm_status check_clip(const struct rnn *rnn)
{
    const double clip = onnx_attribute_float(rnn->node, "clip", 0);
    if (onnx_attribute_int(rnn->node, "input_forget", 0) != 0)
        return refuse(rnn, "input_forget couples its gates, which lstmd's cells do not");
    if (clip == 0.0)
        return LSTM_OK;
    if (clip >= inert_clip && strcmp(rnn->layer->activation, "tanh") == 0 &&
        strcmp(rnn->layer->recurrent_activation, "sigmoid") == 0) {
        import_note(rnn->run->source, "%s: clip %g is left out: sigmoid and tanh do not feel it",
                    rnn->who, clip);
        return LSTM_OK;
    }
    return refuse(rnn, "clip bounds what goes into the activations; lstmd's cell_clip bounds c, "
                       "which is not the same: export the model without it");
}

/* ---- Inputs -----------------------------------------------------------------------------------
 */

static enum lstm_status atom_of(const struct rnn *rnn, const struct onnx_flow *flow, size_t axis,
                                unsigned *atom)
{
    size_t first;
    const size_t n = onnx_flow_axis(flow, axis, &first);
    *atom = n == 1 ? flow->atoms[first].id : ONNX_NO_ATOM;
    return n <= 1 && (n == 0 || *atom < ONNX_PARTS)
               ? LSTM_OK
               : refuse(rnn, "its input has time and batch joined, or units in their place");
}

/* Requests have one order of axes, whatever the graph has. */
static void note_axes(struct onnx_run *run, const struct onnx_flow *flow)
{
    const struct onnx_input *input = &run->model->graph.inputs[run->input_numbers[flow->input]];
    if (input->rank == 3 && (run->batch != 0 || run->time != 1) && run->batch < input->rank &&
        run->time < input->rank)
        import_note(run->source,
                    "input '%.80s' of the graph has the batch on axis %u and time on axis %u; "
                    "requests are [batch, time, features]",
                    input->name, run->batch, run->time);
}

/* Which axes of the graph's input are time and batch is what its first recurrent node says. */
static enum lstm_status read_axes(struct rnn *rnn, const struct onnx_flow *flow)
{
    struct onnx_run *run = rnn->run;
    if (flow->rank != 3)
        return refuse(rnn, "its input has not three axes");
    enum lstm_status status = atom_of(rnn, flow, rnn->layout == 0 ? 0 : 1, &rnn->time);
    if (status == LSTM_OK)
        status = atom_of(rnn, flow, rnn->layout == 0 ? 1 : 0, &rnn->batch);
    if (status != LSTM_OK)
        return status;
    if (!run->has_axes) {
        run->has_axes = true;
        run->time = rnn->time;
        run->batch = rnn->batch;
        note_axes(run, flow);
    }
    return rnn->time == run->time && rnn->batch == run->batch
               ? LSTM_OK
               : refuse(rnn, "it takes for time what an earlier layer took for the batch");
}

static enum lstm_status read_input(struct rnn *rnn, const struct onnx_flow **flow)
{
    struct onnx_run *run = rnn->run;
    enum onnx_when when = ONNX_WHOLE;
    enum lstm_status status = onnx_read_flow(run, rnn->node, X, flow);
    rnn->is_second = status == LSTM_OK && onnx_pair_is_open(run, kind_of(rnn), rnn->reads, *flow);
    if (status == LSTM_OK && !rnn->is_second)
        status = onnx_read_when(run, rnn->who, *flow, &when);
    if (status == LSTM_OK)
        status = read_axes(rnn, *flow);
    if (status == LSTM_OK && when != ONNX_WHOLE)
        return refuse(rnn, "it reads one step of the layer before it, where all are needed");
    for (size_t i = 0; status == LSTM_OK && i < (*flow)->n_atoms; i++)
        if ((*flow)->atoms[i].id == run->time && run->plan->steps == 0)
            run->plan->steps = (*flow)->atoms[i].size;
    return status;
}

/* Lengths: those of a request, or whole sequences. */
static enum lstm_status check_lengths(const struct rnn *rnn)
{
    struct onnx_run *run = rnn->run;
    const struct onnx_value *value = onnx_get(run, rnn->node, SEQUENCE_LENS);
    struct onnx_sizes sizes;
    if (onnx_node_input(rnn->node, SEQUENCE_LENS)[0] == '\0')
        return LSTM_OK;
    if (value->flow != NULL && value->flow->parts[0].layer == 0 &&
        value->flow->input != run->data_input) {
        run->has_lengths = true;
        return LSTM_OK;
    }
    bool whole = onnx_value_sizes(value, &sizes);
    for (size_t i = 0; whole && i < sizes.n; i++)
        whole = sizes.at[i].known ? (uint64_t)sizes.at[i].number == run->plan->steps
                                  : sizes.at[i].atom == run->time && run->time != ONNX_NO_ATOM;
    return whole ? LSTM_OK
                 : refuse(rnn, "its sequence_lens are neither an input of the graph nor the number "
                               "of steps of its input");
}

/* A state of zeros, or one that each request brings. */
static enum lstm_status check_state(const struct rnn *rnn, size_t k)
{
    struct onnx_run *run = rnn->run;
    const struct onnx_value *value = onnx_get(run, rnn->node, k);
    if (onnx_node_input(rnn->node, k)[0] == '\0' ||
        (value->kind == ONNX_FILL && value->fill == 0.0) ||
        (value->kind == ONNX_CONSTANT && import_dtype_bytes(value->array.dtype) > 0 &&
         onnx_array_is_zero(&value->array)))
        return LSTM_OK;
    if (value->flow != NULL && value->flow->parts[0].layer == 0 &&
        value->flow->input != run->data_input) {
        run->has_state_input = true;
        return LSTM_OK;
    }
    if (value->kind == ONNX_UNKNOWN)
        return onnx_refuse_value(run, rnn->who, value);
    return refuse(rnn, value->kind == ONNX_FLOW
                           ? "its initial state comes from another layer"
                           : "its initial state is a constant that is not zero: lstmd's sequences "
                             "begin at zero, or where a request says; export the state as an "
                             "input of the graph");
}

/* ---- Weights ----------------------------------------------------------------------------------
 */

static enum lstm_status read_shaped(const struct rnn *rnn, size_t k, size_t rank, size_t columns,
                                    size_t last, struct import_array *array)
{
    enum lstm_status status = onnx_read_weights(rnn->run, rnn->node, k, array);
    if (status != LSTM_OK)
        return status;
    if (array->rank == rank && array->shape[0] == rnn->n_directions && array->shape[1] == columns &&
        (rank < 3 || last == 0 || array->shape[2] == last))
        return LSTM_OK;
    return lstm_fail(rnn->run->error, LSTM_SHAPE,
                     "%s: input %zu '%.40s' must have %zu axes, %zu directions and %zu values for "
                     "%zu units",
                     rnn->who, k, array->name, rank, rnn->n_directions, columns, rnn->units);
}

static enum lstm_status split_cell(const struct rnn *rnn, size_t d, const struct import_array *of,
                                   bool has_bias, struct import_cell *cell)
{
    struct lstm_error *error = rnn->run->error;
    const char *order = rnn->is_lstm ? "iofj" : "urc", *wanted = rnn->is_lstm ? "ijfo" : "ruc";
    const size_t rows = rnn->n_gates * rnn->units;
    const struct import_array w = import_transpose(import_drop_axis(of[W], 0, d));
    const struct import_array r = import_transpose(import_drop_axis(of[R], 0, d));
    enum lstm_status status = import_split(w, 1, order, wanted, cell->kernel, error);
    if (status == LSTM_OK)
        status = import_split(r, 1, order, wanted, cell->recurrent, error);
    if (status != LSTM_OK || !has_bias)
        return status;
    const struct import_array b = import_drop_axis(of[B], 0, d);
    status = import_split(import_cut(b, 0, 0, rows), 0, order, wanted, cell->bias, error);
    return status == LSTM_OK ? import_split(import_cut(b, 0, rows, rows), 0, order, wanted,
                                            cell->recurrent_bias, error)
                             : status;
}

static enum lstm_status read_peepholes(const struct rnn *rnn)
{
    struct import_array peepholes;
    if (!rnn->is_lstm || onnx_node_input(rnn->node, P)[0] == '\0')
        return LSTM_OK;
    enum lstm_status status = read_shaped(rnn, P, 2, 3 * rnn->units, 0, &peepholes);
    for (size_t d = 0; status == LSTM_OK && d < rnn->n_directions; d++)
        status = import_split(import_drop_axis(peepholes, 0, d), 0, "iof", "ijfo",
                              rnn->layer->cells[d].peephole, rnn->run->error);
    return status;
}

static enum lstm_status read_cells(struct rnn *rnn, size_t features)
{
    struct import_array arrays[B + 1];
    const bool has_bias = onnx_node_input(rnn->node, B)[0] != '\0';
    const size_t rows = rnn->n_gates * rnn->units;
    enum lstm_status status = read_shaped(rnn, W, 3, rows, features, &arrays[W]);
    if (status == LSTM_OK)
        status = read_shaped(rnn, R, 3, rows, rnn->units, &arrays[R]);
    if (status == LSTM_OK && has_bias)
        status = read_shaped(rnn, B, 2, 2 * rows, 0, &arrays[B]);
    for (size_t d = 0; status == LSTM_OK && d < rnn->n_directions; d++)
        status = split_cell(rnn, d, arrays, has_bias, &rnn->layer->cells[d]);
    return status == LSTM_OK ? read_peepholes(rnn) : status;
}

/* H: the last axis of R, which hidden_size must agree with. */
static enum lstm_status read_units(struct rnn *rnn)
{
    struct import_array r;
    enum lstm_status status = onnx_read_weights(rnn->run, rnn->node, R, &r);
    if (status != LSTM_OK)
        return status;
    rnn->units = r.rank == 3 ? r.shape[2] : 0;
    if (rnn->units == 0 || rnn->units > UINT32_MAX ||
        onnx_attribute_int(rnn->node, "hidden_size", (int64_t)rnn->units) != (int64_t)rnn->units)
        return refuse(rnn, "R and hidden_size do not agree");
    return LSTM_OK;
}

/* ---- Outputs ----------------------------------------------------------------------------------
 */

static void add_atom(struct onnx_flow *flow, unsigned id, size_t axis, const struct onnx_flow *of)
{
    for (size_t i = 0; i < of->n_atoms; i++)
        if (of->atoms[i].id == id)
            onnx_flow_add(flow, id, axis, of->atoms[i].size);
}

static enum lstm_status set_output(const struct rnn *rnn, const struct onnx_flow *from, size_t k)
{
    enum { TIME = 'T', BATCH = 'B', DIRECTION = 'D' };
    static const char *const axes[2][2] = {{"TDB", "DB"}, {"BTD", "BD"}};
    const char *order = axes[rnn->layout][k == Y ? 0 : 1];
    struct onnx_flow flow = {
        .input = from->input, .rank = strlen(order) + 1, .n_parts = rnn->n_directions};
    for (size_t axis = 0; order[axis] != '\0'; axis++) {
        if (order[axis] == DIRECTION && rnn->n_directions > 1)
            onnx_flow_add(&flow, ONNX_PARTS, axis, rnn->n_directions);
        else if (order[axis] != DIRECTION)
            add_atom(&flow, order[axis] == TIME ? rnn->time : rnn->batch, axis, from);
    }
    onnx_flow_add(&flow, ONNX_UNITS, flow.rank - 1, rnn->units);
    for (size_t d = 0; d < rnn->n_directions; d++)
        flow.parts[d] = (struct onnx_part){
            .layer = rnn->run->plan->n_layers,
            .reads = rnn->reads == ONNX_BOTH ? (d == 0 ? ONNX_FORWARD : ONNX_BACKWARD) : rnn->reads,
            .when = k == Y     ? ONNX_WHOLE
                    : k == Y_H ? ONNX_FINAL_H
                               : ONNX_FINAL_C};
    return onnx_set_flow(rnn->run, rnn->node, k, &flow);
}

/* The node's cells and options; its layer is there. */
static enum lstm_status read_layer(struct rnn *rnn, const struct onnx_flow *from)
{
    size_t features;
    if (!onnx_flow_size(from, 2, &features))
        features = 0;
    rnn->layer->units = rnn->units;
    rnn->layer->reset_after =
        !rnn->is_lstm && onnx_attribute_int(rnn->node, "linear_before_reset", 0) != 0;
    enum lstm_status status = read_cells(rnn, features);
    if (status == LSTM_OK)
        status = read_activations(rnn);
    return status == LSTM_OK ? check_clip(rnn) : status;
}

static enum lstm_status add_layer(struct rnn *rnn, const struct onnx_flow *from)
{
    struct onnx_run *run = rnn->run;
    enum lstm_status status = onnx_add_layer(run, rnn->node, kind_of(rnn), &rnn->layer);
    if (status != LSTM_OK)
        return status;
    struct onnx_layer *about = &run->layers[run->plan->n_layers - 1];
    about->is_recurrent = true;
    about->is_bidirectional = rnn->n_directions == 2;
    about->reads = rnn->reads;
    about->from = from;
    rnn->layer->go_backwards = rnn->reads == ONNX_BACKWARD;
    return read_layer(rnn, from);
}

static enum lstm_status add_direction(struct rnn *rnn, const struct onnx_flow *from)
{
    struct import_layer second = {.kind = kind_of(rnn)};
    rnn->layer = &second;
    enum lstm_status status = read_layer(rnn, from);
    rnn->layer = NULL;
    return status == LSTM_OK ? onnx_pair_close(rnn->run, rnn->who, rnn->reads, &second) : status;
}

enum lstm_status onnx_rnn_evaluate(struct onnx_run *run, const struct onnx_node *node)
{
    struct rnn rnn = {.run = run, .node = node, .is_lstm = strcmp(node->op, "LSTM") == 0};
    const struct onnx_flow *from;
    rnn.n_gates = rnn.is_lstm ? 4 : 3;
    onnx_describe(node, rnn.who);
    enum lstm_status status = read_direction(&rnn);
    if (status == LSTM_OK)
        status = read_input(&rnn, &from);
    if (status == LSTM_OK)
        status = read_units(&rnn);
    if (status == LSTM_OK)
        status = rnn.is_second ? add_direction(&rnn, from) : add_layer(&rnn, from);
    if (status == LSTM_OK)
        status = check_lengths(&rnn);
    if (status == LSTM_OK)
        status = check_state(&rnn, INITIAL_H);
    if (status == LSTM_OK && rnn.is_lstm)
        status = check_state(&rnn, INITIAL_C);
    for (size_t k = Y; status == LSTM_OK && k <= (rnn.is_lstm ? Y_C : Y_H); k++)
        status = set_output(&rnn, from, k);
    return status;
}
