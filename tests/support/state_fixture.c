/* state_fixture.c: the networks, the daemon and the bodies. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/state_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/daemon.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tensor_json.h"

const char *const state_names[N_STATE_NETWORKS] = {"lstm", "gru", "stack", "projection"};
const size_t state_lengths[STATE_BATCH] = {STATE_LONGEST, 1, 0};
struct lstm_model *state_models[N_STATE_NETWORKS];
struct batch state_batches[N_STATE_NETWORKS];

static struct temp_folder folder;
static struct daemon server;

static void describe(struct reference_network networks[N_STATE_NETWORKS])
{
    networks[STATE_LSTM] = (struct reference_network){
        .n_layers = 2,
        .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 3, .forget_bias = 1},
                   {.kind = REFERENCE_DENSE, .name = "b", .units = 2, .activation = "softmax"}}};
    networks[STATE_GRU] = (struct reference_network){
        .n_layers = 1, .layers = {{.kind = REFERENCE_GRU, .name = "a", .units = 3}}};
    networks[STATE_STACK] = (struct reference_network){
        .n_layers = 3,
        .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 3, .return_sequences = true},
                   {.kind = REFERENCE_GRU, .name = "b", .units = 2, .return_sequences = true},
                   {.kind = REFERENCE_LSTM, .name = "c", .units = 4, .return_sequences = true}}};
    networks[STATE_PROJECTION] = (struct reference_network){.n_layers = 1,
                                                            .layers = {{.kind = REFERENCE_LSTM,
                                                                        .name = "a",
                                                                        .units = 5,
                                                                        .num_proj = 2,
                                                                        .use_peepholes = true}}};
}

void state_fixture_start(void)
{
    struct reference_network networks[N_STATE_NETWORKS];
    describe(networks);
    temp_folder_create(&folder);
    for (size_t k = 0; k < N_STATE_NETWORKS; k++) {
        networks[k].features = STATE_FEATURES;
        reference_init(&networks[k], 10 + k);
        state_models[k] = build_model(&networks[k], NULL);
        model_store_save(folder.path, state_names[k], "1", state_models[k]);
        struct lstm_runner *runner = create_runner(state_models[k], STATE_BATCH, 0);
        batch_init(&state_batches[k], &networks[k], STATE_BATCH, state_lengths, true, 20 + k);
        batch_run(&state_batches[k], runner, state_models[k]);
        lstm_runner_destroy(runner);
        reference_release(&networks[k]);
    }
    model_store_add(folder.path, "fixed", "1", model_fixed, 3);
    daemon_start(&server, folder.path, NULL);
}

void state_fixture_stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    for (size_t k = 0; k < N_STATE_NETWORKS; k++) {
        batch_release(&state_batches[k]);
        lstm_model_destroy(state_models[k]);
    }
    temp_folder_remove(&folder);
}

void state_try(const struct client_request *request, struct client_answer *answer)
{
    struct client client;
    client_init(&client, server.url);
    client_ask(&client, request, answer);
    client_release(&client);
}

json_t *state_ask(const struct client_request *request)
{
    struct client_answer answer;
    state_try(request, &answer);
    ck_assert_msg(answer.status == 200, "%d: %s", answer.status, answer.body);
    json_t *root = json_loads(answer.body, 0, NULL);
    ck_assert_ptr_nonnull(root);
    client_answer_release(&answer);
    return root;
}

json_t *state_ask_json(const char *path, json_t *body)
{
    char *text = json_dumps(body, 0);
    json_t *answer =
        state_ask(&(struct client_request){.path = path, .body = text, .body_bytes = strlen(text)});
    free(text);
    json_decref(body);
    return answer;
}

/* A leaf of the initial states of `n` sequences, or of one of them without the batch. */
static json_t *leaf_json(const struct lstm_sequence *sequences, size_t n, size_t offset,
                         size_t units)
{
    if (n == 1)
        return tensor_json(sequences->initial_state + offset, 1, &units);
    json_t *rows = json_array();
    for (size_t b = 0; b < n; b++)
        json_array_append_new(rows, tensor_json(sequences[b].initial_state + offset, 1, &units));
    return rows;
}

static json_t *state_json(const struct lstm_model *model, const struct lstm_sequence *sequences,
                          size_t n)
{
    const size_t n_recurrent = lstm_model_info(model)->n_recurrent;
    json_t *list = json_array();
    for (size_t k = 0; k < n_recurrent; k++) {
        const struct lstm_state_info *info = lstm_model_state(model, k);
        json_t *parts =
            json_pack("{s:o}", "h", leaf_json(sequences, n, info->h_offset, info->h_units));
        if (info->has_c)
            json_object_set_new(parts, "c", leaf_json(sequences, n, info->c_offset, info->units));
        json_array_append_new(list, parts);
    }
    if (n_recurrent > 1)
        return list;
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return only;
}

static json_t *row_body(size_t k)
{
    json_t *instances = json_array();
    for (size_t b = 0; b < STATE_BATCH; b++) {
        const struct lstm_sequence *sequence = &state_batches[k].sequences[b];
        const size_t shape[] = {sequence->steps, STATE_FEATURES};
        json_array_append_new(
            instances, json_pack("{s:o,s:o}", "input", tensor_json(sequence->input, 2, shape),
                                 "initial_state", state_json(state_models[k], sequence, 1)));
    }
    return json_pack("{s:o}", "instances", instances);
}

static json_t *column_body(size_t k, bool time_major)
{
    float inputs[STATE_BATCH * STATE_PADDED * STATE_FEATURES] = {0};
    const struct lstm_sequence *sequences = state_batches[k].sequences;
    const size_t shape[] = {time_major ? STATE_PADDED : STATE_BATCH,
                            time_major ? STATE_BATCH : STATE_PADDED, STATE_FEATURES};
    for (size_t b = 0; b < STATE_BATCH; b++)
        for (size_t t = 0; t < state_lengths[b]; t++)
            memcpy(inputs +
                       STATE_FEATURES * (time_major ? t * STATE_BATCH + b : b * STATE_PADDED + t),
                   sequences[b].input + t * STATE_FEATURES, STATE_FEATURES * sizeof *inputs);
    return json_pack("{s:b,s:{s:o,s:[i,i,i],s:o}}", "time_major", time_major, "inputs", "input",
                     tensor_json(inputs, 3, shape), "sequence_length", (int)state_lengths[0],
                     (int)state_lengths[1], (int)state_lengths[2], "initial_state",
                     state_json(state_models[k], sequences, STATE_BATCH));
}

json_t *state_body(size_t network, enum state_form form)
{
    return form == STATE_ROW ? row_body(network) : column_body(network, form == STATE_TIME_MAJOR);
}
