/* test_app.c: readiness, and what routes answer while models are loading.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/api.h"
#include "server/app.h"
#include "server/session_memory.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/training_fixture.h"

Suite *suite_app(void);

START_TEST(test_app_is_not_ready_before_its_models_are_loaded_and_while_draining)
{
    struct app app = {.registry = registry};
    const char *reason;
    atomic_init(&app.is_loaded, false);
    atomic_init(&app.is_draining, false);
    ck_assert(!app_ready(&app, &reason));
    ck_assert_str_eq(reason, "the server is starting");
    atomic_store(&app.is_loaded, true);
    ck_assert(app_ready(&app, &reason));
    ck_assert_str_eq(reason, "");
    atomic_store(&app.is_draining, true);
    ck_assert(!app_ready(&app, &reason));
    ck_assert_str_eq(reason, "the server is draining");
}
END_TEST

/* Routes of one model. */
static enum handled (*const routes_of_model[])(struct app *, struct request *) = {
    handle_predict,    handle_state,   handle_model_metadata, handle_session_begin,
    handle_train_step, handle_publish, handle_training};

START_TEST(test_app_model_that_is_missing_is_503_until_all_are_loaded_and_then_404)
{
    const struct sessions_options options = {.max_sessions = 1};
    struct app app = {.registry = registry, .training = training};
    assert_ok(session_memory_create(&options, &app.sessions, &error), &error);
    atomic_init(&app.is_draining, false);
    for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
        struct request request = {.parts = {.model = "missing"}, .content_type = ""};
        atomic_init(&app.is_loaded, is_loaded != 0);
        buf_init(&request.response.body, SIZE_MAX);
        ck_assert_int_eq(routes_of_model[_i](&app, &request), HANDLED);
        ck_assert_int_eq(request.response.status, is_loaded ? 404 : 503);
        ck_assert_int_eq(request.response.retry_after_s, is_loaded ? 0 : 1);
        ck_assert_ptr_nonnull(strstr(request.response.body.data,
                                     is_loaded ? "there is no model 'missing'" : "is starting"));
        if (request.discard != NULL)
            request.discard(request.work);
        buf_release(&request.response.body);
    }
    sessions_destroy(app.sessions);
}
END_TEST

Suite *suite_app(void)
{
    Suite *suite = suite_create("app");
    TCase *tcase = tcase_create("app");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, training_fixture_start, training_fixture_stop);
    tcase_add_test(tcase, test_app_is_not_ready_before_its_models_are_loaded_and_while_draining);
    tcase_add_loop_test(tcase,
                        test_app_model_that_is_missing_is_503_until_all_are_loaded_and_then_404, 0,
                        N_CASES(routes_of_model));
    suite_add_tcase(suite, tcase);
    return suite;
}
