/* test_idx.c: idx files, plain and gzip, good and broken. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/gzip.h"

Suite *suite_idx(void);

static const char images_path[] = "tests/data/mnist/t10k-images-idx3-ubyte.gz";
static const char labels_path[] = "tests/data/mnist/t10k-labels-idx1-ubyte.gz";

/* Writes a file for one test and loads it as idx of at most 100 bytes of data. */
static enum lstm_status load_bytes(const void *bytes, size_t n, struct lstm_idx *idx,
                                   struct lstm_error *error)
{
    char path[] = "/tmp/test_idx_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    ck_assert_int_eq(close(fd), 0);
    enum lstm_status status = lstm_idx_load(path, 100, idx, error);
    ck_assert_int_eq(unlink(path), 0);
    return status;
}

START_TEST(test_idx_plain_labels_are_read)
{
    static const uint8_t file[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1};
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(load_bytes(file, sizeof file, &idx, &error), LSTM_OK);
    ck_assert_uint_eq(idx.rank, 1);
    ck_assert_uint_eq(idx.shape[0], 3);
    ck_assert_mem_eq(idx.data, file + 8, 3);
    lstm_idx_release(&idx);
    ck_assert_ptr_null(idx.data);
}
END_TEST

START_TEST(test_idx_plain_images_are_read_with_their_shape)
{
    static const uint8_t file[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0,
                                   2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(load_bytes(file, sizeof file, &idx, &error), LSTM_OK);
    ck_assert_uint_eq(idx.rank, 3);
    ck_assert_uint_eq(idx.shape[0], 1);
    ck_assert_uint_eq(idx.shape[1], 2);
    ck_assert_uint_eq(idx.shape[2], 3);
    ck_assert_mem_eq(idx.data, file + 16, 6);
    lstm_idx_release(&idx);
}
END_TEST

START_TEST(test_idx_empty_data_set_is_read)
{
    static const uint8_t file[] = {0, 0, 8, 1, 0, 0, 0, 0};
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(load_bytes(file, sizeof file, &idx, &error), LSTM_OK);
    ck_assert_uint_eq(idx.shape[0], 0);
    lstm_idx_release(&idx);
}
END_TEST

/* The first test digits of MNIST are 7, 2, 1, 0, 4. */
START_TEST(test_idx_gzip_files_are_unpacked)
{
    struct lstm_idx images, labels;
    struct lstm_error error;
    ck_assert_int_eq(lstm_idx_load(images_path, 1 << 20, &images, &error), LSTM_OK);
    ck_assert_int_eq(lstm_idx_load(labels_path, 1 << 20, &labels, &error), LSTM_OK);
    ck_assert_uint_eq(images.shape[0], 100);
    ck_assert_uint_eq(images.shape[1], 28);
    ck_assert_uint_eq(images.shape[2], 28);
    ck_assert_uint_eq(labels.shape[0], 100);
    ck_assert_mem_eq(labels.data, "\7\2\1\0\4", 5);
    lstm_idx_release(&images);
    lstm_idx_release(&labels);
}
END_TEST

#define BYTES(...)                                                                                 \
    (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[])                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct broken {
    const uint8_t *file;
    size_t n;
    enum lstm_status status;
    const char *text;
} broken[] = {
    {BYTES(0), LSTM_FORMAT, "expected 4 bytes of idx header, found 1"},
    {BYTES('P', 'K', 3, 4), LSTM_FORMAT, "not an idx file: it begins with 50 4b"},
    {BYTES(0, 0, 13, 1, 0, 0, 0, 1), LSTM_UNSUPPORTED, "element type 0x0d"},
    {BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1), LSTM_UNSUPPORTED, "rank 2"},
    {BYTES(0, 0, 8, 0, 1), LSTM_UNSUPPORTED, "rank 0"},
    {BYTES(0, 0, 8, 255), LSTM_UNSUPPORTED, "rank 255"},
    {BYTES(0, 0, 8, 3, 0, 0, 0, 1), LSTM_FORMAT, "expected 12 bytes of idx dimensions, found 4"},
    {BYTES(0, 0, 8, 1, 0, 0, 0, 3, 7, 2), LSTM_FORMAT, "expected 3 bytes of data, found 2"},
    {BYTES(0, 0, 8, 1, 0, 0, 0, 1, 7, 2), LSTM_FORMAT, "more bytes follow the 1 announced"},
    {BYTES(0, 0, 8, 1, 0, 0, 0, 101), LSTM_FORMAT, "more than 100 bytes"},
    {BYTES(0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255), LSTM_FORMAT,
     "more than 100 bytes"},
    {BYTES(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 99), LSTM_FORMAT, "gzip data"},
    {BYTES(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 255, 255), LSTM_FORMAT, "broken gzip data"},
};

START_TEST(test_idx_broken_file_is_refused_with_a_reason)
{
    const struct broken *c = &broken[_i];
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(load_bytes(c->file, c->n, &idx, &error), c->status);
    ck_assert_int_eq(error.status, c->status);
    ck_assert_msg(strstr(error.text, c->text) != NULL, "'%s' lacks '%s'", error.text, c->text);
    ck_assert_msg(strstr(error.text, "/tmp/test_idx_") == error.text, "%s", error.text);
    ck_assert_ptr_null(idx.data);
}
END_TEST

START_TEST(test_idx_gzip_cut_anywhere_is_refused)
{
    uint8_t bytes[1000];
    FILE *file = fopen(labels_path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_gt(n, 30);
    for (size_t cut = 3; cut < n; cut += 7) {
        struct lstm_idx idx;
        struct lstm_error error;
        ck_assert_int_ne(load_bytes(bytes, cut, &idx, &error), LSTM_OK);
    }
}
END_TEST

START_TEST(test_idx_missing_file_is_not_found)
{
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(lstm_idx_load("tests/data/mnist/none", 100, &idx, &error), LSTM_NOT_FOUND);
    ck_assert_str_eq(error.text, "tests/data/mnist/none: no such file");
}
END_TEST

START_TEST(test_idx_folder_is_an_input_error)
{
    struct lstm_idx idx;
    struct lstm_error error;
    ck_assert_int_eq(lstm_idx_load("tests/data/mnist", 100, &idx, &error), LSTM_IO);
}
END_TEST

/* The check value of CRC-32: the sum of "123456789". */
START_TEST(test_gzip_crc32_of_pieces_is_the_published_check_value)
{
    ck_assert_uint_eq(gzip_crc32(0, "123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(gzip_crc32(gzip_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}
END_TEST

Suite *suite_idx(void)
{
    Suite *suite = suite_create("idx");
    TCase *good = tcase_create("good");
    tcase_add_test(good, test_idx_plain_labels_are_read);
    tcase_add_test(good, test_idx_plain_images_are_read_with_their_shape);
    tcase_add_test(good, test_idx_empty_data_set_is_read);
    tcase_add_test(good, test_idx_gzip_files_are_unpacked);
    tcase_add_test(good, test_gzip_crc32_of_pieces_is_the_published_check_value);
    suite_add_tcase(suite, good);
    TCase *bad = tcase_create("bad");
    tcase_add_loop_test(bad, test_idx_broken_file_is_refused_with_a_reason, 0,
                        sizeof broken / sizeof *broken);
    tcase_add_test(bad, test_idx_gzip_cut_anywhere_is_refused);
    tcase_add_test(bad, test_idx_missing_file_is_not_found);
    tcase_add_test(bad, test_idx_folder_is_an_input_error);
    suite_add_tcase(suite, bad);
    return suite;
}
