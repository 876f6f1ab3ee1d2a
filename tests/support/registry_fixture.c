/* registry_fixture.c: what the tests of the registry share. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/registry_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/log.h"
#include "server/metrics_series.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batcher_fixture.h"

struct temp_folder folder;
struct registry *registry;

void registry_fixture_start(void)
{
    struct lstm_error error = {.text = ""};
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    temp_folder_create(&folder);
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
    assert_ok(registry_create(folder.path, batcher, &registry, &error), &error);
}

void registry_fixture_stop(void)
{
    registry_destroy(registry);
    batcher_fixture_stop();
    temp_folder_remove(&folder);
}

void scan(void)
{
    struct lstm_error error = {.text = ""};
    assert_ok(registry_scan(registry, &error), &error);
}

struct path_parts parts_of(const char *version, const char *label)
{
    struct path_parts parts = {.model = "m"};
    snprintf(parts.version, sizeof parts.version, "%s", version);
    snprintf(parts.label, sizeof parts.label, "%s", label);
    return parts;
}

uint64_t find_number(const char *version, const char *label)
{
    const struct served_version *found;
    const struct path_parts parts = parts_of(version, label);
    struct lstm_error error;
    if (registry_find(registry, &parts, &found, &error) != LSTM_OK) {
        ck_assert_int_eq(error.status, LSTM_NOT_FOUND);
        ck_assert_ptr_null(found);
        return 0;
    }
    const uint64_t number = found->number;
    ck_assert_str_eq(found->model, "m");
    registry_release(found);
    return number;
}

uint64_t find_served(const char *version)
{
    return find_number(version, "");
}

void assert_unserved(const char *version, const char *label, const char *why)
{
    const struct served_version *found;
    const struct path_parts parts = parts_of(version, label);
    struct lstm_error error = {.text = ""};
    assert_failure(registry_find(registry, &parts, &found, &error), LSTM_NOT_FOUND, &error, why);
}

void assert_status(const char *version, const char *expected)
{
    const struct path_parts parts = parts_of(version, "");
    struct lstm_error error = {.text = ""};
    struct buf text;
    buf_init(&text, SIZE_MAX);
    assert_ok(registry_write_status(registry, &parts, &text, &error), &error);
    ck_assert_str_eq(text.data, expected);
    buf_release(&text);
}

void assert_list(const char *expected)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    registry_write_list(registry, &text);
    ck_assert_str_eq(text.data, expected);
    buf_release(&text);
}

void write_policies(const char *text)
{
    char path[256];
    temp_file_write(temp_folder_path(&folder, "models.json", path), text, strlen(text));
}

double count_failures(void)
{
    return metric_value(metric_series(METRIC_LOAD_FAILURES, "m", NULL, NULL));
}

double count_loaded(void)
{
    return metric_value(metric_series(METRIC_LOADED_VERSIONS, "m", NULL, NULL));
}
