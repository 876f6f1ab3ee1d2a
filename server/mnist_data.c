/* mnist_data.c: reads and splits the MNIST files. SPDX-License-Identifier: Apache-2.0 */
#include "server/mnist_data.h"

#include <limits.h>
#include <stdio.h>

#include "core/status.h"

/* The real files hold 47 MB. */
static const size_t max_file_bytes = (size_t)1 << 30;

/* Loads folder/<name>-<type>, or another of the spellings in use. */
static enum lstm_status load_file(const char *folder, const char *name, const char *type,
                                  struct lstm_idx *idx, struct lstm_error *error)
{
    static const char *const spellings[][2] = {{"-", ""}, {"-", ".gz"}, {".", ""}, {".", ".gz"}};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s%s%s%s", folder, name, spellings[i][0], type,
                         spellings[i][1]);
        if (n < 0 || (size_t)n >= sizeof path)
            return lstm_fail(error, LSTM_INVALID, "the path of the data folder is too long");
        enum lstm_status status = lstm_idx_load(path, max_file_bytes, idx, error);
        if (status != LSTM_NOT_FOUND)
            return status;
    }
    return lstm_fail(error, LSTM_NOT_FOUND, "%s has no file %s-%s, plain or .gz", folder, name,
                     type);
}

/* The two files of one part of the data set. */
struct pair {
    const char *part, *images, *labels;
};
static const struct pair train_files = {"training", "train-images", "train-labels"};
static const struct pair test_files = {"test", "t10k-images", "t10k-labels"};

/* Loads the images and the labels of one part and checks that they fit together. */
static enum lstm_status load_pair(const char *folder, const struct pair *files,
                                  struct lstm_idx *images, struct lstm_idx *labels,
                                  struct lstm_error *error)
{
    enum lstm_status status = load_file(folder, files->images, "idx3-ubyte", images, error);
    if (status == LSTM_OK)
        status = load_file(folder, files->labels, "idx1-ubyte", labels, error);
    if (status != LSTM_OK)
        return status;
    if (images->rank != 3 || labels->rank != 1)
        return lstm_fail(error, LSTM_FORMAT,
                         "%s: expected %s images of rank 3 and labels of rank 1, found %zu and %zu",
                         folder, files->part, images->rank, labels->rank);
    if (images->shape[0] != labels->shape[0])
        return lstm_fail(error, LSTM_SHAPE, "%s: %zu %s images, but %zu labels", folder,
                         images->shape[0], files->part, labels->shape[0]);
    if (images->shape[0] == 0 || images->shape[1] == 0 || images->shape[2] == 0)
        return lstm_fail(error, LSTM_SHAPE, "%s: there are no %s images", folder, files->part);
    return LSTM_OK;
}

/* Images first .. first + n - 1. */
static struct mnist_split split(const struct lstm_idx *images, const struct lstm_idx *labels,
                                size_t first, size_t n)
{
    size_t pixels = images->shape[1] * images->shape[2];
    return (struct mnist_split){images->data + first * pixels, labels->data + first, n};
}

static enum lstm_status split_all(struct mnist_data *data, size_t validation_size, size_t limit,
                                  struct lstm_error *error)
{
    size_t n = data->train_images.shape[0];
    if (validation_size >= n)
        return lstm_fail(error, LSTM_INVALID,
                         "the validation size %zu leaves none of the %zu training images; choose a "
                         "smaller one",
                         validation_size, n);
    size_t n_train = n - validation_size;
    if (limit > n_train)
        return lstm_fail(error, LSTM_INVALID,
                         "the limit of %zu training images is above the %zu that there are", limit,
                         n_train);
    if (limit > 0)
        n_train = limit;
    data->validation = split(&data->train_images, &data->train_labels, 0, validation_size);
    data->train = split(&data->train_images, &data->train_labels, validation_size, n_train);
    data->test = split(&data->test_images, &data->test_labels, 0, data->test_images.shape[0]);
    return LSTM_OK;
}

enum lstm_status mnist_load(const char *folder, size_t validation_size, size_t limit,
                            struct mnist_data *data, struct lstm_error *error)
{
    *data = (struct mnist_data){0};
    enum lstm_status status =
        load_pair(folder, &train_files, &data->train_images, &data->train_labels, error);
    if (status == LSTM_OK)
        status = load_pair(folder, &test_files, &data->test_images, &data->test_labels, error);
    if (status != LSTM_OK)
        goto out;
    data->height = data->train_images.shape[1];
    data->width = data->train_images.shape[2];
    if (data->test_images.shape[1] != data->height || data->test_images.shape[2] != data->width) {
        status = lstm_fail(
            error, LSTM_SHAPE, "%s: training images are %zux%zu, but test images %zux%zu", folder,
            data->height, data->width, data->test_images.shape[1], data->test_images.shape[2]);
        goto out;
    }
    status = split_all(data, validation_size, limit, error);
out:
    if (status != LSTM_OK)
        mnist_release(data);
    return status;
}

void mnist_release(struct mnist_data *data)
{
    lstm_idx_release(&data->train_images);
    lstm_idx_release(&data->train_labels);
    lstm_idx_release(&data->test_images);
    lstm_idx_release(&data->test_labels);
    *data = (struct mnist_data){0};
}

static enum lstm_status check_labels(const struct lstm_idx *labels, const char *part,
                                     size_t n_classes, struct lstm_error *error)
{
    for (size_t i = 0; i < labels->shape[0]; i++)
        if (labels->data[i] >= n_classes)
            return lstm_fail(error, LSTM_SHAPE,
                             "label %zu of the %s images is %d, but the model knows the classes 0 "
                             "to %zu",
                             i, part, labels->data[i], n_classes - 1);
    return LSTM_OK;
}

enum lstm_status mnist_check_model(const struct mnist_data *data,
                                   const struct lstm_model_info *info, struct lstm_error *error)
{
    size_t pixels = data->height * data->width;
    if (info->vocabulary != 0)
        return lstm_fail(error, LSTM_SHAPE, "the model takes token ids, not images");
    if (info->output_is_sequence)
        return lstm_fail(error, LSTM_SHAPE, "the model gives a sequence, not one class per image");
    if (info->steps != 0 && info->steps * info->features != pixels)
        return lstm_fail(error, LSTM_SHAPE,
                         "images are %zux%zu = %zu bytes, but the model takes %zu steps of %zu "
                         "features = %zu",
                         data->height, data->width, pixels, info->steps, info->features,
                         info->steps * info->features);
    if (pixels % info->features != 0)
        return lstm_fail(error, LSTM_SHAPE,
                         "images are %zux%zu = %zu bytes: no whole number of steps of %zu features",
                         data->height, data->width, pixels, info->features);
    enum lstm_status status =
        check_labels(&data->train_labels, train_files.part, info->output_size, error);
    if (status == LSTM_OK)
        status = check_labels(&data->test_labels, test_files.part, info->output_size, error);
    return status;
}
