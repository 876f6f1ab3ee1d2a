/* test_c_client.c: the C client against the real daemon.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/clients/c_client.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_c_client(void);

enum { ROW = 28, CLASSES = 10, UNITS = 100 };

/* Of "abc" and "abcd". */
static const char key_lines[] =
    "admin sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    "predict sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\n";

static struct daemon server;
static struct temp_folder folder;
static char certificate[256], key[256], keys[256], url[64];

/* A daemon over HTTP, or over TLS and with keys. */
static void start(bool is_secure)
{
    c_client_read_digit();
    temp_folder_create(&folder);
    certificate_write("lstmd", temp_folder_path(&folder, "certificate.pem", certificate),
                      temp_folder_path(&folder, "key.pem", key));
    temp_file_write(temp_folder_path(&folder, "keys", keys), key_lines, strlen(key_lines));
    ck_assert_int_eq(chmod(keys, 0600), 0);
    const char *const options[] = {"--api-keys", keys, "--tls-cert", certificate,
                                   "--tls-key",  key,  NULL};
    daemon_start(&server, "models", is_secure ? options : NULL);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", is_secure ? "https" : "http", server.port);
    c_client.client =
        c_client_connect((struct lstmd_config){.url = url,
                                               .api_key = is_secure ? "abc" : NULL,
                                               .ca_file = is_secure ? certificate : NULL,
                                               .retries = -1});
}

static void start_plain(void)
{
    start(false);
}

static void start_secure(void)
{
    start(true);
}

static void stop(void)
{
    lstmd_client_destroy(c_client.client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

/* That an answer, which is taken, holds n predictions of the digit. */
static void assert_seven(json_t *answer, size_t n)
{
    float found[2 * CLASSES];
    ck_assert_uint_eq(json_array_size(c_client_need(answer)), n);
    ck_assert_uint_eq(lstmd_read_floats(answer, found, 2 * CLASSES), n * CLASSES);
    for (size_t i = 0; i < n; i++)
        ck_assert(found[i * CLASSES + SEVEN] > 0.9F);
    json_decref(answer);
}

/* Rows of the digit as an array with one instance, [n][28]; new. */
static json_t *rows(size_t from, size_t n)
{
    json_t *const instance = json_array();
    for (size_t y = from; y < from + n; y++)
        json_array_append_new(instance, lstmd_make_floats(c_client.numbers + y * ROW, ROW));
    return json_pack("[o]", instance);
}

START_TEST(test_c_client_predict_takes_every_form)
{
    size_t n;
    char *const png = temp_file_read("tests/data/mnist/digit.png", &n);
    json_t *const list = rows(0, ROW), *const body = json_pack("{s:O}", "inputs", list);
    const struct lstmd_input inputs[] = {
        {.form = LSTMD_BYTES, .data = c_client.bytes, .n = PIXELS},
        {.form = LSTMD_FLOATS, .data = c_client.numbers, .n = PIXELS},
        {.form = LSTMD_PNG, .data = png, .n = n},
        {.form = LSTMD_JSON, .json = list},
        {.form = LSTMD_JSON, .json = body},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        assert_seven(lstmd_client_predict(c_client.client, "mnist", &inputs[i]), 1);
    const struct lstmd_input twice = {.form = LSTMD_BYTES, .data = c_client.bytes, .n = 2 * PIXELS};
    assert_seven(lstmd_client_predict(c_client.client, "mnist/versions/1", &twice), 2);
    json_decref(body);
    json_decref(list);
    free(png);
}
END_TEST

START_TEST(test_c_client_state_gives_what_is_asked_for)
{
    const size_t first = 0;
    const struct lstmd_state_options options = {.trace = true,
                                                .gates = true,
                                                .predictions = true,
                                                .state_is_array = true,
                                                .layers = &first,
                                                .n_layers = 1};
    json_t *const list = rows(0, ROW);
    const struct lstmd_input json = {.form = LSTMD_JSON, .json = list};
    json_t *answer =
        c_client_need(lstmd_client_state(c_client.client, "mnist", &c_client_digit, NULL));
    ck_assert_uint_eq(json_object_size(answer), 2);
    ck_assert_uint_eq(lstmd_read_floats(json_object_get(answer, "outputs"), NULL, 0), ROW * UNITS);
    json_decref(answer);
    for (size_t i = 0; i < 2; i++) {
        answer = c_client_need(lstmd_client_state(c_client.client, "mnist",
                                                  i == 0 ? &c_client_digit : &json, &options));
        ck_assert_uint_eq(json_object_size(answer), 5);
        ck_assert_uint_eq(lstmd_read_floats(json_object_get(answer, "state"), NULL, 0), 2 * UNITS);
        json_decref(answer);
    }
    json_decref(list);
}
END_TEST

START_TEST(test_c_client_training_is_seen_and_forgotten)
{
    json_t *const labels = json_pack("[i]", 3), *const weights = json_pack("[f]", 0.5);
    const struct lstmd_examples asked = {.input = c_client_digit, .labels = labels};
    const struct lstmd_examples given = {
        .input = c_client_digit, .labels = labels, .sample_weight = weights, .learning_rate = 0.01};
    const double old =
        c_client_number(lstmd_client_evaluate(c_client.client, "mnist", &asked), "loss");
    ck_assert(c_client_number(lstmd_client_train_step(c_client.client, "mnist", &given), "step") ==
              1);
    ck_assert(c_client_number(lstmd_client_evaluate(c_client.client, "mnist", &asked), "loss") <
              old);
    ck_assert(
        c_client_number(lstmd_client_training(c_client.client, "mnist"), "unpublished_steps") == 1);
    json_t *const changed =
        c_client_need(lstmd_client_set_training(c_client.client, "mnist", 0.25, -1));
    const json_t *const settings = json_object_get(changed, "settings");
    ck_assert(json_number_value(json_object_get(settings, "learning_rate")) == 0.25);
    json_decref(changed);
    ck_assert(c_client_number(lstmd_client_reset(c_client.client, "mnist"), "step") == 0);
    assert_client_refused(lstmd_client_publish(c_client.client, "mnist"), LSTMD_CONFLICT,
                          "learned");
    json_decref(labels);
    json_decref(weights);
}
END_TEST

START_TEST(test_c_client_models_and_server_tell_of_themselves)
{
    bool live, ready;
    json_t *answer = c_client_need(lstmd_client_models(c_client.client));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "models")), 1);
    json_decref(answer);
    answer = c_client_need(lstmd_client_metadata(c_client.client, "mnist"));
    ck_assert_ptr_nonnull(json_object_get(answer, "model_spec"));
    json_decref(answer);
    lstmd_client_health(c_client.client, &live, &ready);
    ck_assert(live && ready);
    answer = c_client_need(lstmd_client_metrics(c_client.client));
    ck_assert_ptr_nonnull(strstr(json_string_value(answer), "lstmd_requests_total"));
    json_decref(answer);
    json_decref(c_client_need(lstmd_client_unload(c_client.client, "mnist")));
    assert_client_refused(lstmd_client_predict(c_client.client, "mnist", &c_client_digit),
                          LSTMD_NOT_FOUND, "mnist");
    json_decref(c_client_need(lstmd_client_load(c_client.client, "mnist")));
    answer = c_client_need(lstmd_client_model(c_client.client, "mnist"));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "model_version_status")), 1);
    json_decref(answer);
}
END_TEST

START_TEST(test_c_client_session_in_pieces_is_the_sequence_whole)
{
    struct lstmd_session *const session =
        lstmd_client_session(c_client.client, "mnist", "pen-1", NULL);
    ck_assert_msg(session != NULL, "%s", lstmd_client_error(c_client.client)->text);
    ck_assert_str_eq(lstmd_session_id(session), "pen-1");
    for (size_t from = 0; from < ROW; from += 14) {
        json_t *const piece = rows(from, 14);
        const struct lstmd_input input = {.form = LSTMD_JSON, .json = piece};
        json_t *const answer = c_client_need(lstmd_session_predict(session, &input));
        if (from > 0)
            assert_seven(answer, 1);
        else
            json_decref(answer);
        json_decref(piece);
    }
    ck_assert(c_client_number(lstmd_session_info(session), "steps") == 28);
    json_decref(c_client_need(lstmd_session_delete(session)));
    assert_client_refused(lstmd_session_info(session), LSTMD_NOT_FOUND, "pen-1");
    lstmd_session_destroy(session);
}
END_TEST

START_TEST(test_c_client_session_state_is_read_set_forked_and_moved)
{
    struct lstmd_session *const session =
        lstmd_client_session(c_client.client, "mnist", NULL, NULL);
    ck_assert_ptr_nonnull(session);
    json_decref(c_client_need(lstmd_session_state(session, &c_client_digit, NULL)));
    json_t *const state = c_client_need(lstmd_session_get_state(session));
    struct lstmd_session *const fork = lstmd_session_fork(session, "pen-2");
    ck_assert_ptr_nonnull(fork);
    json_t *const forked = c_client_need(lstmd_session_get_state(fork));
    ck_assert(json_equal(forked, state));
    json_decref(c_client_need(lstmd_session_set_state(fork, state)));
    json_decref(c_client_need(lstmd_session_move(fork, "1")));
    struct lstmd_session *const same = lstmd_client_open_session(c_client.client, "mnist", "pen-2");
    ck_assert_ptr_nonnull(same);
    struct lstmd_session *const begun =
        lstmd_client_session(c_client.client, "mnist", NULL, json_object_get(state, "state"));
    ck_assert_ptr_nonnull(begun);
    json_t *const list = c_client_need(lstmd_client_sessions(c_client.client, "mnist", 10, 0));
    ck_assert_uint_eq(json_array_size(json_object_get(list, "sessions")), 3);
    json_decref(list);
    json_decref(state);
    json_decref(forked);
    json_decref(c_client_need(lstmd_session_delete(same)));
    ck_assert_ptr_null(lstmd_client_open_session(c_client.client, "mnist", "pen-2"));
    lstmd_session_destroy(same);
    lstmd_session_destroy(fork);
    lstmd_session_destroy(begun);
    lstmd_session_destroy(session);
}
END_TEST

START_TEST(test_c_client_error_has_status_sentence_and_request)
{
    json_t *const list = json_pack("[[i, i]]", 1, 2);
    const struct lstmd_input input = {.form = LSTMD_JSON, .json = list};
    assert_client_refused(lstmd_client_predict(c_client.client, "mnist", &input), LSTMD_BAD_REQUEST,
                          "instances[0]");
    ck_assert_uint_gt(strlen(lstmd_client_error(c_client.client)->request_id), 0);
    assert_client_refused(lstmd_client_predict(c_client.client, "no/../such?", &c_client_digit),
                          LSTMD_NOT_FOUND, "no");
    json_decref(list);
}
END_TEST

START_TEST(test_c_client_key_and_certificate_decide)
{
    static const struct {
        const char *key, *word;
        int status;
        bool is_trusting;
    } cases[] = {{NULL, "API key", LSTMD_UNAUTHORIZED, true},
                 {"wrong", "not known", LSTMD_UNAUTHORIZED, true},
                 {"abcd", "train", LSTMD_FORBIDDEN, true},
                 {"abc", "certificate", LSTMD_CONNECTION_FAILED, false}};
    json_t *const labels = json_pack("[i]", 3);
    const struct lstmd_examples examples = {.input = c_client_digit, .labels = labels};
    lstmd_client_destroy(c_client.client);
    c_client.client = c_client_connect(
        (struct lstmd_config){.url = url,
                              .api_key = cases[_i].key,
                              .ca_file = cases[_i].is_trusting ? certificate : NULL,
                              .retries = 1000});
    assert_client_refused(lstmd_client_train_step(c_client.client, "mnist", &examples),
                          cases[_i].status, cases[_i].word);
    json_decref(labels);
}
END_TEST

/* ---- A server that comes and goes --------------------------------------------------------- */

static void *train_in_thread(void *model)
{
    return c_client_train(model);
}

START_TEST(test_c_client_outlives_a_restart)
{
    pthread_t thread;
    void *answer;
    bool live, ready;
    char port[16];
    start_plain();
    lstmd_client_destroy(c_client.client);
    c_client.client = c_client_connect((struct lstmd_config){.url = url, .retries = 1000});
    assert_seven(lstmd_client_predict(c_client.client, "mnist", &c_client_digit), 1);
    snprintf(port, sizeof port, "%u", server.port);
    ck_assert_int_eq(daemon_stop(&server), 0);
    lstmd_client_health(c_client.client, &live, &ready);
    ck_assert(!live && !ready);
    static char model[] = "mnist";
    ck_assert_int_eq(pthread_create(&thread, NULL, train_in_thread, model), 0);
    daemon_start(&server, "models", (const char *const[]){"--port", port, NULL});
    ck_assert_int_eq(pthread_join(thread, &answer), 0);
    ck_assert(c_client_number(answer, "step") == 1);
    stop();
}
END_TEST

static void add_calls(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_c_client_predict_takes_every_form);
    tcase_add_test(tcase, test_c_client_state_gives_what_is_asked_for);
    tcase_add_test(tcase, test_c_client_training_is_seen_and_forgotten);
    tcase_add_test(tcase, test_c_client_models_and_server_tell_of_themselves);
    tcase_add_test(tcase, test_c_client_session_in_pieces_is_the_sequence_whole);
    tcase_add_test(tcase, test_c_client_session_state_is_read_set_forked_and_moved);
    tcase_add_test(tcase, test_c_client_error_has_status_sentence_and_request);
}

Suite *suite_c_client(void)
{
    Suite *suite = suite_create("c_client");
    TCase *plain = tcase_create("plain"), *secure = tcase_create("secure");
    TCase *restarted = tcase_create("restarted");
    tcase_add_checked_fixture(plain, start_plain, stop);
    add_calls(plain);
    tcase_add_checked_fixture(secure, start_secure, stop);
    add_calls(secure);
    tcase_add_loop_test(secure, test_c_client_key_and_certificate_decide, 0, 4);
    tcase_set_timeout(restarted, 60);
    tcase_add_test(restarted, test_c_client_outlives_a_restart);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, secure);
    suite_add_tcase(suite, restarted);
    return suite;
}
