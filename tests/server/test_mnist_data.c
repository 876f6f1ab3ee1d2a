/* test_mnist_data.c: the MNIST files, their split and their batches.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/mnist_data.h"

Suite *suite_mnist_data(void);

static const char sample[] = "tests/data/mnist";

static const struct lstm_model_info digits = {
    .steps = 28, .features = 28, .scale = 1 / 255.0f, .output_size = 10};

static struct mnist_data data;

static void load_sample(void)
{
    ck_assert_int_eq(mnist_load(sample, 50, 0, &data, NULL), LSTM_OK);
}

static void release_sample(void)
{
    mnist_release(&data);
}

START_TEST(test_mnist_load_splits_validation_first)
{
    ck_assert_uint_eq(data.height, 28);
    ck_assert_uint_eq(data.width, 28);
    ck_assert_uint_eq(data.validation.n, 50);
    ck_assert_uint_eq(data.train.n, 150);
    ck_assert_uint_eq(data.test.n, 100);
    /* The labels of MNIST's training digits begin with 5, 0, 4, 1, 9. */
    ck_assert_mem_eq(data.validation.labels, "\5\0\4\1\11", 5);
    ck_assert_ptr_eq(data.train.labels, data.train_labels.data + 50);
    ck_assert_ptr_eq(data.train.images, data.train_images.data + (size_t)50 * 28 * 28);
    ck_assert_mem_eq(data.test.labels, "\7\2\1\0\4", 5);
}
END_TEST

static const struct {
    size_t validation_size, limit;
    enum lstm_status status;
    size_t n_validation, n_train;
} splits[] = {{0, 0, LSTM_OK, 0, 200},      {199, 0, LSTM_OK, 199, 1},
              {50, 100, LSTM_OK, 50, 100},  {50, 150, LSTM_OK, 50, 150},
              {200, 0, LSTM_INVALID, 0, 0}, {5000, 0, LSTM_INVALID, 0, 0},
              {50, 151, LSTM_INVALID, 0, 0}};

START_TEST(test_mnist_load_of_any_split_keeps_within_the_images)
{
    struct mnist_data split;
    struct lstm_error error;
    enum lstm_status status =
        mnist_load(sample, splits[_i].validation_size, splits[_i].limit, &split, &error);
    ck_assert_int_eq(status, splits[_i].status);
    ck_assert_uint_eq(split.validation.n, splits[_i].n_validation);
    ck_assert_uint_eq(split.train.n, splits[_i].n_train);
    mnist_release(&split);
}
END_TEST

/* A folder with tiny idx files: each test changes one. */
static char folder[] = "/tmp/test_mnist_XXXXXX";

struct file {
    const char *name, *content;
    size_t n;
};
static const struct file good[] = {
    {"train-images.idx3-ubyte", "\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\2abcd", 20},
    {"train-labels.idx1-ubyte", "\0\0\10\1\0\0\0\2\0\1", 10},
    {"t10k-images-idx3-ubyte", "\0\0\10\3\0\0\0\1\0\0\0\1\0\0\0\2ab", 18},
    {"t10k-labels-idx1-ubyte", "\0\0\10\1\0\0\0\1\1", 9},
};
enum { N_FILES = sizeof good / sizeof *good };

static void write_file(const struct file *file)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    FILE *stream = fopen(path, "we");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(file->content, 1, file->n, stream), file->n);
    ck_assert_int_eq(fclose(stream), 0);
}

static void remove_named(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void make_folder(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < N_FILES; i++)
        write_file(&good[i]);
}

static void remove_folder(void)
{
    for (size_t i = 0; i < N_FILES; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", folder, good[i].name);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(test_mnist_load_plain_files_named_with_a_dot_are_found)
{
    struct mnist_data tiny;
    ck_assert_int_eq(mnist_load(folder, 1, 0, &tiny, NULL), LSTM_OK);
    ck_assert_uint_eq(tiny.width, 2);
    ck_assert_mem_eq(tiny.train.images, "cd", 2);
    mnist_release(&tiny);
}
END_TEST

START_TEST(test_mnist_load_missing_file_is_named)
{
    struct mnist_data tiny;
    struct lstm_error error;
    remove_named("t10k-labels-idx1-ubyte");
    ck_assert_int_eq(mnist_load(folder, 1, 0, &tiny, &error), LSTM_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "no file t10k-labels-idx1-ubyte, plain or .gz"));
    ck_assert_ptr_null(tiny.train_images.data);
}
END_TEST

static const struct {
    struct file file;
    enum lstm_status status;
    const char *sentence;
} misfits[] = {
    {{"train-labels.idx1-ubyte", "\0\0\10\1\0\0\0\1\0", 9}, LSTM_SHAPE, "2 training images, but 1"},
    {{"train-labels.idx1-ubyte", "\0\0\10\3\0\0\0\1\0\0\0\1\0\0\0\1a", 17},
     LSTM_FORMAT,
     "found 3 and 3"},
    {{"train-images.idx3-ubyte", "\0\0\10\1\0\0\0\2ab", 10}, LSTM_FORMAT, "found 1 and 1"},
    {{"t10k-images-idx3-ubyte", "\0\0\10\3\0\0\0\1\0\0\0\2\0\0\0\2abcd", 20},
     LSTM_SHAPE,
     "training images are 1x2, but test images 2x2"},
    {{"train-images.idx3-ubyte", "\0\0\10\3\0\0\0\2\0\0\0\0\0\0\0\2", 16},
     LSTM_SHAPE,
     "there are no training images"},
    {{"t10k-labels-idx1-ubyte", "PK", 2}, LSTM_FORMAT, "expected 4 bytes of idx header"},
};

START_TEST(test_mnist_load_files_that_do_not_fit_are_refused)
{
    struct mnist_data tiny;
    struct lstm_error error;
    write_file(&misfits[_i].file);
    ck_assert_int_eq(mnist_load(folder, 1, 0, &tiny, &error), misfits[_i].status);
    ck_assert_msg(strstr(error.text, misfits[_i].sentence) != NULL, "%s", error.text);
    ck_assert_ptr_null(tiny.train_images.data);
}
END_TEST

static const struct {
    struct lstm_model_info info;
    enum lstm_status status;
    const char *sentence;
} models[] = {
    {{.steps = 28, .features = 28, .output_size = 10}, LSTM_OK, NULL},
    {{.steps = 0, .features = 28, .output_size = 10}, LSTM_OK, NULL},
    {{.steps = 784, .features = 1, .output_size = 10}, LSTM_OK, NULL},
    {{.steps = 28, .features = 27, .output_size = 10}, LSTM_SHAPE, "28 steps of 27 features = 756"},
    {{.steps = 0, .features = 29, .output_size = 10}, LSTM_SHAPE, "no whole number of steps"},
    {{.steps = 28, .features = 28, .output_size = 9}, LSTM_SHAPE, "knows the classes 0 to 8"},
    {{.steps = 784, .features = 1, .output_size = 10, .vocabulary = 256}, LSTM_SHAPE, "token ids"},
    {{.steps = 28, .features = 28, .output_size = 10, .output_is_sequence = true},
     LSTM_SHAPE,
     "gives a sequence"},
};

START_TEST(test_mnist_check_model_of_another_shape_is_refused)
{
    struct lstm_error error;
    ck_assert_int_eq(mnist_check_model(&data, &models[_i].info, &error), models[_i].status);
    if (models[_i].sentence != NULL)
        ck_assert_msg(strstr(error.text, models[_i].sentence) != NULL, "%s", error.text);
}
END_TEST

START_TEST(test_mnist_shuffle_is_a_permutation_fixed_by_seed_and_epoch)
{
    enum { N = 150 };
    size_t a[N], b[N], seen[N] = {0};
    mnist_shuffle(a, N, 1, 0);
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_lt(a[i], N);
        seen[a[i]]++;
    }
    for (size_t i = 0; i < N; i++)
        ck_assert_uint_eq(seen[i], 1);
    mnist_shuffle(b, N, 1, 0);
    ck_assert_mem_eq(a, b, sizeof a);
    mnist_shuffle(b, N, 1, 1);
    ck_assert_mem_ne(a, b, sizeof a);
    mnist_shuffle(b, N, 2, 0);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(test_mnist_batch_scales_bytes_and_makes_labels_one_hot)
{
    struct mnist_batch batch;
    ck_assert_int_eq(mnist_batch_init(&batch, &data, &digits, 4, NULL), LSTM_OK);
    mnist_batch_fill(&batch, &data.test, 1, 2);
    ck_assert_uint_eq(batch.n, 2);
    const uint8_t *image = data.test.images + 784;
    for (size_t i = 0; i < (size_t)2 * 784; i++)
        ck_assert_double_eq_tol((double)batch.inputs[i], image[i] / 255.0, 1e-6);
    static const float targets[20] = {[2] = 1, [11] = 1};
    ck_assert_mem_eq(batch.targets, targets, sizeof targets);
    ck_assert_uint_eq(batch.sequences[1].steps, 28);
    ck_assert_ptr_eq(batch.sequences[1].input, batch.inputs + 784);
    ck_assert_ptr_eq(batch.sequences[1].output, batch.outputs + 10);
    mnist_batch_release(&batch);
}
END_TEST

START_TEST(test_mnist_batch_pick_takes_the_images_told)
{
    struct mnist_batch picked, filled;
    const size_t indexes[] = {3, 1};
    ck_assert_int_eq(mnist_batch_init(&picked, &data, &digits, 2, NULL), LSTM_OK);
    ck_assert_int_eq(mnist_batch_init(&filled, &data, &digits, 4, NULL), LSTM_OK);
    mnist_batch_pick(&picked, &data.train, indexes, 2, NULL);
    mnist_batch_fill(&filled, &data.train, 0, 4);
    ck_assert_mem_eq(picked.inputs, filled.inputs + 3 * 784, 784 * sizeof(float));
    ck_assert_mem_eq(picked.inputs + 784, filled.inputs + 784, 784 * sizeof(float));
    ck_assert_mem_eq(picked.targets, filled.targets + 30, 10 * sizeof(float));
    mnist_batch_release(&picked);
    mnist_batch_release(&filled);
}
END_TEST

/* Shares of augmented images: none, about a half, all. */
static const struct {
    double share;
    size_t at_least, at_most;
} shares[] = {{0, 0, 0}, {0.5, 50, 100}, {1, 145, 150}};

START_TEST(test_mnist_batch_augmentation_distorts_its_share_of_the_images)
{
    struct mnist_augmentation augmentation = {{15, 0.85, 1.15, 2}, shares[_i].share, {{0}}};
    struct mnist_batch plain, distorted;
    size_t order[150], n_changed = 0;
    lstm_random_init(&augmentation.random, 1, 2);
    mnist_shuffle(order, 150, 1, 0);
    ck_assert_int_eq(mnist_batch_init(&plain, &data, &digits, 150, NULL), LSTM_OK);
    ck_assert_int_eq(mnist_batch_init(&distorted, &data, &digits, 150, NULL), LSTM_OK);
    mnist_batch_pick(&plain, &data.train, order, 150, NULL);
    mnist_batch_pick(&distorted, &data.train, order, 150, &augmentation);
    for (size_t i = 0; i < 150; i++)
        n_changed +=
            memcmp(plain.inputs + i * 784, distorted.inputs + i * 784, 784 * sizeof(float)) != 0;
    ck_assert_uint_ge(n_changed, shares[_i].at_least);
    ck_assert_uint_le(n_changed, shares[_i].at_most);
    ck_assert_mem_eq(plain.targets, distorted.targets, 1500 * sizeof(float));
    mnist_batch_release(&plain);
    mnist_batch_release(&distorted);
}
END_TEST

Suite *suite_mnist_data(void)
{
    Suite *suite = suite_create("mnist_data");
    TCase *sampled = tcase_create("sample");
    tcase_add_checked_fixture(sampled, load_sample, release_sample);
    tcase_add_test(sampled, test_mnist_load_splits_validation_first);
    tcase_add_loop_test(sampled, test_mnist_check_model_of_another_shape_is_refused, 0,
                        sizeof models / sizeof *models);
    tcase_add_test(sampled, test_mnist_batch_scales_bytes_and_makes_labels_one_hot);
    tcase_add_test(sampled, test_mnist_batch_pick_takes_the_images_told);
    tcase_add_loop_test(sampled, test_mnist_batch_augmentation_distorts_its_share_of_the_images, 0,
                        sizeof shares / sizeof *shares);
    suite_add_tcase(suite, sampled);
    TCase *loading = tcase_create("loading");
    tcase_add_checked_fixture(loading, make_folder, remove_folder);
    tcase_add_test(loading, test_mnist_load_plain_files_named_with_a_dot_are_found);
    tcase_add_test(loading, test_mnist_load_missing_file_is_named);
    tcase_add_loop_test(loading, test_mnist_load_files_that_do_not_fit_are_refused, 0,
                        sizeof misfits / sizeof *misfits);
    suite_add_tcase(suite, loading);
    TCase *pure = tcase_create("pure");
    tcase_add_loop_test(pure, test_mnist_load_of_any_split_keeps_within_the_images, 0,
                        sizeof splits / sizeof *splits);
    tcase_add_test(pure, test_mnist_shuffle_is_a_permutation_fixed_by_seed_and_epoch);
    suite_add_tcase(suite, pure);
    return suite;
}
