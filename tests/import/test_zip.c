/* test_zip.c: zip archives are read where they lie, and hostile ones refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"
#include "core/import/source.h"
#include "core/import/zip.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/suites.h"
#include "tests/support/temp_folder.h"

Suite *suite_zip(void);

/* An archive in memory, as a source. */
struct fixture {
    unsigned char *bytes;
    size_t n;
    struct import_source source;
};

static void begin(struct fixture *fixture, const char *path)
{
    char *read = temp_file_read(path, &fixture->n);
    fixture->bytes = (unsigned char *)read;
    const struct lstm_source_file file = {"archive", read, fixture->n};
    struct lstm_error error;
    assert_ok(source_init_files(&fixture->source, &file, 1, &error), &error);
}

static void end(struct fixture *fixture)
{
    source_release(&fixture->source);
    free(fixture->bytes);
}

START_TEST(test_zip_stored_member_is_a_pointer_into_the_archive)
{
    struct fixture fixture;
    struct zip_archive archive;
    struct lstm_error error;
    const unsigned char *bytes;
    begin(&fixture, "tests/data/keras/keras3.keras");
    ck_assert(zip_probe(fixture.bytes, fixture.n));
    assert_ok(zip_open(&fixture.source, fixture.bytes, fixture.n, &archive, &error), &error);
    ck_assert_uint_eq(archive.n_members, 3);
    ck_assert_ptr_null(zip_find(&archive, "model.weights"));
    const struct zip_member *member = zip_find(&archive, "model.weights.h5");
    ck_assert_ptr_nonnull(member);
    assert_ok(zip_read(&fixture.source, &archive, member, &bytes, &error), &error);
    ck_assert_ptr_eq(bytes, fixture.bytes + member->at);
    ck_assert_mem_eq(bytes + 1, "HDF", 3);
    end(&fixture);
}
END_TEST

START_TEST(test_zip_deflated_member_is_unpacked)
{
    struct fixture fixture;
    struct zip_archive archive;
    struct lstm_error error;
    const unsigned char *bytes;
    begin(&fixture, "tests/data/keras/keras3_deflated.keras");
    assert_ok(zip_open(&fixture.source, fixture.bytes, fixture.n, &archive, &error), &error);
    const struct zip_member *member = zip_find(&archive, "metadata.json");
    assert_ok(zip_read(&fixture.source, &archive, member, &bytes, &error), &error);
    ck_assert_uint_eq(member->n, strlen("{\"keras_version\": \"3.3.3\"}"));
    ck_assert_mem_eq(bytes, "{\"keras_version\": \"3.3.3\"}", member->n);
    end(&fixture);
}
END_TEST

/* What is written over the first record of a kind, and what the reader says of it. */
static const struct {
    const char *record;
    size_t at, n;
    const char *bytes;
    enum lstm_status status;
    const char *words;
} damages[] = {
    {"PK\1\2", 8, 1, "\1", LSTM_UNSUPPORTED, "is encrypted"},
    {"PK\1\2", 10, 1, "\f", LSTM_UNSUPPORTED, "method 12"},
    {"PK\1\2", 24, 4, "\377\377\377\177", LSTM_FORMAT, "cannot be packed"},
    {"PK\1\2", 28, 2, "\377\377", LSTM_FORMAT, "behind the directory"},
    {"PK\1\2", 42, 4, "\1\0\0\0", LSTM_FORMAT, "no local header at byte 1"},
    {"PK\1\2", 46, 1, "\0", LSTM_FORMAT, "no proper name"},
    {"PK\1\2", 0, 1, "Q", LSTM_FORMAT, "no directory entry"},
    {"PK\5\6", 0, 1, "Q", LSTM_FORMAT, "no end record"},
    {"PK\5\6", 4, 1, "\1", LSTM_UNSUPPORTED, "several volumes"},
    {"PK\5\6", 10, 2, "\377\377", LSTM_FORMAT, "are announced"},
    {"PK\5\6", 16, 4, "\377\377\377\0", LSTM_FORMAT, "reaches behind"},
};

START_TEST(test_zip_damaged_archive_is_refused_with_a_sentence)
{
    struct fixture fixture;
    struct zip_archive archive;
    struct lstm_error error = {.text = ""};
    begin(&fixture, "tests/data/keras/keras3.keras");
    unsigned char *record = memmem(fixture.bytes, fixture.n, damages[_i].record, 4);
    ck_assert_ptr_nonnull(record);
    memcpy(record + damages[_i].at, damages[_i].bytes, damages[_i].n);
    ck_assert_int_eq(zip_open(&fixture.source, fixture.bytes, fixture.n, &archive, &error),
                     damages[_i].status);
    ck_assert_msg(strstr(error.text, damages[_i].words) != NULL, "%s", error.text);
    end(&fixture);
}
END_TEST

START_TEST(test_zip_two_members_of_one_name_are_refused)
{
    struct fixture fixture;
    struct zip_archive archive;
    struct lstm_error error = {.text = ""};
    begin(&fixture, "tests/data/keras/keras3.keras");
    /* "config.json" and "metadata.json" become one, in the directory, by cutting the latter. */
    unsigned char *first = memmem(fixture.bytes, fixture.n, "PK\1\2", 4);
    unsigned char *second =
        memmem(first + 1, fixture.n - (size_t)(first + 1 - fixture.bytes), "PK\1\2", 4);
    memcpy(first + 46, "config.json", 11);
    first[28] = 11;
    first[32] = 2; /* the rest of the name is its comment */
    ck_assert_mem_eq(second + 46, "config.json", 11);
    ck_assert_int_eq(zip_open(&fixture.source, fixture.bytes, fixture.n, &archive, &error),
                     LSTM_FORMAT);
    ck_assert_msg(strstr(error.text, "two members named config.json") != NULL, "%s", error.text);
    end(&fixture);
}
END_TEST

START_TEST(test_zip_member_of_another_checksum_is_damaged)
{
    struct fixture fixture;
    struct zip_archive archive;
    struct lstm_error error = {.text = ""};
    const unsigned char *bytes;
    begin(&fixture, "tests/data/keras/keras3.keras");
    assert_ok(zip_open(&fixture.source, fixture.bytes, fixture.n, &archive, &error), &error);
    const struct zip_member *member = zip_find(&archive, "model.weights.h5");
    fixture.bytes[member->at + member->n / 2] ^= 1;
    ck_assert_int_eq(zip_read(&fixture.source, &archive, member, &bytes, &error), LSTM_FORMAT);
    ck_assert_ptr_null(bytes);
    ck_assert_ptr_nonnull(strstr(error.text, "the file is damaged"));
    end(&fixture);
}
END_TEST

/* Short pieces are summed by zlib alone. */
START_TEST(test_checksum_of_long_data_equals_that_of_its_pieces)
{
    static unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i >> 5);
    for (size_t begin = 0; begin < 5; begin++)
        for (size_t n = 0; n < sizeof bytes - begin; n += n < 600 ? 1 : 499) {
            uint32_t pieces = 0x12345678, piece;
            for (size_t at = 0; at < n; at += piece) {
                piece = n - at < 100 ? (uint32_t)(n - at) : 100;
                pieces = gzip_crc32(pieces, bytes + begin + at, piece);
            }
            ck_assert_uint_eq(gzip_crc32(0x12345678, bytes + begin, n), pieces);
        }
}
END_TEST

Suite *suite_zip(void)
{
    Suite *suite = suite_create("zip");
    TCase *tcase = tcase_create("zip");
    tcase_add_test(tcase, test_zip_stored_member_is_a_pointer_into_the_archive);
    tcase_add_test(tcase, test_zip_deflated_member_is_unpacked);
    tcase_add_loop_test(tcase, test_zip_damaged_archive_is_refused_with_a_sentence, 0,
                        N_CASES(damages));
    tcase_add_test(tcase, test_zip_two_members_of_one_name_are_refused);
    tcase_add_test(tcase, test_zip_member_of_another_checksum_is_damaged);
    tcase_add_test(tcase, test_checksum_of_long_data_equals_that_of_its_pieces);
    suite_add_tcase(suite, tcase);
    return suite;
}
