/* test_status.c: what a daemon tells about its models, its health and its numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/lstm.h"
#include "tests/support/answer_text.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_status(void);

static struct temp_folder folder;
static struct daemon server;
static struct client client;

static void start(void)
{
    /* One thread tells the figures and has finished with every request of before. */
    static const char *const options[] = {"--log-level",  "off", "--training", "off",
                                          "--io-threads", "1",   NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "good", "1", model_any, 1);
    model_store_add(folder.path, "good", "3", model_any, 1);
    model_store_add(folder.path, "mixed", "5", model_any, 1);
    model_store_add_broken(folder.path, "mixed", "6");
    daemon_start(&server, folder.path, options);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

static void open_client(void)
{
    client_init(&client, server.url);
}

static void close_client(void)
{
    client_release(&client);
}

#define NOT_FOUND(sentence) "{\"error\":\"" sentence "\"}"
#define AVAILABLE(number)                                                                          \
    "{\"version\":\"" number "\",\"state\":\"AVAILABLE\","                                         \
    "\"status\":{\"error_code\":\"OK\",\"error_message\":\"\"}}"

static const struct {
    const char *path;
    int status;
    const char *body;
} answers[] = {
    {"/v1/models", 200,
     "{\"models\":[{\"name\":\"good\",\"versions\":[{\"version\":\"3\",\"state\":\"AVAILABLE\"}]},"
     "{\"name\":\"mixed\",\"versions\":[{\"version\":\"6\",\"state\":\"END\"},"
     "{\"version\":\"5\",\"state\":\"AVAILABLE\"}]}]}"},
    {"/v1/models/good", 200, "{\"model_version_status\":[" AVAILABLE("3") "]}"},
    {"/v1/models/good/versions/3", 200, "{\"model_version_status\":[" AVAILABLE("3") "]}"},
    {"/v1/models/mixed/versions/5", 200, "{\"model_version_status\":[" AVAILABLE("5") "]}"},
    {"/v1/models/none", 404, NOT_FOUND("Could not find any versions of model none")},
    {"/v1/models/good/versions/2", 404, NOT_FOUND("Could not find version 2 of model good")},
    {"/v1/models/none/versions/2", 404, NOT_FOUND("Could not find any versions of model none")},
    {"/v2/health/live", 200, "{\"live\":true}"},
    {"/v2/health/ready", 200, "{\"ready\":true}"},
};

START_TEST(test_status_answers_are_those_of_tensorflow_serving)
{
    struct client_answer answer;
    client_get(&client, answers[_i].path, &answer);
    ck_assert_int_eq(answer.status, answers[_i].status);
    ck_assert_str_eq(answer.body, answers[_i].body);
    ck_assert_str_eq(client_answer_field(&answer, "Content-Type"), "application/json");
    client_answer_release(&answer);
}
END_TEST

START_TEST(test_status_broken_version_is_reported_beside_the_one_that_serves)
{
    struct client_answer answer;
    client_get(&client, "/v1/models/mixed", &answer);
    json_t *root = json_loads(answer.body, 0, NULL);
    const char *version, *state, *code, *message;
    ck_assert_int_eq(json_unpack(root, "{s:[{s:s,s:s,s:{s:s,s:s}},{}]}", "model_version_status",
                                 "version", &version, "state", &state, "status", "error_code",
                                 &code, "error_message", &message),
                     0);
    ck_assert_str_eq(version, "6");
    ck_assert_str_eq(state, "END");
    ck_assert_str_eq(code, "INVALID_ARGUMENT");
    ck_assert_ptr_nonnull(strstr(message, "model.json"));
    json_decref(root);
    client_answer_release(&answer);

    client_post(&client, "/v1/models/mixed/versions/6:predict", "{\"instances\":[[[1,2]]]}",
                &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_ptr_nonnull(strstr(answer.body, "version 6 of model 'mixed' failed to load"));
    client_answer_release(&answer);
}
END_TEST

#define NAME  "[a-zA-Z_:][a-zA-Z0-9_:]*"
#define LABEL "[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\[\"\\\\n])*\""
#define VALUE "([-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?Inf|NaN)"

static const char line_pattern[] =
    "^(# HELP " NAME " .+|# TYPE " NAME " (counter|gauge|histogram)|" NAME "(\\{" LABEL "(," LABEL
    ")*\\})? " VALUE ")$";

static void get_metrics(struct client_answer *answer)
{
    client_get(&client, "/metrics", answer);
    ck_assert_int_eq(answer->status, 200);
}

START_TEST(test_status_every_line_of_the_metrics_is_in_the_text_format)
{
    struct client_answer answer;
    regex_t pattern;
    size_t n = 0;
    ck_assert_int_eq(regcomp(&pattern, line_pattern, REG_EXTENDED | REG_NOSUB), 0);
    client_post(&client, "/v1/models/good:predict", "{\"instances\":[[[1,2]]]}", &answer);
    client_answer_release(&answer);
    get_metrics(&answer);
    ck_assert_str_eq(client_answer_field(&answer, "Content-Type"), "text/plain; version=0.0.4");
    ck_assert_int_eq(answer.body[answer.body_bytes - 1], '\n');
    for (char *line = answer.body, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        ck_assert_msg(regexec(&pattern, line, 0, NULL, 0) == 0, "malformed line: %s", line);
        n++;
    }
    ck_assert_uint_gt(n, 20);
    regfree(&pattern);
    client_answer_release(&answer);
}
END_TEST

static const struct {
    const char *series;
    double step; /* how much a predict of two instances adds */
} counters[] = {
    {"lstmd_requests_total{model=\"good\",route=\"predict\",code=\"200\"}", 1},
    {"lstmd_request_duration_seconds_count{route=\"predict\"}", 1},
    {"lstmd_queue_duration_seconds_count{model=\"good\"}", 1},
    {"lstmd_batch_size_sum{model=\"good\"}", 2},
    {"lstmd_received_bytes_total", 31},
    {"lstmd_queue_depth{model=\"good\"}", 0},
    {"lstmd_loaded_versions{model=\"good\"}", 0},
    {"lstmd_requests_in_flight", 0},
};

START_TEST(test_status_predict_request_moves_the_metrics)
{
    struct client_answer before, answer, after;
    get_metrics(&before);
    client_post(&client, "/v1/models/good:predict", "{\"instances\":[[[1,2]],[[3,4]]]}", &answer);
    ck_assert_int_eq(answer.status, 200);
    client_answer_release(&answer);
    get_metrics(&after);
    for (int i = 0; i < N_CASES(counters); i++) {
        const double step = answer_metric(after.body, counters[i].series) -
                            answer_metric(before.body, counters[i].series);
        ck_assert_msg(step == counters[i].step, "%s moved by %g", counters[i].series, step);
    }
    ck_assert(answer_metric(after.body, "lstmd_loaded_versions{model=\"good\"}") == 1);
    ck_assert(answer_metric(after.body, "lstmd_load_failures_total{model=\"mixed\"}") == 1);
    ck_assert(answer_metric(after.body, "lstmd_requests_in_flight") == 1);
    client_answer_release(&before);
    client_answer_release(&after);
}
END_TEST

START_TEST(test_status_process_and_build_are_told)
{
    const double now = (double)time(NULL);
    struct client_answer answer;
    char series[128];
    get_metrics(&answer);
    snprintf(series, sizeof series, "lstmd_build_info{version=\"%s\",kernels=\"%s\"}", LSTM_VERSION,
             lstm_cpu_kernels());
    ck_assert(answer_metric(answer.body, series) == 1);
    const double started = answer_metric(answer.body, "process_start_time_seconds");
    ck_assert_msg(started > now - 3600 && started < now + 1, "%.3f at %.0f", started, now);
    ck_assert_double_gt(answer_metric(answer.body, "process_cpu_seconds_total"), 0);
    ck_assert_double_gt(answer_metric(answer.body, "process_resident_memory_bytes"), 1e6);
    client_answer_release(&answer);
}
END_TEST

START_TEST(test_status_processor_time_grows)
{
    const double before = daemon_metric(&client, "process_cpu_seconds_total");
    ck_assert_double_gt(daemon_metric(&client, "process_cpu_seconds_total"), before);
}
END_TEST

START_TEST(test_status_connections_are_counted)
{
    struct client another;
    daemon_wait_metric(&client, "lstmd_connections", 1);
    client_init(&another, server.url);
    ck_assert(daemon_metric(&another, "lstmd_connections") == 2);
    client_release(&another);
    daemon_wait_metric(&client, "lstmd_connections", 1);
}
END_TEST

/* Requests about models that are not there, each refused for another reason. */
static const struct {
    const char *method, *path, *content_type;
    int status;
} made_up[] = {{"POST", "/v1/models/made-up:predict", "application/json", 404},
               {"POST", "/v1/models/made-up:predict", "text/csv", 415},
               {"POST", "/v1/models/made-up:train-step", "application/json", 403},
               {"POST", "/v1/models/made-up:publish", "application/json", 403},
               {"POST", "/v1/models/made-up:load", "application/json", 404},
               {"POST", "/v1/models/made-up/sessions", "application/json", 404},
               {"GET", "/v1/models/made-up/sessions/s", NULL, 404},
               {"GET", "/v1/models/made-up", NULL, 404}};

START_TEST(test_status_unknown_models_make_no_series)
{
    struct client_answer answer;
    const struct client_request request = {.method = made_up[_i].method,
                                           .path = made_up[_i].path,
                                           .content_type = made_up[_i].content_type,
                                           .body = "{}",
                                           .body_bytes = made_up[_i].content_type ? 2 : 0};
    client_ask(&client, &request, &answer);
    ck_assert_int_eq(answer.status, made_up[_i].status);
    client_answer_release(&answer);
    get_metrics(&answer);
    ck_assert_ptr_null(strstr(answer.body, "made-up"));
    client_answer_release(&answer);
}
END_TEST

Suite *suite_status(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_checked_fixture(tcase, open_client, close_client);
    tcase_add_loop_test(tcase, test_status_answers_are_those_of_tensorflow_serving, 0,
                        N_CASES(answers));
    tcase_add_test(tcase, test_status_broken_version_is_reported_beside_the_one_that_serves);
    tcase_add_test(tcase, test_status_every_line_of_the_metrics_is_in_the_text_format);
    tcase_add_test(tcase, test_status_predict_request_moves_the_metrics);
    tcase_add_test(tcase, test_status_process_and_build_are_told);
    tcase_add_test(tcase, test_status_processor_time_grows);
    tcase_add_test(tcase, test_status_connections_are_counted);
    tcase_add_loop_test(tcase, test_status_unknown_models_make_no_series, 0, N_CASES(made_up));
    suite_add_tcase(suite, tcase);
    return suite;
}
