/* test_json_text.c: any bytes become a valid JSON string. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stddef.h>

#include "server/json_text.h"

Suite *suite_json_text(void);

static const struct {
    const char *text;
    size_t n;
    const char *json;
} cases[] = {
    {"", 0, "\"\""},
    {"plain text", 10, "\"plain text\""},
    {"a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\""},
    {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
    {"\0\x01\x1F\x7F", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
    {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    {"\xFFx", 2, "\"\xEF\xBF\xBDx\""},                               /* never UTF-8 */
    {"\x80x", 2, "\"\xEF\xBF\xBDx\""},                               /* begins nothing */
    {"\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                 /* overlong */
    {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* surrogate */
    {"\xF4\x90\x80\x80", 1, "\"\xEF\xBF\xBD\""},                     /* too large, cut */
    {"\xE2\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                 /* ends early */
    {"\xE2\x82\"", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\""},           /* quote within */
};

START_TEST(test_json_text_is_escaped)
{
    struct buf buf;
    buf_init(&buf, 1000);
    json_append_string(&buf, cases[_i].text, cases[_i].n);
    ck_assert_str_eq(buf.data, cases[_i].json);
    buf_release(&buf);
}
END_TEST

START_TEST(test_json_text_beyond_the_limit_marks_the_buffer)
{
    struct buf buf;
    buf_init(&buf, 4);
    json_append_string(&buf, "abcdef", 6);
    ck_assert(buf.failed);
    buf_release(&buf);
}
END_TEST

Suite *suite_json_text(void)
{
    Suite *suite = suite_create("json_text");
    TCase *tcase = tcase_create("json_text");
    tcase_add_loop_test(tcase, test_json_text_is_escaped, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tcase, test_json_text_beyond_the_limit_marks_the_buffer);
    suite_add_tcase(suite, tcase);
    return suite;
}
