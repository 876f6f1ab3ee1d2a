/* mnist_data.h: the MNIST files, split as TensorFlow 1's read_data_sets() splits them, in batches.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any data set in MNIST's four files and their format will do, of any image size. */
#ifndef MNIST_DATA_H
#define MNIST_DATA_H

#include "core/lstm.h"

/* n images [height, width] of bytes and their class numbers; borrowed from the mnist_data. */
struct mnist_split {
    const uint8_t *images, *labels;
    size_t n;
};

struct mnist_data {
    size_t height, width;
    struct mnist_split train, validation, test;
    struct lstm_idx train_images, train_labels, test_images, test_labels; /* owned */
};

/* Reads train-images-idx3-ubyte, train-labels-idx1-ubyte and both of t10k from `folder`; each may
 * end in .gz, and have '.' in place of '-' before "idx". The first validation_size training images
 * become the validation split, the next `limit` (0: all others) the training split.
 * NOT_FOUND: which file. FORMAT, SHAPE: the files do not fit together. INVALID: the sizes ask for
 * more than there is. IO, NO_MEMORY. On failure *data is empty. */
LSTM_MUST_CHECK enum lstm_status mnist_load(const char *folder, size_t validation_size,
                                            size_t limit, struct mnist_data *data,
                                            struct lstm_error *error);
void mnist_release(struct mnist_data *data);

/* SHAPE: images or labels that the model cannot take, and why. */
LSTM_MUST_CHECK enum lstm_status mnist_check_model(const struct mnist_data *data,
                                                   const struct lstm_model_info *info,
                                                   struct lstm_error *error);

/* Fills order[n] with 0 .. n - 1, shuffled: the same for the same seed and epoch. */
void mnist_shuffle(size_t *order, size_t n, uint64_t seed, uint64_t epoch);

/* Room for batches of up to max_n images as a model takes them. */
struct mnist_batch {
    size_t max_n, n;
    size_t height, width, output_size;
    float scale;
    struct lstm_sequence *sequences; /* n, with `output` in outputs; owned */
    float *inputs;                   /* [n, height, width]; owned */
    float *targets;                  /* [n, output_size], one-hot; owned */
    float *outputs;                  /* [n, output_size]; owned */
    uint8_t *distorted;              /* [height, width]; owned */
};

/* For a model that passed mnist_check_model(). NO_MEMORY: *batch is empty. */
LSTM_MUST_CHECK enum lstm_status mnist_batch_init(struct mnist_batch *batch,
                                                  const struct mnist_data *data,
                                                  const struct lstm_model_info *info, size_t max_n,
                                                  struct lstm_error *error);
void mnist_batch_release(struct mnist_batch *batch);

/* Each image of a batch is distorted with probability `share`. */
struct mnist_augmentation {
    struct lstm_distortion limits;
    double share;
    struct lstm_random random;
};

/* Fills the batch with n <= max_n images of the split, from number `first` on. */
void mnist_batch_fill(struct mnist_batch *batch, const struct mnist_split *split, size_t first,
                      size_t n);

/* Fills it with those that indexes[n] tells. augmentation may be NULL; its random moves on. */
void mnist_batch_pick(struct mnist_batch *batch, const struct mnist_split *split,
                      const size_t *indexes, size_t n, struct mnist_augmentation *augmentation);

#endif
