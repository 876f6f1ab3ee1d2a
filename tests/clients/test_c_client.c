/* test_c_client.c: the C client against the real daemon, and one that misbehaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/c/lstmd_client.h"
#include "tests/clients/fake_server.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_c_client(void);

enum { PIXELS = 784, ROW = 28, CLASSES = 10, SEVEN = 7, UNITS = 100 };

/* Of "abc" and "abcd". */
static const char key_lines[] =
    "admin sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    "predict sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\n";

static struct daemon server;
static struct fake_server fake;
static struct temp_folder folder;
static char certificate[256], key[256], keys[256], url[64];
static struct lstmd_client *client;
static unsigned char bytes[2 * PIXELS]; /* the digit, twice */
static float numbers[PIXELS];

static const struct lstmd_input digit = {.form = LSTMD_BYTES, .data = bytes, .n = PIXELS};

static void read_digit(void)
{
    size_t n;
    char *const file = temp_file_read("tests/data/mnist/digit.bin", &n);
    ck_assert_uint_eq(n, PIXELS);
    memcpy(bytes, file, PIXELS);
    memcpy(bytes + PIXELS, file, PIXELS);
    free(file);
    for (size_t k = 0; k < PIXELS; k++)
        numbers[k] = (float)bytes[k] / 255;
}

static struct lstmd_client *connect_to(struct lstmd_config config)
{
    struct lstmd_error error;
    struct lstmd_client *const made = lstmd_client_create(&config, &error);
    ck_assert_msg(made != NULL, "%s", error.text);
    return made;
}

/* A daemon over HTTP, or over TLS and with keys. */
static void start(bool is_secure)
{
    read_digit();
    temp_folder_create(&folder);
    certificate_write("lstmd", temp_folder_path(&folder, "certificate.pem", certificate),
                      temp_folder_path(&folder, "key.pem", key));
    temp_file_write(temp_folder_path(&folder, "keys", keys), key_lines, strlen(key_lines));
    ck_assert_int_eq(chmod(keys, 0600), 0);
    const char *const options[] = {"--api-keys", keys, "--tls-cert", certificate,
                                   "--tls-key",  key,  NULL};
    daemon_start(&server, "models", is_secure ? options : NULL);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", is_secure ? "https" : "http", server.port);
    client = connect_to((struct lstmd_config){.url = url,
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
    lstmd_client_destroy(client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

/* An answer that must be there. */
static json_t *need(json_t *answer)
{
    ck_assert_msg(answer != NULL, "%s", lstmd_client_error(client)->text);
    ck_assert_int_eq(lstmd_client_error(client)->status, LSTMD_OK);
    return answer;
}

/* An answer that must be an error whose sentence has this word. */
static void assert_refused(const json_t *answer, int status, const char *word)
{
    const struct lstmd_error *const error = lstmd_client_error(client);
    ck_assert_ptr_null(answer);
    ck_assert_int_eq(error->status, status);
    ck_assert_msg(strstr(error->text, word) != NULL, "%s", error->text);
}

/* The number that an answer, which is taken, has under this name. */
static double number_in(json_t *answer, const char *name)
{
    const json_t *const value = json_object_get(need(answer), name);
    ck_assert_msg(json_is_number(value), "no %s", name);
    const double number = json_number_value(value);
    json_decref(answer);
    return number;
}

/* That an answer, which is taken, holds n predictions of the digit. */
static void assert_seven(json_t *answer, size_t n)
{
    float found[2 * CLASSES];
    ck_assert_uint_eq(json_array_size(need(answer)), n);
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
        json_array_append_new(instance, lstmd_make_floats(numbers + y * ROW, ROW));
    return json_pack("[o]", instance);
}

START_TEST(test_c_client_predict_takes_every_form)
{
    size_t n;
    char *const png = temp_file_read("tests/data/mnist/digit.png", &n);
    json_t *const list = rows(0, ROW), *const body = json_pack("{s:O}", "inputs", list);
    const struct lstmd_input inputs[] = {
        {.form = LSTMD_BYTES, .data = bytes, .n = PIXELS},
        {.form = LSTMD_FLOATS, .data = numbers, .n = PIXELS},
        {.form = LSTMD_PNG, .data = png, .n = n},
        {.form = LSTMD_JSON, .json = list},
        {.form = LSTMD_JSON, .json = body},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        assert_seven(lstmd_client_predict(client, "mnist", &inputs[i]), 1);
    const struct lstmd_input twice = {.form = LSTMD_BYTES, .data = bytes, .n = 2 * PIXELS};
    assert_seven(lstmd_client_predict(client, "mnist/versions/1", &twice), 2);
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
    json_t *answer = need(lstmd_client_state(client, "mnist", &digit, NULL));
    ck_assert_uint_eq(json_object_size(answer), 2);
    ck_assert_uint_eq(lstmd_read_floats(json_object_get(answer, "outputs"), NULL, 0), ROW * UNITS);
    json_decref(answer);
    for (size_t i = 0; i < 2; i++) {
        answer = need(lstmd_client_state(client, "mnist", i == 0 ? &digit : &json, &options));
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
    const struct lstmd_examples asked = {.input = digit, .labels = labels};
    const struct lstmd_examples given = {
        .input = digit, .labels = labels, .sample_weight = weights, .learning_rate = 0.01};
    const double old = number_in(lstmd_client_evaluate(client, "mnist", &asked), "loss");
    ck_assert(number_in(lstmd_client_train_step(client, "mnist", &given), "step") == 1);
    ck_assert(number_in(lstmd_client_evaluate(client, "mnist", &asked), "loss") < old);
    ck_assert(number_in(lstmd_client_training(client, "mnist"), "unpublished_steps") == 1);
    json_t *const changed = need(lstmd_client_set_training(client, "mnist", 0.25, -1));
    const json_t *const settings = json_object_get(changed, "settings");
    ck_assert(json_number_value(json_object_get(settings, "learning_rate")) == 0.25);
    json_decref(changed);
    ck_assert(number_in(lstmd_client_reset(client, "mnist"), "step") == 0);
    assert_refused(lstmd_client_publish(client, "mnist"), LSTMD_CONFLICT, "learned");
    json_decref(labels);
    json_decref(weights);
}
END_TEST

START_TEST(test_c_client_models_and_server_tell_of_themselves)
{
    bool live, ready;
    json_t *answer = need(lstmd_client_models(client));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "models")), 1);
    json_decref(answer);
    answer = need(lstmd_client_metadata(client, "mnist"));
    ck_assert_ptr_nonnull(json_object_get(answer, "model_spec"));
    json_decref(answer);
    lstmd_client_health(client, &live, &ready);
    ck_assert(live && ready);
    answer = need(lstmd_client_metrics(client));
    ck_assert_ptr_nonnull(strstr(json_string_value(answer), "lstmd_requests_total"));
    json_decref(answer);
    json_decref(need(lstmd_client_unload(client, "mnist")));
    assert_refused(lstmd_client_predict(client, "mnist", &digit), LSTMD_NOT_FOUND, "mnist");
    json_decref(need(lstmd_client_load(client, "mnist")));
    answer = need(lstmd_client_model(client, "mnist"));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "model_version_status")), 1);
    json_decref(answer);
}
END_TEST

START_TEST(test_c_client_session_in_pieces_is_the_sequence_whole)
{
    struct lstmd_session *const session = lstmd_client_session(client, "mnist", "pen-1", NULL);
    ck_assert_msg(session != NULL, "%s", lstmd_client_error(client)->text);
    ck_assert_str_eq(lstmd_session_id(session), "pen-1");
    for (size_t from = 0; from < ROW; from += 14) {
        json_t *const piece = rows(from, 14);
        const struct lstmd_input input = {.form = LSTMD_JSON, .json = piece};
        json_t *const answer = need(lstmd_session_predict(session, &input));
        if (from > 0)
            assert_seven(answer, 1);
        else
            json_decref(answer);
        json_decref(piece);
    }
    ck_assert(number_in(lstmd_session_info(session), "steps") == 28);
    json_decref(need(lstmd_session_delete(session)));
    assert_refused(lstmd_session_info(session), LSTMD_NOT_FOUND, "pen-1");
    lstmd_session_destroy(session);
}
END_TEST

START_TEST(test_c_client_session_state_is_read_set_forked_and_moved)
{
    struct lstmd_session *const session = lstmd_client_session(client, "mnist", NULL, NULL);
    ck_assert_ptr_nonnull(session);
    json_decref(need(lstmd_session_state(session, &digit, NULL)));
    json_t *const state = need(lstmd_session_get_state(session));
    struct lstmd_session *const fork = lstmd_session_fork(session, "pen-2");
    ck_assert_ptr_nonnull(fork);
    json_t *const forked = need(lstmd_session_get_state(fork));
    ck_assert(json_equal(forked, state));
    json_decref(need(lstmd_session_set_state(fork, state)));
    json_decref(need(lstmd_session_move(fork, "1")));
    struct lstmd_session *const same = lstmd_client_open_session(client, "mnist", "pen-2");
    ck_assert_ptr_nonnull(same);
    struct lstmd_session *const begun =
        lstmd_client_session(client, "mnist", NULL, json_object_get(state, "state"));
    ck_assert_ptr_nonnull(begun);
    json_t *const list = need(lstmd_client_sessions(client, "mnist", 10, 0));
    ck_assert_uint_eq(json_array_size(json_object_get(list, "sessions")), 3);
    json_decref(list);
    json_decref(state);
    json_decref(forked);
    json_decref(need(lstmd_session_delete(same)));
    ck_assert_ptr_null(lstmd_client_open_session(client, "mnist", "pen-2"));
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
    assert_refused(lstmd_client_predict(client, "mnist", &input), LSTMD_BAD_REQUEST,
                   "instances[0]");
    ck_assert_uint_gt(strlen(lstmd_client_error(client)->request_id), 0);
    assert_refused(lstmd_client_predict(client, "no/../such?", &digit), LSTMD_NOT_FOUND, "no");
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
    const struct lstmd_examples examples = {.input = digit, .labels = labels};
    lstmd_client_destroy(client);
    client = connect_to((struct lstmd_config){.url = url,
                                              .api_key = cases[_i].key,
                                              .ca_file = cases[_i].is_trusting ? certificate : NULL,
                                              .retries = 1000});
    assert_refused(lstmd_client_train_step(client, "mnist", &examples), cases[_i].status,
                   cases[_i].word);
    json_decref(labels);
}
END_TEST

/* ---- A server that comes and goes --------------------------------------------------------- */

static json_t *train(const char *model)
{
    json_t *const labels = json_pack("[i]", SEVEN);
    const struct lstmd_examples examples = {.input = digit, .labels = labels};
    json_t *const answer = lstmd_client_train_step(client, model, &examples);
    json_decref(labels);
    return answer;
}

static void *train_in_thread(void *model)
{
    return train(model);
}

START_TEST(test_c_client_outlives_a_restart)
{
    pthread_t thread;
    void *answer;
    bool live, ready;
    char port[16];
    start_plain();
    lstmd_client_destroy(client);
    client = connect_to((struct lstmd_config){.url = url, .retries = 1000});
    assert_seven(lstmd_client_predict(client, "mnist", &digit), 1);
    snprintf(port, sizeof port, "%u", server.port);
    ck_assert_int_eq(daemon_stop(&server), 0);
    lstmd_client_health(client, &live, &ready);
    ck_assert(!live && !ready);
    static char model[] = "mnist";
    ck_assert_int_eq(pthread_create(&thread, NULL, train_in_thread, model), 0);
    daemon_start(&server, "models", (const char *const[]){"--port", port, NULL});
    ck_assert_int_eq(pthread_join(thread, &answer), 0);
    ck_assert(number_in(answer, "step") == 1);
    stop();
}
END_TEST

/* ---- A server that misbehaves ------------------------------------------------------------- */

static void start_fake(void)
{
    read_digit();
    fake_server_start(&fake);
    client = connect_to((struct lstmd_config){.url = fake.url, .timeout_seconds = 10});
}

static void stop_fake(void)
{
    lstmd_client_destroy(client);
    fake_server_stop(&fake);
}

static double count(const char *model, const char *what)
{
    return number_in(lstmd_client_model(client, model), what);
}

static float predict_one(const char *model)
{
    float value = 0;
    json_t *const answer = need(lstmd_client_predict(client, model, &digit));
    ck_assert_uint_eq(lstmd_read_floats(answer, &value, 1), 1);
    json_decref(answer);
    return value;
}

START_TEST(test_c_client_refused_request_is_tried_again)
{
    ck_assert(number_in(train("busy.train"), "step") == 3);
    ck_assert(predict_one("busy.predict") == 3);
    lstmd_client_destroy(client);
    client = connect_to((struct lstmd_config){.url = fake.url, .retries = 1});
    assert_refused(train("busy.twice"), LSTMD_UNAVAILABLE, "the queue is full");
    ck_assert_int_eq(lstmd_client_error(client)->retry_after_seconds, 0);
    ck_assert_str_eq(lstmd_client_error(client)->request_id, "r1");
    ck_assert(count("busy.twice", "requests") == 2);
}
END_TEST

START_TEST(test_c_client_refusal_by_a_proxy_is_tried_again_only_if_safe)
{
    ck_assert(predict_one("proxy.predict") == 2);
    assert_refused(train("proxy.train"), LSTMD_UNAVAILABLE, "answers 503");
    ck_assert(count("proxy.train", "requests") == 1);
}
END_TEST

START_TEST(test_c_client_broken_answer_is_asked_for_again_only_if_safe)
{
    static const char *const behaviours[] = {"cut", "cut-chunked", "reset"};
    char name[64];
    ck_assert(predict_one("fine") == 1); /* so that the next request goes over a kept connection */
    snprintf(name, sizeof name, "%s.train", behaviours[_i]);
    assert_refused(train(name), LSTMD_CONNECTION_FAILED, "");
    ck_assert(count(name, "requests") == 1);
    snprintf(name, sizeof name, "%s.predict", behaviours[_i]);
    ck_assert(predict_one(name) == 2);
}
END_TEST

START_TEST(test_c_client_silent_server_is_left_in_time)
{
    lstmd_client_destroy(client);
    client = connect_to((struct lstmd_config){.url = fake.url, .timeout_seconds = 0.3});
    assert_refused(lstmd_client_predict(client, "silent", &digit), LSTMD_TIMED_OUT, "time");
    ck_assert(count("silent", "requests") == 1);
}
END_TEST

START_TEST(test_c_client_connection_is_kept_and_a_closed_one_is_left)
{
    for (int k = 0; k < 5; k++)
        predict_one("fine.kept");
    ck_assert(count("fine.kept", "connections") == 1);
    struct lstmd_client *const asking = client;
    struct lstmd_client *const watching = connect_to((struct lstmd_config){.url = fake.url});
    for (int k = 1; k <= 3; k++) {
        client = watching;
        const double closed = count("closing", "closed");
        client = asking;
        ck_assert(number_in(train("closing"), "step") == k);
        client = watching;
        while (count("closing", "closed") == closed)
            continue;
    }
    client = asking;
    lstmd_client_destroy(watching);
}
END_TEST

START_TEST(test_c_client_answer_without_json_is_an_error)
{
    assert_refused(train("html"), LSTMD_CONNECTION_FAILED, "JSON");
}
END_TEST

START_TEST(test_c_client_arguments_are_checked)
{
    struct lstmd_error error;
    const struct lstmd_config no_scheme = {.url = "127.0.0.1:8501"};
    const struct lstmd_config no_time = {.timeout_seconds = -1};
    ck_assert_ptr_null(lstmd_client_create(&no_scheme, &error));
    ck_assert_int_eq(error.status, LSTMD_INVALID_ARGUMENT);
    ck_assert_ptr_null(lstmd_client_create(&no_time, NULL));
    json_t *const array = json_pack("[[f, f], [f, [i]]]", 1.5, 2.5, 3.5, 4);
    float values[3] = {0};
    ck_assert_uint_eq(lstmd_read_floats(array, values, 3), 4);
    ck_assert(values[0] == 1.5F && values[1] == 2.5F && values[2] == 3.5F);
    json_decref(array);
    ck_assert_ptr_null(lstmd_make_floats(&(float){NAN}, 1));
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
    TCase *restarted = tcase_create("restarted"), *misled = tcase_create("misled");
    tcase_add_checked_fixture(plain, start_plain, stop);
    add_calls(plain);
    tcase_add_checked_fixture(secure, start_secure, stop);
    add_calls(secure);
    tcase_add_loop_test(secure, test_c_client_key_and_certificate_decide, 0, 4);
    tcase_set_timeout(restarted, 60);
    tcase_add_test(restarted, test_c_client_outlives_a_restart);
    tcase_set_timeout(misled, 60);
    tcase_add_checked_fixture(misled, start_fake, stop_fake);
    tcase_add_test(misled, test_c_client_refused_request_is_tried_again);
    tcase_add_test(misled, test_c_client_refusal_by_a_proxy_is_tried_again_only_if_safe);
    tcase_add_loop_test(misled, test_c_client_broken_answer_is_asked_for_again_only_if_safe, 0, 3);
    tcase_add_test(misled, test_c_client_silent_server_is_left_in_time);
    tcase_add_test(misled, test_c_client_connection_is_kept_and_a_closed_one_is_left);
    tcase_add_test(misled, test_c_client_answer_without_json_is_an_error);
    tcase_add_test(misled, test_c_client_arguments_are_checked);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, secure);
    suite_add_tcase(suite, restarted);
    suite_add_tcase(suite, misled);
    return suite;
}
