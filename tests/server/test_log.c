/* test_log.c: log lines in both formats. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"

Suite *suite_log(void);

enum { CAPTURE_BYTES = 8192 };
static int saved_stderr, capture_ends[2];

/* From here to end_capture(), stderr is a pipe. */
static void begin_capture(void)
{
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(saved_stderr, 0);
    ck_assert_int_eq(pipe(capture_ends), 0);
    ck_assert_int_ge(dup2(capture_ends[1], STDERR_FILENO), 0);
    ck_assert_int_eq(close(capture_ends[1]), 0);
}

static void end_capture(char text[CAPTURE_BYTES])
{
    ck_assert_int_ge(dup2(saved_stderr, STDERR_FILENO), 0);
    ck_assert_int_eq(close(saved_stderr), 0);
    ssize_t n = read(capture_ends[0], text, CAPTURE_BYTES - 1);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    ck_assert_int_eq(close(capture_ends[0]), 0);
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
}

START_TEST(test_log_logfmt_line_has_time_level_event_and_fields)
{
    char text[CAPTURE_BYTES];
    int year, month, day, hour, minute, second, ms, end = 0;
    begin_capture();
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_warn("model_loaded", L_STR("model", "mnist"), L_INT("version", 1), L_REAL("loss", 0.25));
    end_capture(text);
    ck_assert_int_eq(sscanf(text, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
                            &minute, &second, &ms, &end),
                     7);
    ck_assert_str_eq(text + end, "level=warn event=model_loaded model=mnist version=1 loss=0.25\n");
}
END_TEST

START_TEST(test_log_json_line_is_one_object)
{
    char text[CAPTURE_BYTES];
    begin_capture();
    log_init(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    log_debug("x", L_STR("text", "a\"b\n"), L_INT("n", -7), L_REAL("nan", (double)NAN));
    end_capture(text);
    ck_assert_int_eq(memcmp(text, "{\"ts\":\"", 7), 0);
    ck_assert_str_eq(strstr(text, ",\"level\""), ",\"level\":\"debug\",\"event\":\"x\","
                                                 "\"text\":\"a\\\"b\\n\",\"n\":-7,\"nan\":null}\n");
}
END_TEST

static const struct {
    const char *value, *logfmt;
} values[] = {
    {"plain-1.0/x", "v=plain-1.0/x\n"},
    {"", "v=\"\"\n"},
    {"two words", "v=\"two words\"\n"},
    {"a=b", "v=\"a=b\"\n"},
    {"line\nlevel=error", "v=\"line\\nlevel=error\"\n"},
    {"\x1b[31m", "v=\"\\u001b[31m\"\n"},
    {"\xFF", "v=\"\xEF\xBF\xBD\"\n"},
    {NULL, "v=\"\"\n"},
};

START_TEST(test_log_value_cannot_forge_a_line_or_a_field)
{
    char text[CAPTURE_BYTES];
    begin_capture();
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_info("e", L_STR("v", values[_i].value));
    end_capture(text);
    ck_assert_str_eq(strstr(text, "v="), values[_i].logfmt);
}
END_TEST

START_TEST(test_log_line_that_is_too_long_is_cut_and_stays_well_formed)
{
    char text[CAPTURE_BYTES], value[5000];
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    begin_capture();
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info("e", L_STR("v", value), L_STR("w", "left out"));
    end_capture(text);
    size_t n = strlen(text);
    ck_assert_uint_le(n, 2048);
    ck_assert_str_eq(text + n - 5, "\\\"\"}\n");
    ck_assert_ptr_null(strstr(text, "left out"));
}
END_TEST

static int evaluate(int *n_evaluations)
{
    return ++*n_evaluations;
}

START_TEST(test_log_below_the_threshold_evaluates_and_writes_nothing)
{
    char text[CAPTURE_BYTES];
    int n_evaluations = 0;
    begin_capture();
    log_init(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    log_info("e", L_INT("n", evaluate(&n_evaluations)));
    log_error("shown", L_INT("n", evaluate(&n_evaluations)));
    end_capture(text);
    ck_assert_int_eq(n_evaluations, 1);
    ck_assert_ptr_null(strstr(text, "event=e"));
    ck_assert_ptr_nonnull(strstr(text, "event=shown n=1\n"));
}
END_TEST

Suite *suite_log(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    tcase_add_test(tcase, test_log_logfmt_line_has_time_level_event_and_fields);
    tcase_add_test(tcase, test_log_json_line_is_one_object);
    tcase_add_loop_test(tcase, test_log_value_cannot_forge_a_line_or_a_field, 0,
                        sizeof values / sizeof *values);
    tcase_add_test(tcase, test_log_line_that_is_too_long_is_cut_and_stays_well_formed);
    tcase_add_test(tcase, test_log_below_the_threshold_evaluates_and_writes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
