/* test_registry.c: the registry follows what lies in the repository.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/model_store.h"
#include "tests/support/registry_fixture.h"

Suite *suite_registry(void);

START_TEST(test_registry_before_a_scan_serves_nothing)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    ck_assert_uint_eq(find_served(""), 0);
    ck_assert_uint_eq(registry_n_available(registry), 0);
    ck_assert(!registry_is_ready(registry));
}
END_TEST

START_TEST(test_registry_new_version_serves_and_the_old_is_retired)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    ck_assert_uint_eq(find_served("1"), 1);
    model_store_add(folder.path, "m", "2", model_rows, 1);
    scan();
    ck_assert_uint_eq(find_served(""), 2);
    ck_assert_uint_eq(find_served("2"), 2);
    ck_assert_uint_eq(find_served("1"), 0);
    assert_status("", "{\"model_version_status\":[" STATUS("2", "AVAILABLE", "OK", "") "]}");
    ck_assert(registry_is_ready(registry));
}
END_TEST

START_TEST(test_registry_version_in_use_works_after_it_was_retired)
{
    const struct path_parts parts = parts_of("1", "");
    const struct served_version *held;
    struct lstm_error error = {.text = ""};
    struct test_job job;
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    assert_ok(registry_find(registry, &parts, &held, &error), &error);
    model_store_add(folder.path, "m", "2", model_any, 2);
    scan();
    ck_assert_uint_eq(find_served("1"), 0);
    batcher_fixture_init_jobs(&job, 1, 3);
    test_job_submit(&job, held->queue);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&job, 1);
    registry_release(held);
}
END_TEST

START_TEST(test_registry_broken_version_is_kept_as_failed_and_the_one_before_serves)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add_broken(folder.path, "m", "2");
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    ck_assert_uint_eq(find_served("2"), 0);
    ck_assert(registry_is_ready(registry));
    ck_assert_uint_eq(registry_n_available(registry), 1);
    assert_status("1", "{\"model_version_status\":[" STATUS("1", "AVAILABLE", "OK", "") "]}");
    assert_list("{\"models\":[{\"name\":\"m\",\"versions\":["
                "{\"version\":\"2\",\"state\":\"END\"},"
                "{\"version\":\"1\",\"state\":\"AVAILABLE\"}]}]}");
}
END_TEST

START_TEST(test_registry_broken_version_alone_is_reported_and_not_ready)
{
    struct lstm_error error = {.text = ""};
    const struct path_parts seventh = parts_of("7", "");
    struct buf text;
    model_store_add_broken(folder.path, "m", "7");
    scan();
    ck_assert(!registry_is_ready(registry));
    assert_unserved("", "", "no version of model 'm' can serve");
    assert_unserved("7", "", "version 7 of model 'm' failed to load");
    buf_init(&text, SIZE_MAX);
    assert_ok(registry_write_status(registry, &seventh, &text, &error), &error);
    ck_assert_ptr_nonnull(strstr(text.data, "\"state\":\"END\""));
    ck_assert_ptr_nonnull(strstr(text.data, "\"error_code\":\"INVALID_ARGUMENT\""));
    ck_assert_ptr_nonnull(strstr(text.data, "model.json"));
    buf_release(&text);
}
END_TEST

START_TEST(test_registry_broken_version_is_tried_again_only_when_its_files_change)
{
    char path[256];
    model_store_add_broken(folder.path, "m", "1");
    scan();
    scan();
    ck_assert_double_eq(count_failures(), 1);
    temp_file_write(temp_folder_path(&folder, "m/1/model.json", path), "{}", 2);
    scan();
    scan();
    ck_assert_double_eq(count_failures(), 2);
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    assert_status("", "{\"model_version_status\":[" STATUS("1", "AVAILABLE", "OK", "") "]}");
    ck_assert(registry_is_ready(registry));
}
END_TEST

START_TEST(test_registry_half_copied_version_serves_once_it_is_whole)
{
    char from[256], to[256], weights[256];
    size_t size;
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    model_store_add(folder.path, "m", "2", model_any, 2);
    temp_folder_path(&folder, "m/2/weights.safetensors", weights);
    temp_folder_path(&folder, "weights", to);
    ck_assert_int_eq(rename(weights, to), 0);
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    char *bytes = temp_file_read(temp_folder_path(&folder, "weights", from), &size);
    temp_file_write(weights, bytes, size / 2);
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    temp_file_write(weights, bytes, size);
    scan();
    ck_assert_uint_eq(find_served(""), 2);
    ck_assert_uint_eq(find_served("1"), 0);
    free(bytes);
}
END_TEST

START_TEST(test_registry_broken_model_that_comes_later_leaves_the_server_ready)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    model_store_add_broken(folder.path, "late", "1");
    scan();
    ck_assert(registry_is_ready(registry));
    ck_assert_uint_eq(registry_n_available(registry), 1);
}
END_TEST

START_TEST(test_registry_removed_model_is_gone)
{
    const struct path_parts newest = parts_of("", "");
    struct lstm_error error = {.text = ""};
    struct buf text;
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add(folder.path, "other", "1", model_any, 1);
    scan();
    ck_assert_uint_eq(registry_n_available(registry), 2);
    model_store_remove(folder.path, "m", "1");
    scan();
    ck_assert_uint_eq(find_served(""), 0);
    ck_assert_uint_eq(registry_n_available(registry), 1);
    ck_assert(registry_is_ready(registry));
    buf_init(&text, SIZE_MAX);
    assert_failure(registry_write_status(registry, &newest, &text, &error), LSTM_NOT_FOUND, &error,
                   "Could not find any versions of model m");
    buf_release(&text);
}
END_TEST

START_TEST(test_registry_removed_newest_version_gives_way_to_the_one_before)
{
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add(folder.path, "m", "2", model_any, 2);
    scan();
    ck_assert_uint_eq(find_served(""), 2);
    model_store_remove(folder.path, "m", "2");
    scan();
    ck_assert_uint_eq(find_served(""), 1);
    ck_assert_uint_eq(find_served("2"), 0);
}
END_TEST

START_TEST(test_registry_folders_that_are_no_versions_are_passed_over)
{
    model_store_add(folder.path, "m", "3", model_any, 1);
    model_store_add(folder.path, "m", "4beta", model_any, 1);
    model_store_add(folder.path, "m", ".unfinished-5", model_any, 1);
    model_store_add(folder.path, "empty", "notes", model_any, 1);
    scan();
    ck_assert_uint_eq(find_served(""), 3);
    ck_assert_uint_eq(registry_n_available(registry), 1);
    ck_assert(registry_is_ready(registry));
    assert_status("", "{\"model_version_status\":[" STATUS("3", "AVAILABLE", "OK", "") "]}");
}
END_TEST

static const struct {
    const char *version;
    uint64_t found;
} asked[] = {{"", 12},
             {"12", 12},
             {"012", 12},
             {"1", 0},
             {"0", 0},
             {"18446744073709551615", 0},
             {"18446744073709551628", 0} /* 2^64 + 12 */};

START_TEST(test_registry_finds_a_version_by_its_number)
{
    model_store_add(folder.path, "m", "12", model_any, 1);
    scan();
    ck_assert_uint_eq(find_served(asked[_i].version), asked[_i].found);
}
END_TEST

START_TEST(test_registry_missing_folder_fails_the_scan_and_keeps_what_serves)
{
    struct lstm_error error = {.text = ""};
    char moved[300];
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    snprintf(moved, sizeof moved, "%s-moved", folder.path);
    ck_assert_int_eq(rename(folder.path, moved), 0);
    assert_failure(registry_scan(registry, &error), LSTM_IO, &error, folder.path);
    ck_assert_uint_eq(find_served(""), 1);
    ck_assert_int_eq(rename(moved, folder.path), 0);
}
END_TEST

/* A source beside it makes a repository one that need not be there, not one that may go. */
START_TEST(test_registry_with_a_source_keeps_what_serves_while_the_folder_is_away)
{
    struct lstm_error error = {.text = ""};
    struct temp_folder other;
    char moved[300], path[256];
    temp_folder_create(&other);
    model_store_add(other.path, "s", "1", model_any, 1);
    assert_ok(registry_add_source(registry, "s", temp_folder_path(&other, "s/1", path), &error),
              &error);
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    ck_assert_uint_eq(registry_n_available(registry), 2);
    snprintf(moved, sizeof moved, "%s-moved", folder.path);
    ck_assert_int_eq(rename(folder.path, moved), 0);
    assert_failure(registry_scan(registry, &error), LSTM_IO, &error, folder.path);
    ck_assert_uint_eq(find_served(""), 1);
    ck_assert_int_eq(rename(moved, folder.path), 0);
    scan();
    ck_assert_uint_eq(registry_n_available(registry), 2);
    temp_folder_remove(&other);
}
END_TEST

START_TEST(test_registry_source_that_cannot_be_loaded_fails_the_first_scan)
{
    struct lstm_error error = {.text = ""};
    model_store_add(folder.path, "m", "1", model_any, 1);
    assert_ok(registry_add_source(registry, "s", "/nowhere/at/all", &error), &error);
    assert_failure(registry_scan(registry, &error), LSTM_NOT_FOUND, &error, "--model s: ");
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all"));
}
END_TEST

/* Asks for the newest version, and uses it, until told to stop. */
struct reader {
    pthread_t thread;
    atomic_bool stop, failed;
};

static void *read_on(void *argument)
{
    struct reader *reader = argument;
    const struct path_parts newest = parts_of("", "");
    while (!atomic_load(&reader->stop)) {
        const struct served_version *found;
        if (registry_find(registry, &newest, &found, NULL) != LSTM_OK) {
            atomic_store(&reader->failed, true);
            break;
        }
        if (lstm_model_info(batch_queue_model(found->queue))->features != 2)
            atomic_store(&reader->failed, true);
        registry_release(found);
    }
    return NULL;
}

START_TEST(test_registry_always_has_a_version_while_versions_are_replaced)
{
    struct reader readers[2];
    char version[16], old[16];
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
    for (size_t i = 0; i < 2; i++) {
        atomic_init(&readers[i].stop, false);
        atomic_init(&readers[i].failed, false);
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (unsigned k = 2; k < 12; k++) {
        snprintf(version, sizeof version, "%u", k);
        snprintf(old, sizeof old, "%u", k - 1);
        model_store_add(folder.path, "m", version, k % 2 ? model_any : model_rows, k);
        scan();
        model_store_remove(folder.path, "m", old);
        scan();
    }
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(readers[i].thread, NULL);
        ck_assert(!atomic_load(&readers[i].failed));
    }
    ck_assert_uint_eq(find_served(""), 11);
}
END_TEST

Suite *suite_registry(void)
{
    Suite *suite = suite_create("registry");
    TCase *tcase = tcase_create("registry");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, registry_fixture_start, registry_fixture_stop);
    tcase_add_test(tcase, test_registry_before_a_scan_serves_nothing);
    tcase_add_test(tcase, test_registry_new_version_serves_and_the_old_is_retired);
    tcase_add_test(tcase, test_registry_version_in_use_works_after_it_was_retired);
    tcase_add_test(tcase, test_registry_broken_version_is_kept_as_failed_and_the_one_before_serves);
    tcase_add_test(tcase, test_registry_broken_version_alone_is_reported_and_not_ready);
    tcase_add_test(tcase, test_registry_broken_version_is_tried_again_only_when_its_files_change);
    tcase_add_test(tcase, test_registry_removed_model_is_gone);
    tcase_add_test(tcase, test_registry_removed_newest_version_gives_way_to_the_one_before);
    tcase_add_test(tcase, test_registry_folders_that_are_no_versions_are_passed_over);
    tcase_add_loop_test(tcase, test_registry_finds_a_version_by_its_number, 0,
                        sizeof asked / sizeof *asked);
    tcase_add_test(tcase, test_registry_missing_folder_fails_the_scan_and_keeps_what_serves);
    tcase_add_test(tcase, test_registry_with_a_source_keeps_what_serves_while_the_folder_is_away);
    tcase_add_test(tcase, test_registry_source_that_cannot_be_loaded_fails_the_first_scan);
    tcase_add_test(tcase, test_registry_always_has_a_version_while_versions_are_replaced);
    tcase_add_test(tcase, test_registry_half_copied_version_serves_once_it_is_whole);
    tcase_add_test(tcase, test_registry_broken_model_that_comes_later_leaves_the_server_ready);
    suite_add_tcase(suite, tcase);
    return suite;
}
