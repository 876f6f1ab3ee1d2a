/* test_model_repository.c: a daemon follows its repository while requests run on.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/fault_plan.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_model_repository(void);

static struct temp_folder folder;
static struct daemon server;
static struct client client;

static void make_folder(void)
{
    temp_folder_create(&folder);
}

static void remove_folder(void)
{
    temp_folder_remove(&folder);
}

static void write_policies(const char *text)
{
    char path[256];
    temp_file_write(temp_folder_path(&folder, "models.json", path), text, strlen(text));
}

/* A daemon that looks for new versions only when it is told to. */
static void start_without_polling(void)
{
    static const char *const options[] = {"--model-poll-seconds", "0", "--log-level", "off", NULL};
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
}

static void stop(void)
{
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}

/* Sends GET, or POST with that body, and expects the status and a part of the answer. */
static void expect(const char *path, const char *body, int status, const char *part)
{
    struct client_answer answer;
    if (body == NULL)
        client_get(&client, path, &answer);
    else
        client_post(&client, path, body, &answer);
    ck_assert_msg(answer.status == status && strstr(answer.body, part) != NULL,
                  "%s: expected %d with %s, found %d: %s", path, status, part, answer.status,
                  answer.body);
    client_answer_release(&answer);
}

#define ONE "{\"instances\":[[[1,2]]]}"

/* Asks for the status until it has this part. */
static void wait_for_status(const char *path, const char *part)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    for (bool found = false; !found;) {
        struct client_answer answer;
        client_get(&client, path, &answer);
        found = strstr(answer.body, part) != NULL;
        ck_assert_msg(found || monotonic_us() < until_us, "no %s: %s", part, answer.body);
        client_answer_release(&answer);
    }
}

START_TEST(test_model_repository_new_version_is_found_by_polling)
{
    static const char *const options[] = {"--model-poll-seconds", "1", NULL};
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
    model_store_add(folder.path, "m", "2", model_any, 2);
    wait_for_status("/v1/models/m", "\"version\":\"2\",\"state\":\"AVAILABLE\"");
    wait_for_status("/v1/models", "[{\"version\":\"2\",\"state\":\"AVAILABLE\"}]");
    expect("/v1/models/m/versions/2:predict", ONE, 200, "predictions");
    expect("/v1/models/m/versions/1:predict", ONE, 404, "version 1 of model 'm' is not served");
    stop();
}
END_TEST

START_TEST(test_model_repository_new_version_is_found_after_sighup)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    start_without_polling();
    model_store_add(folder.path, "m", "2", model_any, 2);
    daemon_signal(&server, SIGHUP);
    wait_for_status("/v1/models/m", "\"version\":\"2\",\"state\":\"AVAILABLE\"");
    stop();
}
END_TEST

START_TEST(test_model_repository_broken_version_is_told_and_disturbs_nothing)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    start_without_polling();
    model_store_add_broken(folder.path, "m", "2");
    expect("/v1/models/m:load", "", 200, "\"version\":\"2\",\"state\":\"END\"");
    expect("/v1/models/m/versions/2", NULL, 200, "\"error_code\":\"INVALID_ARGUMENT\"");
    expect("/v1/models/m:predict", ONE, 200, "predictions");
    expect("/v1/models/m/versions/2:predict", ONE, 404, "version 2 of model 'm' failed to load");
    expect("/v2/health/ready", NULL, 200, "true");
    expect("/metrics", NULL, 200, "lstmd_load_failures_total{model=\"m\"} 1\n");
    model_store_add(folder.path, "m", "2", model_any, 2);
    expect("/v1/models/m:load", "", 200, "\"version\":\"2\",\"state\":\"AVAILABLE\"");
    expect("/metrics", NULL, 200, "lstmd_loaded_versions{model=\"m\"} 1\n");
    stop();
}
END_TEST

START_TEST(test_model_repository_labels_lead_to_their_versions)
{
    write_policies("{\"models\":{\"m\":{\"labels\":{\"stable\":1,\"next\":3}}}}");
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add(folder.path, "m", "2", model_rows, 2);
    start_without_polling();
    expect("/v1/models/m/labels/stable", NULL, 200, "[{\"version\":\"1\",\"state\":\"AVAILABLE\"");
    expect("/v1/models/m/labels/stable/metadata", NULL, 200, "\"version\":\"1\"");
    expect("/v1/models/m/labels/stable:predict", ONE, 200, "{\"predictions\":[[0");
    expect("/v1/models/m:predict", ONE, 200, "{\"predictions\":[[[");
    expect("/v1/models/m/labels/next", NULL, 404, "Could not find version 3 of model m");
    expect("/v1/models/m/labels/next:predict", ONE, 404,
           "the version with label 'next' of model 'm' is not served");
    expect("/v1/models/m/labels/none:predict", ONE, 404, "model 'm' has no label 'none'");
    expect("/v1/models", NULL, 200, "\"labels\":[\"stable\"]");
    model_store_add(folder.path, "m", "3", model_any, 3);
    expect("/v1/models/m:load", "", 200, "\"version\":\"3\",\"state\":\"AVAILABLE\"");
    expect("/v1/models/m/labels/next:predict", ONE, 200, "predictions");
    expect("/v1/models/m/versions/2:predict", ONE, 404, "is not served");
    stop();
}
END_TEST

START_TEST(test_model_repository_policies_are_read_again)
{
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"specific\":{\"versions\":[1]}}}}}");
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add(folder.path, "m", "2", model_any, 2);
    start_without_polling();
    expect("/v1/models/m/versions/1:predict", ONE, 200, "predictions");
    expect("/v1/models/m/versions/2:predict", ONE, 404, "is not served");
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"all\":{}}}}}");
    expect("/v1/models/m:load", "", 200, "\"version\":\"2\",\"state\":\"AVAILABLE\"");
    expect("/v1/models/m/versions/1:predict", ONE, 200, "predictions");
    write_policies("{\"models\":{\"m\":{\"policy\":{}}}}");
    expect("/v1/models/m:load", "", 200, "\"version\":\"1\",\"state\":\"AVAILABLE\"");
    stop();
}
END_TEST

START_TEST(test_model_repository_broken_policies_end_the_start)
{
    struct daemon_run run;
    const char *const arguments[] = {"serve", "--port", "0", "--models", folder.path, NULL};
    write_policies("{\"models\":{\"m\":{\"policy\":{}}}}");
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, EXIT_FAILURE);
    ck_assert_msg(strstr(run.log, "models.json: models.m: unknown key 'policy'") != NULL, "%s",
                  run.log);
}
END_TEST

START_TEST(test_model_repository_unloaded_model_comes_back_when_it_is_loaded)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add(folder.path, "other", "1", model_any, 1);
    start_without_polling();
    expect("/v1/models/m:unload", "", 200, "\"state\":\"END\",\"status\":{\"error_code\":\"OK\"");
    expect("/v1/models/m:unload", "", 200, "\"state\":\"END\"");
    expect("/v1/models/m:predict", ONE, 404, "model 'm' was unloaded");
    expect("/v1/models/other:predict", ONE, 200, "predictions");
    expect("/v2/health/ready", NULL, 200, "true");
    daemon_signal(&server, SIGHUP);
    expect("/v1/models/other:load", "", 200, "AVAILABLE");
    expect("/v1/models/m:predict", ONE, 404, "model 'm' was unloaded");
    expect("/v1/models/m:load", "", 200, "\"version\":\"1\",\"state\":\"AVAILABLE\"");
    expect("/v1/models/m:predict", ONE, 200, "predictions");
    expect("/v1/models/none:load", "", 404, "there is no model 'none'");
    expect("/v1/models/none:unload", "", 404, "there is no model 'none'");
    expect("/v1/models/..:load", "", 404, "there is no model '..'");
    expect("/v1/models/m:load", NULL, 405, "allowed: POST");
    stop();
}
END_TEST

#define DIM(size) "{\"size\":\"" size "\",\"name\":\"\"}"
#define TENSOR(name, dims)                                                                         \
    "\"" name "\":{\"dtype\":\"DT_FLOAT\",\"tensor_shape\":{\"dim\":[" dims                        \
    "],\"unknown_rank\":false},\"name\":\"" name ":0\"}"
#define METADATA(model, input, output, more)                                                       \
    "{\"model_spec\":{\"name\":\"" model "\",\"signature_name\":\"\",\"version\":\"1\"},"          \
    "\"metadata\":{\"signature_def\":{\"signature_def\":{\"serving_default\":{"                    \
    "\"inputs\":{" TENSOR("input", input) "},\"outputs\":{" TENSOR(                                \
        "output", output) "},\"method_name\":\"tensorflow/serving/predict\"}}}" more "}}"

/* A description with labels. */
static const char labelled[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
    "{\"type\":\"lstm\",\"units\":2},{\"type\":\"dense\",\"units\":2}],\"labels\":[\"a\\\"\",\"b\"]"
    "}";

static const struct {
    const char *name, *description, *metadata;
} described[] = {
    {"any", model_any,
     METADATA("any", DIM("-1") "," DIM("-1") "," DIM("2"), DIM("-1") "," DIM("3"), "")},
    {"fixed", model_fixed,
     METADATA("fixed", DIM("-1") "," DIM("3") "," DIM("2"), DIM("-1") "," DIM("2"), "")},
    {"rows", model_rows,
     METADATA("rows", DIM("-1") "," DIM("-1") "," DIM("2"), DIM("-1") "," DIM("-1") "," DIM("4"),
              "")},
    {"back", model_backwards,
     METADATA("back", DIM("-1") "," DIM("-1") "," DIM("2"), DIM("-1") "," DIM("8"),
              ",\"reads_backwards\":true")},
    {"pooled", model_pooled,
     METADATA("pooled", DIM("-1") "," DIM("-1") "," DIM("2"), DIM("-1") "," DIM("4"),
              ",\"pools_steps\":true")},
    {"labelled", labelled,
     METADATA("labelled", DIM("-1") "," DIM("-1") "," DIM("1"), DIM("-1") "," DIM("2"),
              ",\"labels\":[\"a\\\"\",\"b\"]")},
};

START_TEST(test_model_repository_metadata_has_the_shape_of_tensorflow_serving)
{
    char path[128];
    for (int i = 0; i < N_CASES(described); i++)
        model_store_add(folder.path, described[i].name, "1", described[i].description, 1);
    start_without_polling();
    for (int i = 0; i < N_CASES(described); i++) {
        struct client_answer answer;
        snprintf(path, sizeof path, "/v1/models/%s/metadata", described[i].name);
        client_get(&client, path, &answer);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_str_eq(answer.body, described[i].metadata);
        client_answer_release(&answer);
    }
    expect("/v1/models/any/versions/1/metadata", NULL, 200, described[0].metadata);
    expect("/v1/models/any/versions/2/metadata", NULL, 404, "is not served");
    expect("/v1/models/none/metadata", NULL, 404, "there is no model 'none'");
    stop();
}
END_TEST

/* What could not be listed is not gone: neither the models nor, with the next call, the versions.
 */
START_TEST(test_model_repository_that_cannot_be_listed_changes_nothing)
{
    static const struct fault unreadable = {"readdir: I/O errors", FAULT_READ, EIO, true, false};
    char plan[256];
    model_store_add(folder.path, "m", "1", model_any, 1);
    fault_plan_begin(temp_folder_path(&folder, "plan", plan), folder.path);
    start_without_polling();
    for (unsigned n = 1; n <= 8; n++) { /* five names of models, then those of versions */
        struct client_answer answer;
        fault_plan_arm(&unreadable, n);
        client_post(&client, "/v1/models/m:load", "", &answer);
        client_answer_release(&answer);
        ck_assert(fault_plan_disarm());
        expect("/v1/models/m:predict", "{\"instances\":[[[1,2]]]}", 200, "predictions");
    }
    stop();
    fault_plan_end();
}
END_TEST

Suite *suite_model_repository(void)
{
    Suite *suite = suite_create("model_repository");
    TCase *tcase = tcase_create("model_repository");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, test_model_repository_new_version_is_found_by_polling);
    tcase_add_test(tcase, test_model_repository_new_version_is_found_after_sighup);
    tcase_add_test(tcase, test_model_repository_broken_version_is_told_and_disturbs_nothing);
    tcase_add_test(tcase, test_model_repository_labels_lead_to_their_versions);
    tcase_add_test(tcase, test_model_repository_policies_are_read_again);
    tcase_add_test(tcase, test_model_repository_broken_policies_end_the_start);
    tcase_add_test(tcase, test_model_repository_unloaded_model_comes_back_when_it_is_loaded);
    tcase_add_test(tcase, test_model_repository_metadata_has_the_shape_of_tensorflow_serving);
    tcase_add_test(tcase, test_model_repository_that_cannot_be_listed_changes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
