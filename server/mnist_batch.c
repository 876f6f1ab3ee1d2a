/* mnist_batch.c: batches of MNIST images, in order or shuffled, distorted or not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/status.h"
#include "server/mnist_data.h"

void mnist_shuffle(size_t *order, size_t n, uint64_t seed, uint64_t epoch)
{
    struct lstm_random random;
    /* Odd streams: the even ones are the augmentation's. */
    lstm_random_init(&random, seed, 2 * epoch + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)lstm_random_below(&random, i);
        size_t last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}

enum lstm_status mnist_batch_init(struct mnist_batch *batch, const struct mnist_data *data,
                                  const struct lstm_model_info *info, size_t max_n,
                                  struct lstm_error *error)
{
    size_t pixels = data->height * data->width;
    *batch = (struct mnist_batch){
        .max_n = max_n,
        .height = data->height,
        .width = data->width,
        .output_size = info->output_size,
        .scale = info->scale,
        .sequences = calloc(max_n, sizeof *batch->sequences),
        .inputs = calloc(max_n, pixels * sizeof *batch->inputs),
        .targets = calloc(max_n, info->output_size * sizeof *batch->targets),
        .outputs = calloc(max_n, info->output_size * sizeof *batch->outputs),
        .distorted = malloc(pixels),
    };
    if (batch->sequences == NULL || batch->inputs == NULL || batch->targets == NULL ||
        batch->outputs == NULL || batch->distorted == NULL) {
        mnist_batch_release(batch);
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for batches of %zu images", max_n);
    }
    for (size_t i = 0; i < max_n; i++)
        batch->sequences[i] = (struct lstm_sequence){
            .input = batch->inputs + i * pixels,
            .steps = pixels / info->features,
            .output = batch->outputs + i * info->output_size,
        };
    return LSTM_OK;
}

void mnist_batch_release(struct mnist_batch *batch)
{
    free(batch->sequences);
    free(batch->inputs);
    free(batch->targets);
    free(batch->outputs);
    free(batch->distorted);
    *batch = (struct mnist_batch){0};
}

/* Makes image number `index` of the split the batch's i-th. */
static void put(struct mnist_batch *batch, size_t i, const struct mnist_split *split, size_t index,
                struct mnist_augmentation *augmentation)
{
    size_t pixels = batch->height * batch->width;
    const uint8_t *image = split->images + index * pixels;
    if (augmentation != NULL && lstm_random_uniform(&augmentation->random) < augmentation->share) {
        lstm_image_distort(image, batch->height, batch->width, &augmentation->limits,
                           &augmentation->random, batch->distorted);
        image = batch->distorted;
    }
    float *input = batch->inputs + i * pixels;
    for (size_t j = 0; j < pixels; j++)
        input[j] = (float)image[j] * batch->scale;
    float *target = batch->targets + i * batch->output_size;
    for (size_t j = 0; j < batch->output_size; j++)
        target[j] = j == split->labels[index] ? 1.0f : 0.0f;
}

void mnist_batch_fill(struct mnist_batch *batch, const struct mnist_split *split, size_t first,
                      size_t n)
{
    batch->n = n;
    for (size_t i = 0; i < n; i++)
        put(batch, i, split, first + i, NULL);
}

void mnist_batch_pick(struct mnist_batch *batch, const struct mnist_split *split,
                      const size_t *indexes, size_t n, struct mnist_augmentation *augmentation)
{
    batch->n = n;
    for (size_t i = 0; i < n; i++)
        put(batch, i, split, indexes[i], augmentation);
}
