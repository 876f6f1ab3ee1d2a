/* test_buf.c: growable bytes and their limit. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/buf.h"

Suite *suite_buf(void);

START_TEST(test_buf_appended_pieces_are_joined_and_ended_by_nul)
{
    struct buf buf;
    buf_init(&buf, 100);
    ck_assert_ptr_null(buf.data);
    buf_text(&buf, "one,");
    buf_append(&buf, "two\0", 4);
    buf_printf(&buf, "%d", 3);
    ck_assert_uint_eq(buf.n, 9);
    ck_assert_mem_eq(buf.data, "one,two\0003", 10);
    ck_assert(!buf.failed);
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_many_appends_keep_every_byte)
{
    struct buf buf;
    buf_init(&buf, 100000);
    for (size_t k = 0; k < 10000; k++)
        buf_printf(&buf, "%06zu", k);
    ck_assert_uint_eq(buf.n, 60000);
    ck_assert_mem_eq(buf.data + 6 * 4321, "004321004322", 12);
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_append_up_to_the_limit_succeeds)
{
    struct buf buf;
    buf_init(&buf, 5);
    buf_append(&buf, "12345", 5);
    ck_assert(!buf.failed);
    ck_assert_str_eq(buf.data, "12345");
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_append_beyond_the_limit_fails_and_keeps_the_content)
{
    struct buf buf;
    buf_init(&buf, 5);
    buf_append(&buf, "123", 3);
    buf_append(&buf, "456", 3);
    ck_assert(buf.failed);
    buf_append(&buf, "7", 1);
    buf_printf(&buf, "%d", 8);
    ck_assert(!buf_reserve(&buf, 0));
    ck_assert_uint_eq(buf.n, 3);
    ck_assert_str_eq(buf.data, "123");
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_printf_beyond_the_limit_fails_and_keeps_the_content)
{
    struct buf buf;
    buf_init(&buf, 5);
    buf_text(&buf, "12");
    buf_printf(&buf, "%s", "3456");
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.n, 2);
    ck_assert_str_eq(buf.data, "12");
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_reserve_of_a_huge_size_fails_without_overflow)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    buf_text(&buf, "x");
    ck_assert(!buf_reserve(&buf, SIZE_MAX - 1));
    ck_assert(buf.failed);
    buf_release(&buf);
    ck_assert(!buf.failed);
}
END_TEST

START_TEST(test_buf_reserved_room_is_not_moved_by_appends)
{
    struct buf buf;
    buf_init(&buf, 5000);
    ck_assert(buf_reserve(&buf, 4000));
    const char *data = buf.data;
    for (size_t k = 0; k < 400; k++)
        buf_append(&buf, "0123456789", 10);
    ck_assert_ptr_eq(buf.data, data);
    buf_release(&buf);
}
END_TEST

START_TEST(test_buf_take_gives_the_bytes_up)
{
    struct buf buf;
    buf_init(&buf, 10);
    buf_text(&buf, "mine");
    char *taken = buf_take(&buf);
    ck_assert_str_eq(taken, "mine");
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.n, 0);
    buf_text(&buf, "again");
    ck_assert_str_eq(taken, "mine");
    ck_assert_str_eq(buf.data, "again");
    free(taken);
    buf_release(&buf);
}
END_TEST

Suite *suite_buf(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");
    tcase_add_test(tcase, test_buf_appended_pieces_are_joined_and_ended_by_nul);
    tcase_add_test(tcase, test_buf_many_appends_keep_every_byte);
    tcase_add_test(tcase, test_buf_append_up_to_the_limit_succeeds);
    tcase_add_test(tcase, test_buf_append_beyond_the_limit_fails_and_keeps_the_content);
    tcase_add_test(tcase, test_buf_printf_beyond_the_limit_fails_and_keeps_the_content);
    tcase_add_test(tcase, test_buf_reserve_of_a_huge_size_fails_without_overflow);
    tcase_add_test(tcase, test_buf_reserved_room_is_not_moved_by_appends);
    tcase_add_test(tcase, test_buf_take_gives_the_bytes_up);
    suite_add_tcase(suite, tcase);
    return suite;
}
