/* test_c_client_faults.c: the C client against a server that misbehaves, and a program that does.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/clients/c_client.h"
#include "tests/clients/fake_server.h"

Suite *suite_c_client_faults(void);

static struct fake_server fake;

static void start_fake(void)
{
    c_client_read_digit();
    fake_server_start(&fake);
    c_client.client =
        c_client_connect((struct lstmd_config){.url = fake.url, .timeout_seconds = 120});
}

static void stop_fake(void)
{
    lstmd_client_destroy(c_client.client);
    fake_server_stop(&fake);
}

static double count(const char *model, const char *what)
{
    return c_client_number(lstmd_client_model(c_client.client, model), what);
}

static float predict_one(const char *model)
{
    float value = 0;
    json_t *const answer =
        c_client_need(lstmd_client_predict(c_client.client, model, &c_client_digit));
    ck_assert_uint_eq(lstmd_read_floats(answer, &value, 1), 1);
    json_decref(answer);
    return value;
}

START_TEST(test_c_client_refused_request_is_tried_again)
{
    ck_assert(c_client_number(c_client_train("busy.train"), "step") == 3);
    ck_assert(predict_one("busy.predict") == 3);
    lstmd_client_destroy(c_client.client);
    c_client.client = c_client_connect((struct lstmd_config){.url = fake.url, .retries = 1});
    assert_client_refused(c_client_train("busy.twice"), LSTMD_UNAVAILABLE, "the queue is full");
    ck_assert_int_eq(lstmd_client_error(c_client.client)->retry_after_seconds, 0);
    ck_assert_str_eq(lstmd_client_error(c_client.client)->request_id, "r1");
    ck_assert(count("busy.twice", "requests") == 2);
}
END_TEST

START_TEST(test_c_client_refusal_by_a_proxy_is_tried_again_only_if_safe)
{
    ck_assert(predict_one("proxy.predict") == 2);
    assert_client_refused(c_client_train("proxy.train"), LSTMD_UNAVAILABLE, "answers 503");
    ck_assert(count("proxy.train", "requests") == 1);
}
END_TEST

START_TEST(test_c_client_broken_answer_is_asked_for_again_only_if_safe)
{
    static const char *const behaviours[] = {"cut", "cut-chunked", "reset"};
    char name[64];
    ck_assert(predict_one("fine") == 1); /* so that the next request goes over a kept connection */
    snprintf(name, sizeof name, "%s.train", behaviours[_i]);
    assert_client_refused(c_client_train(name), LSTMD_CONNECTION_FAILED, "");
    ck_assert(count(name, "requests") == 1);
    snprintf(name, sizeof name, "%s.predict", behaviours[_i]);
    ck_assert(predict_one(name) == 2);
}
END_TEST

START_TEST(test_c_client_silent_server_is_left_in_time)
{
    struct lstmd_client *const patient = c_client.client;
    c_client.client =
        c_client_connect((struct lstmd_config){.url = fake.url, .timeout_seconds = 3});
    assert_client_refused(lstmd_client_predict(c_client.client, "silent", &c_client_digit),
                          LSTMD_TIMED_OUT, "time");
    lstmd_client_destroy(c_client.client);
    c_client.client = patient;
    while (count("silent", "requests") == 0)
        continue;
    ck_assert(count("silent", "requests") == 1);
}
END_TEST

START_TEST(test_c_client_connection_is_kept_and_a_closed_one_is_left)
{
    for (int k = 0; k < 5; k++)
        predict_one("fine.kept");
    ck_assert(count("fine.kept", "connections") == 1);
    struct lstmd_client *const asking = c_client.client;
    struct lstmd_client *const watching = c_client_connect((struct lstmd_config){.url = fake.url});
    for (int k = 1; k <= 3; k++) {
        c_client.client = watching;
        const double closed = count("closing", "closed");
        c_client.client = asking;
        ck_assert(c_client_number(c_client_train("closing"), "step") == k);
        c_client.client = watching;
        while (count("closing", "closed") == closed)
            continue;
    }
    c_client.client = asking;
    lstmd_client_destroy(watching);
}
END_TEST

START_TEST(test_c_client_answer_without_json_is_an_error)
{
    assert_client_refused(c_client_train("html"), LSTMD_CONNECTION_FAILED, "JSON");
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

/* A text that is not UTF-8 must not begin a session by another name. */
START_TEST(test_c_client_body_that_cannot_be_made_is_not_sent_as_none)
{
    static const struct lstmd_input no_json = {.form = LSTMD_JSON},
                                    no_bytes = {.form = LSTMD_BYTES};
    ck_assert_ptr_null(lstmd_client_session(c_client.client, "fine.body", "\xff", NULL));
    assert_client_refused(NULL, LSTMD_INVALID_ARGUMENT, "UTF-8");
    assert_client_refused(lstmd_client_predict(c_client.client, "fine.body", &no_json),
                          LSTMD_INVALID_ARGUMENT, "missing");
    assert_client_refused(lstmd_client_predict(c_client.client, "fine.body", &no_bytes),
                          LSTMD_INVALID_ARGUMENT, "missing");
    ck_assert(count("fine.body", "requests") == 0);
}
END_TEST

Suite *suite_c_client_faults(void)
{
    Suite *suite = suite_create("c_client_faults");
    TCase *tcase = tcase_create("c_client_faults");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start_fake, stop_fake);
    tcase_add_test(tcase, test_c_client_refused_request_is_tried_again);
    tcase_add_test(tcase, test_c_client_refusal_by_a_proxy_is_tried_again_only_if_safe);
    tcase_add_loop_test(tcase, test_c_client_broken_answer_is_asked_for_again_only_if_safe, 0, 3);
    tcase_add_test(tcase, test_c_client_silent_server_is_left_in_time);
    tcase_add_test(tcase, test_c_client_connection_is_kept_and_a_closed_one_is_left);
    tcase_add_test(tcase, test_c_client_answer_without_json_is_an_error);
    tcase_add_test(tcase, test_c_client_arguments_are_checked);
    tcase_add_test(tcase, test_c_client_body_that_cannot_be_made_is_not_sent_as_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
