/* test_top_view.c: metrics read back, what grew between two readings, and the page made of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "server/terminal.h"
#include "server/top_view.h"

Suite *suite_top_view(void);

static struct metrics_reading before, now;

static void read_text(const char *text, struct metrics_reading *reading)
{
    struct buf buf;
    buf_init(&buf, 1 << 20);
    buf_text(&buf, text);
    ck_assert_int_eq(metrics_read(&buf, reading, NULL), LSTM_OK);
    ck_assert_ptr_null(buf.data);
}

static void release(void)
{
    metrics_reading_release(&before);
    metrics_reading_release(&now);
}

START_TEST(test_metrics_read_lines_have_names_labels_and_values)
{
    char label[32];
    read_text("# HELP a b 1\n# TYPE a counter\na 3\n\nb{x=\"1 2\",y=\"q\\\"},{\"} 1e-3\nno value\n"
              "c{x=\"\"} +Inf",
              &now);
    ck_assert_uint_eq(now.n, 3);
    ck_assert(metric_line_is(&now.lines[0], "a"));
    ck_assert(now.lines[0].value == 3);
    metric_line_label(&now.lines[0], "x", label, sizeof label);
    ck_assert_str_eq(label, "");
    ck_assert(metric_line_is(&now.lines[1], "b"));
    ck_assert(!metric_line_is(&now.lines[1], "bb"));
    ck_assert(now.lines[1].value == 1e-3);
    metric_line_label(&now.lines[1], "x", label, sizeof label);
    ck_assert_str_eq(label, "1 2");
    metric_line_label(&now.lines[1], "y", label, sizeof label);
    ck_assert_str_eq(label, "q\\\"},{");
    metric_line_label(&now.lines[1], "y", label, 3);
    ck_assert_str_eq(label, "q\\");
    ck_assert(isinf(now.lines[2].value));
}
END_TEST

START_TEST(test_metrics_read_broken_text_is_harmless)
{
    char label[8];
    read_text("a{\nb{x 1\nc{x=\" 2\nd{x=\"1\\ 3\n{} 4\n 5\n", &now);
    for (size_t i = 0; i < now.n; i++)
        metric_line_label(&now.lines[i], "x", label, sizeof label);
    ck_assert_uint_eq(now.n, 4);
    metrics_reading_release(&now);
    read_text("", &now);
    ck_assert_uint_eq(now.n, 0);
}
END_TEST

START_TEST(test_metric_line_growth_after_a_restart_is_all_of_it)
{
    read_text("a 5\nb 7\n", &before);
    read_text("a 6\nb 2\nc 4\n", &now);
    ck_assert(metric_line_growth(&now.lines[0], &before) == 1);
    ck_assert(metric_line_growth(&now.lines[1], &before) == 2);
    ck_assert(metric_line_growth(&now.lines[2], &before) == 4);
}
END_TEST

START_TEST(test_metrics_growth_adds_series_and_is_not_cumulated)
{
    struct metric_growth growth;
    read_text("h_bucket{m=\"a\",le=\"1\"} 1\nh_bucket{m=\"a\",le=\"+Inf\"} 1\n", &before);
    read_text("h_bucket{m=\"a\",le=\"1\"} 4\nh_bucket{m=\"a\",le=\"2\"} 4\n"
              "h_bucket{m=\"a\",le=\"+Inf\"} 6\n"
              "h_bucket{m=\"b\",le=\"1\"} 1\nh_bucket{m=\"b\",le=\"2\"} 3\n"
              "h_bucket{m=\"b\",le=\"+Inf\"} 3\n",
              &now);
    metrics_growth_of(&now, &before, "h", NULL, &growth);
    ck_assert_uint_eq(growth.n, 3);
    ck_assert(growth.bounds[0] == 1 && growth.bounds[1] == 2 && isinf(growth.bounds[2]));
    ck_assert(growth.counts[0] == 4 && growth.counts[1] == 3 && growth.counts[2] == 1);
}
END_TEST

START_TEST(test_metric_growth_quantile_lies_within_its_bucket)
{
    const struct metric_growth growth = {{1, 2, (double)INFINITY}, {2, 6, 2}, 3};
    const struct metric_growth empty = {{1}, {0}, 1};
    ck_assert_double_eq_tol(metric_growth_quantile(&growth, 0.1), 0.5, 1e-9);
    ck_assert_double_eq_tol(metric_growth_quantile(&growth, 0.5), 1.5, 1e-9);
    ck_assert_double_eq_tol(metric_growth_quantile(&growth, 0.99), 2, 1e-9);
    ck_assert(metric_growth_quantile(&empty, 0.5) < 0);
}
END_TEST

START_TEST(test_top_view_shows_what_happened_between_two_readings)
{
    struct buf page;
    read_text("lstmd_requests_total{model=\"m\",route=\"predict\",code=\"200\"} 10\n"
              "lstmd_train_steps_total{model=\"m\"} 2\n",
              &before);
    read_text("lstmd_requests_total{model=\"m\",route=\"predict\",code=\"200\"} 30\n"
              "lstmd_requests_total{model=\"m\",route=\"state\",code=\"200\"} 4\n"
              "lstmd_requests_total{model=\"m\",route=\"predict\",code=\"503\"} 3\n"
              "lstmd_requests_total{model=\"\",route=\"metrics\",code=\"200\"} 99\n"
              "lstmd_request_duration_seconds_bucket{route=\"predict\",le=\"0.001\"} 10\n"
              "lstmd_request_duration_seconds_bucket{route=\"predict\",le=\"+Inf\"} 10\n"
              "lstmd_requests_in_flight 3\nlstmd_sessions_live 5\n"
              "process_resident_memory_bytes 1.25e7\n"
              "lstmd_loaded_versions{model=\"m\"} 2\nlstmd_queue_depth{model=\"m\"} 7\n"
              "lstmd_train_steps_total{model=\"m\"} 6\n"
              "lstmd_batch_size_bucket{model=\"m\",le=\"1\"} 2\n"
              "lstmd_batch_size_bucket{model=\"m\",le=\"2\"} 2\n"
              "lstmd_batch_size_bucket{model=\"m\",le=\"4\"} 10\n"
              "lstmd_batch_size_bucket{model=\"m\",le=\"+Inf\"} 10\n",
              &now);
    buf_init(&page, 1 << 16);
    top_view(&(struct top_interval){&before, &now, 2}, 50, &page);
    ck_assert_str_eq(page.data,
                     "requests  13.5 /s   in flight 2   p50 0.50 ms   p99 0.99 ms\n"
                     "sessions  5   memory 12.5 MB\n"
                     "\nMODEL                    CODE   REQUESTS/s\n"
                     "m                         200         12.0\n"
                     "m                         503          1.5\n"
                     "\nMODEL                    VERSIONS   QUEUED  TRAIN STEPS   STEPS/s\n"
                     "m                               2        7            6       2.0\n"
                     "\nBATCH SIZE      BATCHES/s\n"
                     "1                     1.0  ████            \n"
                     "2                     0.0                  \n"
                     "3-4                   4.0  ████████████████\n");
    buf_release(&page);
}
END_TEST

START_TEST(test_terminal_bar_is_filled_in_eighths)
{
    static const struct {
        double share;
        const char *text;
    } bars[] = {{0, "  "}, {0.0625, "▏ "}, {0.5, "█ "}, {0.75, "█▌"},       {0.99, "██"},
                {1, "██"}, {7, "██"},      {-1, "  "},  {(double)NAN, "  "}};
    for (size_t k = 0; k < sizeof bars / sizeof *bars; k++) {
        struct buf out;
        buf_init(&out, 64);
        terminal_bar(&out, bars[k].share, 2);
        ck_assert_str_eq(out.data, bars[k].text);
        buf_release(&out);
    }
}
END_TEST

START_TEST(test_terminal_draw_has_two_rows_a_line)
{
    static const float values[] = {1, -1, 0, 0, 0.5f, 1};
    const struct terminal colours = {.has_colour = true, .columns = 80};
    const struct terminal narrow = {.columns = 3};
    struct buf out;
    buf_init(&out, 1 << 10);
    terminal_draw(&colours, &out, values, 3, 2, PALETTE_HEAT, 1);
    ck_assert_str_eq(out.data, " \033[38;5;208;48;5;16m▀\033[38;5;33;48;5;16m▀\033[0m\n"
                               " \033[38;5;130m▀\033[38;5;208m▀\033[0m\n");
    buf_release(&out);
    terminal_draw(&narrow, &out, values, 2, 2, PALETTE_INK, 2);
    ck_assert_str_eq(out.data, "  ▒\n");
    buf_release(&out);
}
END_TEST

Suite *suite_top_view(void)
{
    Suite *suite = suite_create("top_view");
    TCase *tcase = tcase_create("top_view");
    tcase_add_checked_fixture(tcase, NULL, release);
    tcase_add_test(tcase, test_metrics_read_lines_have_names_labels_and_values);
    tcase_add_test(tcase, test_metrics_read_broken_text_is_harmless);
    tcase_add_test(tcase, test_metric_line_growth_after_a_restart_is_all_of_it);
    tcase_add_test(tcase, test_metrics_growth_adds_series_and_is_not_cumulated);
    tcase_add_test(tcase, test_metric_growth_quantile_lies_within_its_bucket);
    tcase_add_test(tcase, test_top_view_shows_what_happened_between_two_readings);
    tcase_add_test(tcase, test_terminal_bar_is_filled_in_eighths);
    tcase_add_test(tcase, test_terminal_draw_has_two_rows_a_line);
    suite_add_tcase(suite, tcase);
    return suite;
}
