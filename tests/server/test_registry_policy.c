/* test_registry_policy.c: which versions serve by models.json, and load and unload.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/allocation_faults.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_store.h"
#include "tests/support/registry_fixture.h"

Suite *suite_registry_policy(void);

/* Policies, with versions 1 to 4 on disk. */
static const struct {
    const char *policy;
    const char *versions; /* a bit of each version: '1' if it is to serve */
} policies[] = {
    {"\"latest\":{}", "0001"},
    {"\"latest\":{\"num_versions\":1}", "0001"},
    {"\"latest\":{\"num_versions\":2}", "0011"},
    {"\"latest\":{\"num_versions\":9}", "1111"},
    {"\"all\":{}", "1111"},
    {"\"specific\":{\"versions\":[1,3]}", "1010"},
    {"\"specific\":{\"versions\":[4,7]}", "0001"},
};

static void add_versions(unsigned last)
{
    char version[16];
    for (unsigned k = 1; k <= last; k++) {
        snprintf(version, sizeof version, "%u", k);
        model_store_add(folder.path, "m", version, model_any, k);
    }
}

static void assert_serving(const char *expected)
{
    char version[16], found[8] = "";
    for (unsigned k = 1; k <= strlen(expected); k++) {
        snprintf(version, sizeof version, "%u", k);
        found[k - 1] = find_served(version) == k ? '1' : '0';
    }
    ck_assert_str_eq(found, expected);
}

START_TEST(test_registry_policy_says_which_versions_serve)
{
    char text[256];
    const char *expected = policies[_i].versions;
    snprintf(text, sizeof text, "{\"models\":{\"m\":{\"version_policy\":{%s}}}}",
             policies[_i].policy);
    add_versions(4);
    scan();
    write_policies(text);
    scan();
    assert_serving(expected);
    ck_assert_uint_eq(find_served(""), (uint64_t)(strrchr(expected, '1') - expected) + 1);
}
END_TEST

START_TEST(test_registry_broken_version_does_not_count_among_the_latest)
{
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"latest\":{\"num_versions\":2}}}}}");
    add_versions(3);
    model_store_add_broken(folder.path, "m", "4");
    scan();
    assert_serving("0110");
}
END_TEST

START_TEST(test_registry_specific_version_that_is_broken_leaves_what_serves)
{
    add_versions(1);
    scan();
    model_store_add_broken(folder.path, "m", "2");
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"specific\":{\"versions\":[2]}}}}}");
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    model_store_add(folder.path, "m", "2", model_any, 2);
    scan();
    assert_serving("01");
}
END_TEST

START_TEST(test_registry_label_finds_its_version_and_keeps_it)
{
    write_policies("{\"models\":{\"m\":{\"labels\":{\"stable\":1,\"canary\":3}}}}");
    add_versions(2);
    scan();
    assert_serving("11");
    ck_assert_uint_eq(find_served(""), 2);
    ck_assert_uint_eq(find_number("", "stable"), 1);
    assert_unserved("", "canary", "the version with label 'canary' of model 'm' is not served");
    assert_unserved("", "other", "model 'm' has no label 'other'");
    assert_list("{\"models\":[{\"name\":\"m\",\"versions\":["
                "{\"version\":\"2\",\"state\":\"AVAILABLE\"},"
                "{\"version\":\"1\",\"state\":\"AVAILABLE\",\"labels\":[\"stable\"]}]}]}");
    write_policies("{\"models\":{\"m\":{\"labels\":{\"stable\":2}}}}");
    scan();
    ck_assert_uint_eq(find_number("", "stable"), 2);
    assert_serving("01");
}
END_TEST

START_TEST(test_registry_broken_policies_fail_the_first_scan)
{
    struct lstm_error error = {.text = ""};
    add_versions(1);
    write_policies("{\"modles\":{}}");
    assert_failure(registry_scan(registry, &error), LSTM_INVALID, &error, "modles");
    ck_assert_uint_eq(registry_n_available(registry), 0);
}
END_TEST

START_TEST(test_registry_broken_policies_later_leave_the_old_ones)
{
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"specific\":{\"versions\":[1]}}}}}");
    add_versions(2);
    scan();
    assert_serving("10");
    write_policies("{\"models\":");
    scan();
    assert_serving("10");
    write_policies("{\"models\":{}}");
    scan();
    assert_serving("01");
}
END_TEST

/* Where the n-th allocation of a scan fails, the next scan finds all that there is. */
START_TEST(test_registry_scan_without_memory_is_made_good_by_the_next)
{
    bool hit = allocations_can_fail;
    add_versions(1);
    scan();
    for (unsigned n = 1; hit; n++) {
        struct lstm_error error = {.text = ""};
        model_store_add(folder.path, "m", "2", model_any, 2);
        write_policies(n % 2 == 0 ? "{\"models\":{\"m\":{\"version_policy\":{\"all\":{}}}}}"
                                  : "{\"models\":{}}");
        allocation_faults_arm(n, false);
        const enum lstm_status status = registry_scan(registry, &error);
        allocation_faults_disarm(&hit);
        ck_assert(status == LSTM_OK || (hit && status == LSTM_NO_MEMORY));
        scan();
        assert_serving(n % 2 == 0 ? "11" : "01");
        model_store_remove(folder.path, "m", "2");
        scan();
        assert_serving("10");
    }
}
END_TEST

START_TEST(test_registry_unloaded_model_is_kept_from_serving_until_it_is_loaded)
{
    struct lstm_error error = {.text = ""};
    add_versions(1);
    scan();
    assert_ok(registry_unload(registry, "m", &error), &error);
    assert_unserved("", "", "model 'm' was unloaded; POST /v1/models/m:load brings it back");
    assert_status(
        "", "{\"model_version_status\":[" STATUS("1", "END", "OK", "unloaded on request") "]}");
    add_versions(2);
    scan();
    ck_assert_uint_eq(registry_n_available(registry), 0);
    ck_assert(registry_is_ready(registry));
    assert_ok(registry_load(registry, "m", &error), &error);
    ck_assert_uint_eq(find_served(""), 2);
    ck_assert_double_eq(count_loaded(), 1);
}
END_TEST

START_TEST(test_registry_load_tries_failed_versions_again)
{
    struct lstm_error error = {.text = ""};
    model_store_add_broken(folder.path, "m", "1");
    scan();
    assert_ok(registry_load(registry, "m", &error), &error);
    ck_assert_double_eq(count_failures(), 2);
}
END_TEST

static const char *const strangers[] = {"n", "", "..", "../m", "m/1", "."};

START_TEST(test_registry_load_and_unload_of_an_unknown_model_is_not_found)
{
    struct lstm_error error = {.text = ""};
    add_versions(1);
    scan();
    assert_failure(registry_load(registry, strangers[_i], &error), LSTM_NOT_FOUND, &error,
                   strangers[_i]);
    assert_failure(registry_unload(registry, strangers[_i], &error), LSTM_NOT_FOUND, &error,
                   strangers[_i]);
    ck_assert_uint_eq(find_served(""), 1);
}
END_TEST

START_TEST(test_registry_unloaded_model_whose_folder_goes_is_forgotten)
{
    struct lstm_error error = {.text = ""};
    add_versions(1);
    scan();
    assert_ok(registry_unload(registry, "m", &error), &error);
    model_store_remove(folder.path, "m", "1");
    scan();
    add_versions(1);
    scan();
    ck_assert_uint_eq(find_served(""), 1);
}
END_TEST

Suite *suite_registry_policy(void)
{
    Suite *suite = suite_create("registry_policy");
    TCase *tcase = tcase_create("registry_policy");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, registry_fixture_start, registry_fixture_stop);
    tcase_add_loop_test(tcase, test_registry_policy_says_which_versions_serve, 0,
                        N_CASES(policies));
    tcase_add_test(tcase, test_registry_broken_version_does_not_count_among_the_latest);
    tcase_add_test(tcase, test_registry_specific_version_that_is_broken_leaves_what_serves);
    tcase_add_test(tcase, test_registry_label_finds_its_version_and_keeps_it);
    tcase_add_test(tcase, test_registry_broken_policies_fail_the_first_scan);
    tcase_add_test(tcase, test_registry_broken_policies_later_leave_the_old_ones);
    tcase_add_test(tcase, test_registry_scan_without_memory_is_made_good_by_the_next);
    tcase_add_test(tcase, test_registry_unloaded_model_is_kept_from_serving_until_it_is_loaded);
    tcase_add_test(tcase, test_registry_load_tries_failed_versions_again);
    tcase_add_loop_test(tcase, test_registry_load_and_unload_of_an_unknown_model_is_not_found, 0,
                        N_CASES(strangers));
    tcase_add_test(tcase, test_registry_unloaded_model_whose_folder_goes_is_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
