/* test_model_policy.c: models.json is read strictly. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/model_policy.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_model_policy(void);

static struct model_policies policies;

static void start(void)
{
    policies = (struct model_policies){0};
}

static void stop(void)
{
    model_policies_release(&policies);
}

static void parse(const char *text)
{
    struct lstm_error error = {.text = ""};
    assert_ok(model_policies_parse(text, strlen(text), &policies, &error), &error);
}

#define POLICY(text) "{\"models\":{\"m\":{\"version_policy\":" text "}}}"
#define LABELS(text) "{\"models\":{\"m\":{\"labels\":" text "}}}"

/* What is wrong, and a part of the sentence that says it. */
static const struct {
    const char *text, *says;
} wrong[] = {
    {"", "malformed JSON"},
    {"{\"models\":{}", "malformed JSON"},
    {"{\"models\":{}} x", "malformed JSON"},
    {"{\"models\":{},\"models\":{}}", "duplicate"},
    {"[]", "the file: expected an object, found an array"},
    {"{}", "models: expected an object, found nothing"},
    {"{\"models\":[]}", "models: expected an object"},
    {"{\"models\":{},\"modles\":{}}", "the file: unknown key 'modles'"},
    {"{\"models\":{\"m\":1}}", "models.m: expected an object, found a number"},
    {"{\"models\":{\"m\":{\"label\":{}}}}", "models.m: unknown key 'label'"},
    {POLICY("\"latest\""), "models.m.version_policy: expected an object, found a string"},
    {POLICY("null"), "models.m.version_policy: expected an object, found null"},
    {POLICY("{}"), "expected one of latest, all and specific, found 0 of them"},
    {POLICY("{\"all\":{},\"latest\":{}}"), "found 2 of them"},
    {POLICY("{\"newest\":{}}"), "models.m.version_policy: unknown key 'newest'"},
    {POLICY("{\"latest\":1}"), "models.m.version_policy.latest: expected an object"},
    {POLICY("{\"latest\":{\"n\":1}}"), "version_policy.latest: unknown key 'n'"},
    {POLICY("{\"latest\":{\"num_versions\":0}}"), "num_versions, a whole number from 1"},
    {POLICY("{\"latest\":{\"num_versions\":1.5}}"), "num_versions, a whole number from 1"},
    {POLICY("{\"latest\":{\"num_versions\":\"2\"}}"), "found a string"},
    {POLICY("{\"all\":{\"x\":1}}"), "version_policy.all: unknown key 'x'"},
    {POLICY("{\"specific\":{}}"), "specific.versions: expected an array of version numbers"},
    {POLICY("{\"specific\":{\"versions\":[]}}"), "found an empty one"},
    {POLICY("{\"specific\":{\"versions\":{}}}"), "found an object"},
    {POLICY("{\"specific\":{\"versions\":[1,-2]}}"), "a version, a whole number from 1"},
    {POLICY("{\"specific\":{\"versions\":[1,[2]]}}"), "a version, a whole number from 1"},
    {LABELS("[]"), "models.m.labels: expected an object"},
    {LABELS("{\"stable\":0}"), "a version, a whole number from 1, found another number"},
    {LABELS("{\"stable\":\"1\"}"), "found a string"},
    {LABELS("{\"\":1}"), "expected 1 to 63 letters"},
    {LABELS("{\"a/b\":1}"), "label 'a/b': expected 1 to 63 letters"},
    {LABELS("{\"a\\u0001b\":1}"), "expected 1 to 63 letters"},
    {"{\"models\":{\"m\":{\"version_policy\":{\"specific\":{\"versions\":[1,2]}},"
     "\"labels\":{\"stable\":2,\"canary\":3}}}}",
     "label 'canary' is of version 3, which specific.versions lacks"},
};

START_TEST(test_model_policy_mistake_is_an_error_that_names_it)
{
    struct lstm_error error = {.text = ""};
    assert_failure(model_policies_parse(wrong[_i].text, strlen(wrong[_i].text), &policies, &error),
                   LSTM_INVALID, &error, wrong[_i].says);
    ck_assert_uint_eq(policies.n, 0);
    ck_assert_ptr_null(policies.policies);
}
END_TEST

START_TEST(test_model_policy_label_that_is_too_long_is_an_error)
{
    struct lstm_error error = {.text = ""};
    char text[256];
    for (int n = 62; n <= 64; n++) {
        snprintf(text, sizeof text, LABELS("{\"%0*d\":1}"), n, 7);
        enum lstm_status status = model_policies_parse(text, strlen(text), &policies, &error);
        ck_assert_int_eq(status, n < LABEL_BYTES ? LSTM_OK : LSTM_INVALID);
        model_policies_release(&policies);
    }
}
END_TEST

START_TEST(test_model_policy_of_a_model_that_is_not_named_is_the_latest)
{
    parse("{\"models\":{\"other\":{\"version_policy\":{\"all\":{}}}}}");
    const struct model_policy *policy = model_policies_find(&policies, "m");
    ck_assert(model_policy_wants(policy, 7, 0));
    ck_assert(!model_policy_wants(policy, 6, 1));
    ck_assert_uint_eq(model_policy_version(policy, "stable"), 0);
    ck_assert(model_policy_wants(model_policies_find(&policies, "other"), 6, 1));
}
END_TEST

START_TEST(test_model_policy_of_an_empty_object_is_the_latest)
{
    parse("{\"models\":{\"m\":{}}}");
    ck_assert(!model_policy_wants(model_policies_find(&policies, "m"), 6, 1));
}
END_TEST

START_TEST(test_model_policy_latest_wants_as_many_as_it_says_and_those_with_labels)
{
    parse("{\"models\":{\"m\":{\"version_policy\":{\"latest\":{\"num_versions\":2}},"
          "\"labels\":{\"stable\":3}}}}");
    const struct model_policy *policy = model_policies_find(&policies, "m");
    ck_assert(model_policy_wants(policy, 9, 0));
    ck_assert(model_policy_wants(policy, 8, 1));
    ck_assert(!model_policy_wants(policy, 7, 2));
    ck_assert(model_policy_wants(policy, 3, 2));
    ck_assert_uint_eq(model_policy_version(policy, "stable"), 3);
    ck_assert_uint_eq(model_policy_version(policy, "stabl"), 0);
}
END_TEST

START_TEST(test_model_policy_specific_wants_its_versions_whatever_their_size)
{
    parse(POLICY("{\"specific\":{\"versions\":[2,16777217,999999999999999999]}}"));
    const struct model_policy *policy = model_policies_find(&policies, "m");
    ck_assert(model_policy_wants(policy, 2, 5));
    ck_assert(model_policy_wants(policy, 16777217, 0));
    ck_assert(!model_policy_wants(policy, 16777216, 0));
    ck_assert(model_policy_wants(policy, 999999999999999999u, 0));
    ck_assert(!model_policy_wants(policy, 3, 0));
}
END_TEST

START_TEST(test_model_policy_file_that_is_missing_is_empty_and_a_broken_one_is_named)
{
    struct temp_folder folder;
    struct lstm_error error = {.text = ""};
    char path[256];
    temp_folder_create(&folder);
    temp_folder_path(&folder, "models.json", path);
    assert_ok(model_policies_load(path, &policies, &error), &error);
    ck_assert_uint_eq(policies.n, 0);
    temp_file_write(path, "{", 1);
    assert_failure(model_policies_load(path, &policies, &error), LSTM_INVALID, &error, path);
    temp_file_write(path, "{\"models\":{\"m\":{}}}", strlen("{\"models\":{\"m\":{}}}"));
    assert_ok(model_policies_load(path, &policies, &error), &error);
    ck_assert_uint_eq(policies.n, 1);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_model_policy(void)
{
    Suite *suite = suite_create("model_policy");
    TCase *tcase = tcase_create("model_policy");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_model_policy_mistake_is_an_error_that_names_it, 0,
                        N_CASES(wrong));
    tcase_add_test(tcase, test_model_policy_label_that_is_too_long_is_an_error);
    tcase_add_test(tcase, test_model_policy_of_a_model_that_is_not_named_is_the_latest);
    tcase_add_test(tcase, test_model_policy_of_an_empty_object_is_the_latest);
    tcase_add_test(tcase, test_model_policy_latest_wants_as_many_as_it_says_and_those_with_labels);
    tcase_add_test(tcase, test_model_policy_specific_wants_its_versions_whatever_their_size);
    tcase_add_test(tcase,
                   test_model_policy_file_that_is_missing_is_empty_and_a_broken_one_is_named);
    suite_add_tcase(suite, tcase);
    return suite;
}
