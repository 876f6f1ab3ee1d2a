/* test_pickle.c: hostile and odd pickles, as the object of a PyTorch file of before 1.6.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/suites.h"

Suite *suite_pickle(void);

/* A literal with its length; a NUL in it counts. */
#define BYTES(literal) literal, sizeof(literal) - 1

/* The parts of a file: magic, protocol and system; then the object; then the storages. */
#define MAGIC    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define SYSTEM   "\x80\x02}X\x0d\0\0\0little_endian\x88s."
#define NO_KEYS  "\x80\x02]."
#define ONE_KEY                                                                                    \
    "\x80\x02]X\x01\0\0\0"                                                                         \
    "0"                                                                                            \
    "a."
#define SIX    "\x06\0\0\0\0\0\0\0"
#define FLOATS "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40"

/* Pushes storage '0' of as many floats as `count` pushes, seen as `view` says. */
#define STORAGE_VIEW(count, view)                                                                  \
    "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"                                         \
    "0"                                                                                            \
    "X\x03\0\0\0cpu" count view "tQ"
#define STORAGE STORAGE_VIEW("K\x06", "N")

/* A dict of one tensor 'w' of six floats; the arguments push an offset and two tuples. */
#define TENSOR_OF(storage, offset, size, stride)                                                   \
    "}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" storage offset size stride "\x89)tRs."
#define TENSOR(offset, size, stride) TENSOR_OF(STORAGE, offset, size, stride)

/* The bytes of the file that a test has open. */
static char *opened;

/* Opens a file of this object, once in a test. */
static enum lstm_status open_object(const char *object, size_t n, const char *rest, size_t n_rest,
                                    struct lstm_source **source, struct lstm_error *error)
{
    static const char head[] = MAGIC PROTOCOL SYSTEM;
    const size_t n_head = sizeof head - 1;
    char *bytes = malloc(n_head + n + n_rest);
    opened = bytes;
    memcpy(bytes, head, n_head);
    memcpy(bytes + n_head, object, n);
    memcpy(bytes + n_head + n, rest, n_rest);
    const struct lstm_source_file file = {"weights.pt", bytes, n_head + n + n_rest};
    return lstm_source_parse(&file, 1, NULL, source, error);
}

static void free_opened(void)
{
    free(opened);
    opened = NULL;
}

static void expect_refusal(const char *object, size_t n, const char *rest, size_t n_rest,
                           enum lstm_status status, const char *words)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    assert_failure(open_object(object, n, rest, n_rest, &source, &error), status, &error, words);
    ck_assert_ptr_null(source);
}

/* ---- Instructions -----------------------------------------------------------------------------
 */

static const struct {
    const char *object;
    size_t n;
    enum lstm_status status;
    const char *words;
} hostile[] = {
    {BYTES("\x80\x02"
           "cos\nsystem\nX\x02\0\0\0id\x85R."),
     LSTM_UNSUPPORTED, "os.system"},
    {BYTES("\x80\x02"
           "cposix\nsystem\n."),
     LSTM_UNSUPPORTED, "posix.system"},
    {BYTES("\x80\x02"
           "c__builtin__\neval\n."),
     LSTM_UNSUPPORTED, "__builtin__.eval"},
    {BYTES("\x80\x04\x8c\x08"
           "builtins\x8c\x04"
           "exec\x93."),
     LSTM_UNSUPPORTED, "builtins.exec"},
    {BYTES("\x80\x02"
           "c__main__\nNet\n)\x81."),
     LSTM_UNSUPPORTED, "__main__.Net"},
    {BYTES("\x80\x02"
           "ctorch.storage\n_load_from_bytes\n."),
     LSTM_UNSUPPORTED, "_load_from_bytes"},
    {BYTES("\x80\x02(ios\nsystem\n."), LSTM_UNSUPPORTED, "instruction 0x69"},
    {BYTES("\x80\x02(o."), LSTM_UNSUPPORTED, "instruction 0x6f"},
    {BYTES("\x80\x02Pid\n."), LSTM_UNSUPPORTED, "instruction 0x50"},
    {BYTES("\x80\x02\x82\x01."), LSTM_UNSUPPORTED, "instruction 0x82"},
    {BYTES("\x80\x06N."), LSTM_FORMAT, "newer than 5"},
    {BYTES("\x80\x02\x8b\xff\xff\xff\xff"
           "1."),
     LSTM_FORMAT, "integer is cut short"},
    {BYTES("\x80\x02\x8b\xff\xff\xff\x7f"
           "1."),
     LSTM_FORMAT, "integer is cut short"},
    {BYTES("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), LSTM_FORMAT, "text is cut short"},
    {BYTES("\x80\x02\x95\xff\xff\xff"), LSTM_FORMAT, "cut short"},
    {BYTES("\x80\x02]r\xff\xff\xff\xff."), LSTM_FORMAT, "too much"},
    {BYTES("\x80\x02q\0."), LSTM_FORMAT, "nothing to remember"},
    {BYTES("\x80\x02h\x05."), LSTM_FORMAT, "did not remember"},
    {BYTES("\x80\x02]q\x03h\x02"
           "a."),
     LSTM_FORMAT, "did not remember"},
    {BYTES("\x80\x02t."), LSTM_FORMAT, "no mark"},
    {BYTES("\x80\x02u."), LSTM_FORMAT, "no mark"},
    {BYTES("\x80\x02(N."), LSTM_FORMAT, "one value"},
    {BYTES("\x80\x02."), LSTM_FORMAT, "one value"},
    {BYTES("\x80\x02NN."), LSTM_FORMAT, "one value"},
    {BYTES("\x80\x02N(\x85."), LSTM_FORMAT, "too few values"},
    {BYTES("\x80\x02N)R."), LSTM_FORMAT, "a name and its arguments"},
    {BYTES("\x80\x02R."), LSTM_FORMAT, "a name and its arguments"},
    {BYTES("\x80\x02"
           "ctorch\nfloat32\n)R."),
     LSTM_FORMAT, "cannot be called"},
    {BYTES("\x80\x02"
           "ctorch\nSize\n)R."),
     LSTM_FORMAT, "cannot be called"},
    {BYTES("\x80\x02"
           "ccollections\nOrderedDict\n]Na\x85R."),
     LSTM_FORMAT, "no pairs"},
    {BYTES("\x80\x02NN\x93."), LSTM_FORMAT, "a module and a name"},
    {BYTES("\x80\x02"
           "ctorch"),
     LSTM_FORMAT, "name is cut short"},
    {BYTES("\x80\x02](K\x01K\x02u."), LSTM_FORMAT, "not for a value of that kind"},
    {BYTES("\x80\x02}(K\x01u."), LSTM_FORMAT, "not for a value of that kind"},
    {BYTES("\x80\x02}K\x01"
           "a."),
     LSTM_FORMAT, "not for a value of that kind"},
    {BYTES("\x80\x02"
           "a."),
     LSTM_FORMAT, "no container"},
    {BYTES("\x80\x02"
           "b."),
     LSTM_FORMAT, "no object"},
    {BYTES("\x80\x02]q\0h\0"
           "a."),
     LSTM_FORMAT, "nested more than 16 deep"},
    {BYTES("\x80\x02}X\x02\0\0\0a\0Ns."), LSTM_FORMAT, "a key is too long, or no text"},
    {BYTES("\x80\x02KQQ\x80\x02]"), LSTM_FORMAT, "one value"},
    {BYTES("\x80\x02"
           "ca\nb\n)}\x92."),
     LSTM_UNSUPPORTED, "a.b"},
    {BYTES("\x80\x02"
           "ctorch\nSize\n)}\x92."),
     LSTM_FORMAT, "cannot be called"},
    {BYTES("\x80\x02)}\x92."), LSTM_FORMAT, "a name and its arguments"},
    {BYTES("\x80\x02"
           "ctorch\ndevice\n)R)R."),
     LSTM_FORMAT, "a name and its arguments"},
    {BYTES("\x80\x02"
           "ctorch\ndevice\n)RK\x01"
           "a."),
     LSTM_FORMAT, "not for a value of that kind"},
    {BYTES("\x80\x02"
           "ca\nb\n)R(K\x01u."),
     LSTM_FORMAT, "not for a value of that kind"},
    {BYTES("\x80\x02"
           "ca\nb\n)Rq\0h\0"
           "a."),
     LSTM_UNSUPPORTED, "a.b"},
    {BYTES("\x80\x02(X\x06\0\0\0module"
           "cmine\nNet\nX\0\0\0\0X\0\0\0\0tQ)\x81}b."),
     LSTM_UNSUPPORTED, "mine.Net"},
    {BYTES("\x80\x02(X\x06\0\0\0moduleNtQ."), LSTM_FORMAT, "none to a storage"},
};

START_TEST(test_pickle_that_is_no_plain_value_is_refused_and_says_why)
{
    expect_refusal(hostile[_i].object, hostile[_i].n, BYTES(NO_KEYS), hostile[_i].status,
                   hostile[_i].words);
}
END_TEST

START_TEST(test_pickle_of_a_billion_values_in_few_bytes_is_refused)
{
    char object[1024] = "\x80\x02]q", *next = object + 4;
    *next++ = 0;
    for (char level = 1; level < 12; level++) {
        *next++ = ']';
        *next++ = '(';
        for (size_t k = 0; k < 10; k++) {
            *next++ = 'h';
            *next++ = (char)(level - 1);
        }
        *next++ = 'e';
        *next++ = 'q';
        *next++ = level;
    }
    memcpy(next, "\x86\x86\x86\x86\x86\x86\x86\x86\x86\x86\x86.", 12);
    expect_refusal(object, (size_t)(next + 12 - object), BYTES(NO_KEYS), LSTM_FORMAT,
                   "more than 65877 values, too many for a file of 341 bytes");
}
END_TEST

/* Also where nothing but the search for tensors in it would look. */
START_TEST(test_opaque_value_of_a_billion_values_in_few_bytes_is_refused)
{
    char object[256] = "\x80\x02"
                       "ca\nb\n)",
         *next = object + strlen(object);
    for (size_t level = 0; level < 40; level++) { /* (x, x) of the one before */
        memcpy(next, "q\0h\0\x86", 5);
        next += 5;
    }
    memcpy(next, "R.", 2);
    expect_refusal(object, (size_t)(next + 2 - object), BYTES(NO_KEYS), LSTM_FORMAT,
                   "values, too many for a file of");
}
END_TEST

START_TEST(test_pickle_nested_deeply_is_refused)
{
    enum { DEPTH = 100000 };
    char *object = malloc(2 * DEPTH + 2);
    memset(object, ']', DEPTH);
    memset(object + DEPTH, 'a', DEPTH - 1);
    object[2 * DEPTH - 1] = '.';
    expect_refusal(object, 2 * DEPTH, BYTES(NO_KEYS), LSTM_FORMAT, "nested more than 16 deep");
    free_opened();
    memset(object, '(', DEPTH);
    expect_refusal(object, 2 * DEPTH, BYTES(NO_KEYS), LSTM_FORMAT, "nested too deeply");
    free(object);
}
END_TEST

/* ---- Tensors ----------------------------------------------------------------------------------
 */

#define MINUS_ONE    "J\xff\xff\xff\xff"
#define TWO_POWER_62 "\x8a\x08\0\0\0\0\0\0\0\x40"
#define TWO_POWER_70 "\x8a\x09\0\0\0\0\0\0\0\0\x40"
#define SIZE_6       "K\x06\x85"
#define STRIDE_1     "K\x01\x85"

static const struct {
    const char *object;
    size_t n;
    enum lstm_status status; /* OK: it is one tensor of 6 floats at most */
    const char *words;
} tensors[] = {
    {BYTES(TENSOR("K\0", SIZE_6, STRIDE_1)), LSTM_OK, ""},
    {BYTES(TENSOR("K\0", "K\x02K\x03\x86", "K\x03K\x01\x86")), LSTM_OK, ""},
    {BYTES(TENSOR("K\0", "K\x03K\x02\x86", "K\x01K\x03\x86")), LSTM_OK, ""},
    {BYTES(TENSOR("K\x05", "K\x01\x85", "M\xff\xff\x85")), LSTM_OK, ""},
    {BYTES(TENSOR("K\x06", "K\0\x85", STRIDE_1)), LSTM_OK, ""},
    {BYTES(TENSOR("K\x05", ")", ")")), LSTM_OK, ""},
    {BYTES(TENSOR("K\0", "M\0\x01\x85", "K\0\x85")), LSTM_OK, ""},
    {BYTES(TENSOR_OF(STORAGE_VIEW("K\x06", "X\x01\0\0\0vK\x02K\x04\x87"), "K\0", "K\x04\x85",
                     STRIDE_1)),
     LSTM_OK, ""},
    {BYTES(TENSOR_OF(STORAGE_VIEW("K\x06", "X\x01\0\0\0vK\x03K\x04\x87"), "K\0", "K\x04\x85",
                     STRIDE_1)),
     LSTM_FORMAT, "a view of it lies outside"},
    {BYTES(TENSOR_OF(STORAGE_VIEW("K\x06", "X\x01\0\0\0vK\x02K\x04\x87"), "K\0", "K\x05\x85",
                     STRIDE_1)),
     LSTM_FORMAT, "'w': with its size"},
    {BYTES(TENSOR("K\x01", SIZE_6, STRIDE_1)), LSTM_FORMAT, "reaches behind the 6 elements"},
    {BYTES(TENSOR("K\x07", "K\0\x85", STRIDE_1)), LSTM_FORMAT, "reaches behind"},
    {BYTES(TENSOR("K\0", SIZE_6, "K\x02\x85")), LSTM_FORMAT, "reaches behind"},
    {BYTES(TENSOR("K\0", "K\x02\x85", TWO_POWER_62 "\x85")), LSTM_FORMAT, "reaches behind"},
    {BYTES(TENSOR("K\0", TWO_POWER_62 TWO_POWER_62 "\x86", "K\0K\0\x86")), LSTM_FORMAT,
     "reaches behind"},
    {BYTES(TENSOR("K\0", TWO_POWER_62 "\x85", "K\0\x85")), LSTM_UNSUPPORTED, "an expanded view"},
    {BYTES(TENSOR(TWO_POWER_62, SIZE_6, STRIDE_1)), LSTM_FORMAT, "reaches behind"},
    {BYTES(TENSOR(TWO_POWER_70, SIZE_6, STRIDE_1)), LSTM_FORMAT, "an offset >= 0"},
    {BYTES(TENSOR(MINUS_ONE, SIZE_6, STRIDE_1)), LSTM_FORMAT, "an offset >= 0"},
    {BYTES(TENSOR("K\0", SIZE_6, MINUS_ONE "\x85")), LSTM_FORMAT, "no whole numbers >= 0"},
    {BYTES(TENSOR("K\0", MINUS_ONE "\x85", STRIDE_1)), LSTM_FORMAT, "no whole numbers >= 0"},
    {BYTES(TENSOR("K\0", SIZE_6, ")")), LSTM_FORMAT, "same rank"},
    {BYTES(TENSOR("K\0", SIZE_6, "N")), LSTM_FORMAT, "same rank"},
    {BYTES(TENSOR("K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t")),
     LSTM_FORMAT, "at most 8"},
    {BYTES(TENSOR_OF(STORAGE_VIEW("K\x07", "N"), "K\0", SIZE_6, STRIDE_1)), LSTM_FORMAT,
     "24 bytes, too few for its 7 elements"},
    {BYTES(TENSOR_OF(STORAGE_VIEW(TWO_POWER_62, "N"), "K\0", SIZE_6, STRIDE_1)), LSTM_FORMAT,
     "too few"},
    {BYTES(TENSOR_OF(STORAGE_VIEW(MINUS_ONE, "N"), "K\0", SIZE_6, STRIDE_1)), LSTM_FORMAT,
     "none to a storage"},
    {BYTES("}X\x01\0\0\0w" STORAGE "sX\x01\0\0\0vctorch._utils\n_rebuild_tensor_v2\n)Rs."),
     LSTM_FORMAT, "'v': expected a storage"},
};

START_TEST(test_tensor_must_lie_inside_its_storage)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    enum lstm_status status =
        open_object(tensors[_i].object, tensors[_i].n, BYTES(ONE_KEY SIX FLOATS), &source, &error);
    if (tensors[_i].status != LSTM_OK) {
        assert_failure(status, tensors[_i].status, &error, tensors[_i].words);
        return;
    }
    assert_ok(status, &error);
    ck_assert_uint_eq(lstm_source_n_arrays(source), 1);
    ck_assert_str_eq(lstm_source_array(source, 0).name, "w");
    lstm_source_destroy(source);
}
END_TEST

/* ---- What only a program could make -----------------------------------------------------------
 */

#define PART(object) "X\x01\0\0\0p" object "s"
#define BESIDE(object)                                                                             \
    "}" PART(object) "X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" STORAGE                    \
                     "K\0" SIZE_6 STRIDE_1 "\x89)tRs."
#define ARRAY "cnumpy.core.multiarray\n_reconstruct\n)R"

static const struct {
    const char *object;
    size_t n;
    bool is_array; /* it may hold weights, and is listed */
} opaque[] = {
    {BYTES(BESIDE("cos\nsystem\nX\x02\0\0\0id\x85R")), false},
    {BYTES(BESIDE("cos\nsystem\n")), false},
    {BYTES(BESIDE("ca\nB\n)\x81}X\x01\0\0\0xK\x01sb")), false},
    {BYTES(BESIDE("ca\nB\n)}\x92")), false},
    {BYTES(BESIDE("ca\nB\n)R(K\x01K\x02u(K\x01"
                  "eK\x01"
                  "a")),
     false},
    {BYTES(BESIDE("ca\nB\n)R(K\x01\x90")), false},
    {BYTES(BESIDE("cbuiltins\ngetattr\n)R)R")), false},
    {BYTES(BESIDE("ccollections\ndefaultdict\ncbuiltins\nint\n\x85R")), false},
    {BYTES(BESIDE("\x96\x01\0\0\0\0\0\0\0x")), false},
    {BYTES(BESIDE("ca\nB\n" STORAGE "\x85R")), true},
    {BYTES(BESIDE("ca\nB\n)R]" STORAGE "ab")), true},
    {BYTES(BESIDE("ca\nB\n)R" STORAGE "a")), true},
    {BYTES(BESIDE("ca\nB\n" STORAGE "\x85R)R")), true},
    {BYTES(BESIDE("ca\nB\n)}X\x01\0\0\0x" STORAGE "s\x92")), true},
    {BYTES(BESIDE("ca\nB\n)Rq\0h\0"
                  "a")),
     true},
    {BYTES(BESIDE("ca\n_rebuild_tensor_v2\n(" STORAGE "K\0" SIZE_6 STRIDE_1 "\x89)tR")), true},
    {BYTES(BESIDE("ca\n_rebuild_qtensor\n)R")), false},
    {BYTES(BESIDE(ARRAY)), true},
    {BYTES(BESIDE("cargparse\nNamespace\n)R}X\x01\0\0\0x" ARRAY "sb")), true},
};

START_TEST(test_value_that_a_program_would_make_is_passed_over)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    assert_ok(
        open_object(opaque[_i].object, opaque[_i].n, BYTES(ONE_KEY SIX FLOATS), &source, &error),
        &error);
    ck_assert_uint_eq(lstm_source_n_arrays(source), opaque[_i].is_array ? 2 : 1);
    const struct lstm_source_array first = lstm_source_array(source, 0);
    ck_assert_str_eq(first.dtype, opaque[_i].is_array ? "other" : "float32");
    ck_assert_str_eq(first.name, opaque[_i].is_array ? "p" : "w");
    lstm_source_destroy(source);
}
END_TEST

/* A name counts only with its module. */
START_TEST(test_storage_of_a_foreign_type_is_refused)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    assert_failure(open_object(BYTES(TENSOR_OF("(X\x07\0\0\0storageca\nFloatStorage\nX\x01\0\0\0"
                                               "0"
                                               "X\x03\0\0\0cpuK\x06NtQ",
                                               "K\0", SIZE_6, STRIDE_1)),
                               BYTES(ONE_KEY SIX FLOATS), &source, &error),
                   LSTM_UNSUPPORTED, &error, "storage '0' is of type a.FloatStorage");
}
END_TEST

/* ---- The file around it -----------------------------------------------------------------------
 */

#define GOOD_TENSOR TENSOR("K\0", SIZE_6, STRIDE_1)

static const struct {
    const char *bytes;
    size_t n;
    enum lstm_status status;
    const char *words;
} files[] = {
    {BYTES("\x80\x02"
           "ccollections\nOrderedDict\n)R."),
     LSTM_UNSUPPORTED, "torch.save() did not write"},
    {BYTES(MAGIC "\x80\x02M\xe8\x03." SYSTEM "\x80\x02}." NO_KEYS), LSTM_FORMAT, "1001"},
    {BYTES(MAGIC PROTOCOL "\x80\x02}X\x0d\0\0\0little_endian\x89s." GOOD_TENSOR), LSTM_UNSUPPORTED,
     "big-endian"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR NO_KEYS), LSTM_FORMAT, "not in the file's list"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR "\x80\x02}."), LSTM_FORMAT, "a list of storages"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR "\x80\x02]Na."), LSTM_FORMAT, "no text"},
    {BYTES(MAGIC PROTOCOL SYSTEM "\x80\x02}." ONE_KEY SIX FLOATS), LSTM_FORMAT,
     "nothing refers to it"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR "\x80\x02](X\1\0\0\0"
                                             "0X\1\0\0\0"
                                             "0e." SIX FLOATS),
     LSTM_FORMAT, "listed twice"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR ONE_KEY "\x06\0\0\0"), LSTM_FORMAT, "it is cut"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR ONE_KEY SIX "\0\0\x80\x3f"), LSTM_FORMAT,
     "reach behind the end of the file"},
    {BYTES(MAGIC PROTOCOL SYSTEM GOOD_TENSOR ONE_KEY "\0\0\0\0\0\0\0\x40" FLOATS), LSTM_FORMAT,
     "reach behind the end of the file"},
};

START_TEST(test_file_around_the_pickle_is_checked)
{
    const struct lstm_source_file file = {"weights.pt", files[_i].bytes, files[_i].n};
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    assert_failure(lstm_source_parse(&file, 1, NULL, &source, &error), files[_i].status, &error,
                   files[_i].words);
}
END_TEST

/* As Python 2 wrote it: byte strings, and an OrderedDict made of a list of pairs. */
START_TEST(test_pickle_of_python_2_is_read)
{
    struct lstm_source *source;
    struct lstm_error error;
    assert_ok(open_object(BYTES("\x80\x02"
                                "ccollections\nOrderedDict\n](](U\x01wctorch._utils\n"
                                "_rebuild_tensor\n(" STORAGE "K\0K\x06\x85K\x01\x85tRee\x85R."),
                          BYTES(ONE_KEY SIX FLOATS), &source, &error),
              &error);
    ck_assert_uint_eq(lstm_source_n_arrays(source), 1);
    ck_assert_str_eq(lstm_source_array(source, 0).name, "w");
    ck_assert_uint_eq(lstm_source_array(source, 0).shape[0], 6);
    lstm_source_destroy(source);
}
END_TEST

Suite *suite_pickle(void)
{
    Suite *suite = suite_create("pickle");
    TCase *hostility = tcase_create("hostility");
    suite_add_tcase(suite, hostility);
    tcase_add_checked_fixture(hostility, NULL, free_opened);
    tcase_add_loop_test(hostility, test_pickle_that_is_no_plain_value_is_refused_and_says_why, 0,
                        N_CASES(hostile));
    tcase_add_test(hostility, test_pickle_of_a_billion_values_in_few_bytes_is_refused);
    tcase_add_test(hostility, test_opaque_value_of_a_billion_values_in_few_bytes_is_refused);
    tcase_add_loop_test(hostility, test_value_that_a_program_would_make_is_passed_over, 0,
                        N_CASES(opaque));
    tcase_add_test(hostility, test_storage_of_a_foreign_type_is_refused);
    tcase_add_test(hostility, test_pickle_nested_deeply_is_refused);
    tcase_add_loop_test(hostility, test_tensor_must_lie_inside_its_storage, 0, N_CASES(tensors));
    tcase_add_loop_test(hostility, test_file_around_the_pickle_is_checked, 0, N_CASES(files));
    tcase_add_test(hostility, test_pickle_of_python_2_is_read);
    return suite;
}
