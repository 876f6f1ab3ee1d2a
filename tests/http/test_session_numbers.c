/* test_session_numbers.c: a piece that gives NaN or infinities is refused, and its session goes on.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model_store.h"
#include "tests/support/replicas.h"
#include "tests/support/session_client.h"

Suite *suite_session_numbers(void);

#define FAR "/v1/models/far"

/* Without tanh, a state may grow beyond all numbers. */
static const char growing[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":["
    "{\"type\":\"lstm\",\"units\":5,\"activation\":\"linear\"},{\"type\":\"dense\",\"units\":3}]}";
static const char near_by[] = "{\"instances\":[[[1,2]]]}";
#define FOUR(step)  step "," step "," step "," step
#define EIGHT(step) FOUR(step) "," FOUR(step)
static const char too_far[] = "{\"instances\":[[" EIGHT("[3e38,3e38]") "," EIGHT(
    "[3e38,-3e38]") "," EIGHT("[-3e38,3e38]") "," EIGHT("[-3e38,-3e38]") "]]}";

START_TEST(test_session_piece_that_gives_no_numbers_is_400_and_not_applied)
{
    session_server_start(NULL);
    model_store_add(session_folder.path, "far", "1", growing, 1);
    session_expect("POST", FAR ":load", "", 200);
    session_expect("POST", FAR "/sessions", "{\"id\":\"a\"}", 201);
    session_expect("POST", FAR "/sessions/a:predict", near_by, 200);
    session_refused("POST", FAR "/sessions/a:predict", too_far, 400, "the piece was not applied");
    session_refused("POST", FAR "/sessions/a:state", too_far, 400, "the piece was not applied");
    json_t *info = session_ask("GET", FAR "/sessions/a", NULL, 200);
    ck_assert_int_eq(json_integer_value(json_object_get(info, "steps")), 1);
    json_decref(info);
    session_expect("GET", FAR "/sessions/a/state", NULL, 200);
    session_expect("POST", FAR "/sessions/a:predict", near_by, 200);
    session_server_stop();
}
END_TEST

START_TEST(test_session_piece_that_gives_no_numbers_is_not_written_to_redis)
{
    replicas_start(NULL);
    model_store_add(replicas_folder.path, "far", "1", growing, 1);
    replica_ask(0, "POST", FAR ":load", "", 200);
    replica_ask(0, "POST", FAR "/sessions", "{\"id\":\"a\"}", 201);
    replica_ask(0, "POST", FAR "/sessions/a:predict", near_by, 200);
    ck_assert_ptr_nonnull(
        strstr(replica_ask(0, "POST", FAR "/sessions/a:predict", too_far, 400), "not applied"));
    ck_assert_ptr_nonnull(
        strstr(replica_ask(0, "GET", FAR "/sessions/a", NULL, 200), "\"steps\":1,"));
    replica_ask(0, "POST", FAR "/sessions/a:predict", near_by, 200);
    replicas_stop();
}
END_TEST

Suite *suite_session_numbers(void)
{
    Suite *suite = suite_create("session_numbers");
    TCase *tcase = tcase_create("session_numbers");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_session_piece_that_gives_no_numbers_is_400_and_not_applied);
    if (redis_server_is_there())
        tcase_add_test(tcase, test_session_piece_that_gives_no_numbers_is_not_written_to_redis);
    suite_add_tcase(suite, tcase);
    return suite;
}
