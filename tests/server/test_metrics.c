/* test_metrics.c: series, and the text of Prometheus. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "server/metrics.h"

Suite *suite_metrics(void);

static struct buf text;

static void reset(void)
{
    metrics_reset();
    buf_init(&text, 1 << 20);
}

static void release(void)
{
    buf_release(&text);
    metrics_reset();
}

/* Whether the text has this line. */
static bool has_line(const char *line)
{
    const char *at = strstr(text.data, line);
    return at != NULL && (at == text.data || at[-1] == '\n') && at[strlen(line)] == '\n';
}

START_TEST(test_metrics_families_are_named_by_the_conventions_and_complete)
{
    for (size_t k = 0; k < N_METRICS; k++) {
        const struct metric_family *family = &metric_families[k];
        const char *total = strstr(family->name, "_total");
        ck_assert(strncmp(family->name, "lstmd_", 6) == 0 ||
                  strncmp(family->name, "process_", 8) == 0);
        ck_assert((family->kind == METRIC_COUNTER) == (total != NULL && total[6] == '\0'));
        ck_assert((family->kind == METRIC_HISTOGRAM) == (family->buckets != NULL));
        ck_assert_uint_gt(strlen(family->help), 0);
    }
}
END_TEST

START_TEST(test_metrics_same_labels_give_the_same_series)
{
    struct metric_series *series = metric_series(METRIC_REQUESTS, "m", "predict", "200");
    ck_assert_ptr_eq(metric_series(METRIC_REQUESTS, "m", "predict", "200"), series);
    ck_assert_ptr_ne(metric_series(METRIC_REQUESTS, "mp", "redict", "200"), series);
    ck_assert_ptr_ne(metric_series(METRIC_REQUESTS, "m", "predict", "404"), series);
}
END_TEST

START_TEST(test_metrics_counters_and_gauges_are_written)
{
    metric_add(metric_series(METRIC_REQUESTS, "m", "predict", "200"), 2);
    metric_add(metric_series(METRIC_REQUESTS, "m", "predict", "200"), 1);
    metric_set(metric_series(METRIC_QUEUE_DEPTH, "m", NULL, NULL), 5);
    metric_add(metric_series(METRIC_QUEUE_DEPTH, "m", NULL, NULL), -1.5);
    metrics_write(&text);
    ck_assert(has_line("# TYPE lstmd_requests_total counter"));
    ck_assert(has_line("lstmd_requests_total{model=\"m\",route=\"predict\",code=\"200\"} 3"));
    ck_assert(has_line("# TYPE lstmd_queue_depth gauge"));
    ck_assert(has_line("lstmd_queue_depth{model=\"m\"} 3.5"));
    ck_assert(has_line("lstmd_requests_in_flight 0"));
}
END_TEST

START_TEST(test_metrics_histogram_buckets_are_cumulative)
{
    struct metric_series *series = metric_series(METRIC_BATCH_SIZE, "m", NULL, NULL);
    metric_observe(series, 1);
    metric_observe(series, 3);
    metric_observe(series, 4);
    metric_observe(series, 5000);
    metrics_write(&text);
    ck_assert(has_line("# TYPE lstmd_batch_size histogram"));
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"1\"} 1"));
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"2\"} 1"));
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"4\"} 3"));
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"1024\"} 3"));
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"+Inf\"} 4"));
    ck_assert(has_line("lstmd_batch_size_sum{model=\"m\"} 5008"));
    ck_assert(has_line("lstmd_batch_size_count{model=\"m\"} 4"));
}
END_TEST

START_TEST(test_metrics_label_values_are_escaped)
{
    metric_set(metric_series(METRIC_QUEUE_DEPTH, "a\"b\\c\nd", NULL, NULL), 1);
    metrics_write(&text);
    ck_assert(has_line("lstmd_queue_depth{model=\"a\\\"b\\\\c\\nd\"} 1"));
}
END_TEST

START_TEST(test_metrics_series_are_written_in_order_of_their_labels)
{
    metric_set(metric_series(METRIC_QUEUE_DEPTH, "c", NULL, NULL), 1);
    metric_set(metric_series(METRIC_QUEUE_DEPTH, "a", NULL, NULL), 1);
    metric_set(metric_series(METRIC_QUEUE_DEPTH, "b", NULL, NULL), 1);
    metrics_write(&text);
    ck_assert_ptr_nonnull(strstr(text.data, "lstmd_queue_depth{model=\"a\"} 1\n"
                                            "lstmd_queue_depth{model=\"b\"} 1\n"
                                            "lstmd_queue_depth{model=\"c\"} 1\n"));
}
END_TEST

START_TEST(test_metrics_series_beyond_the_bound_are_shared_and_not_shown)
{
    char name[32];
    for (int k = 0; k < 1500; k++) {
        snprintf(name, sizeof name, "m%04d", k);
        metric_observe(metric_series(METRIC_BATCH_SIZE, name, NULL, NULL), 1);
    }
    ck_assert_ptr_eq(metric_series(METRIC_BATCH_SIZE, "m1498", NULL, NULL),
                     metric_series(METRIC_BATCH_SIZE, "m1499", NULL, NULL));
    metrics_write(&text);
    ck_assert(has_line("lstmd_batch_size_count{model=\"m1000\"} 1"));
    ck_assert_ptr_null(strstr(text.data, "m1499"));
}
END_TEST

enum { N_THREADS = 4, N_UPDATES = 5000 };

static void *update(void *unused)
{
    char name[8];
    for (int k = 0; k < N_UPDATES; k++) {
        snprintf(name, sizeof name, "m%d", k % 50);
        metric_add(metric_series(METRIC_QUEUE_DEPTH, name, NULL, NULL), 1);
        metric_observe(metric_series(METRIC_BATCH_SIZE, "m", NULL, NULL), 2);
    }
    return unused;
}

START_TEST(test_metrics_updates_of_many_threads_are_all_counted)
{
    pthread_t threads[N_THREADS];
    for (size_t k = 0; k < N_THREADS; k++)
        ck_assert_int_eq(pthread_create(&threads[k], NULL, update, NULL), 0);
    for (size_t k = 0; k < N_THREADS; k++)
        ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
    metrics_write(&text);
    for (int k = 0; k < 50; k++) {
        char line[64];
        snprintf(line, sizeof line, "lstmd_queue_depth{model=\"m%d\"} 400", k);
        ck_assert_msg(has_line(line), "missing: %s", line);
    }
    ck_assert(has_line("lstmd_batch_size_bucket{model=\"m\",le=\"2\"} 20000"));
    ck_assert(has_line("lstmd_batch_size_sum{model=\"m\"} 40000"));
}
END_TEST

Suite *suite_metrics(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, reset, release);
    tcase_add_test(tcase, test_metrics_families_are_named_by_the_conventions_and_complete);
    tcase_add_test(tcase, test_metrics_same_labels_give_the_same_series);
    tcase_add_test(tcase, test_metrics_counters_and_gauges_are_written);
    tcase_add_test(tcase, test_metrics_histogram_buckets_are_cumulative);
    tcase_add_test(tcase, test_metrics_label_values_are_escaped);
    tcase_add_test(tcase, test_metrics_series_are_written_in_order_of_their_labels);
    tcase_add_test(tcase, test_metrics_series_beyond_the_bound_are_shared_and_not_shown);
    tcase_add_test(tcase, test_metrics_updates_of_many_threads_are_all_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}
