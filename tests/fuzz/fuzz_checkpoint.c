/* fuzz_checkpoint.c: no checkpoint crashes its reader; a trainer that takes one can go on, and one
 * that refuses it is as it was. SPDX-License-Identifier: Apache-2.0
 *
 * Every input is read as it is, and once more with the checksum that it should have, if it has
 * room for one. */
#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"
#include "core/safetensors.h"
#include "core/trainer.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lstm_model *model;

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void start(void)
{
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":[{\"type\":\"lstm\","
        "\"units\":1},{\"type\":\"dense\",\"units\":2,\"activation\":\"softmax\"}]}";
    require(lstm_model_create(json, sizeof json - 1, 1, &model, NULL) == LSTM_OK);
}

static struct lstm_trainer *create_trainer(void)
{
    const struct lstm_trainer_options options = {.seed = 1};
    struct lstm_trainer *trainer;
    require(lstm_trainer_create(model, &options, &trainer, NULL) == LSTM_OK);
    return trainer;
}

/* The checksum of a checkpoint, by the format's definition. False: one of its texts is missing. */
static bool find_sum(const struct safetensors *file, uint32_t *sum)
{
    static const char *const keys[] = {"step",          "seed",  "beta1_power", "beta2_power",
                                       "learning_rate", "beta1", "beta2",       "epsilon",
                                       "clip_norm",     "note",  "format"};
    *sum = gzip_crc32(0, file->buffer, file->buffer_bytes);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *const text = safetensors_metadata(file, keys[i]);
        if (text == NULL)
            return false;
        *sum = gzip_crc32(*sum, text, strlen(text) + 1);
    }
    return true;
}

/* Writes the right checksum over the one in the file's bytes, if it has one. */
static bool seal(uint8_t *bytes, size_t n)
{
    static const char key[] = "\"checksum\":\"";
    struct safetensors file;
    uint32_t sum;
    char digits[9];
    uint8_t *const found = memmem(bytes, n, key, sizeof key - 1);
    if (found == NULL || (size_t)(bytes + n - found) < sizeof key - 1 + 8)
        return false;
    if (safetensors_open(bytes, n, &file, NULL) != LSTM_OK)
        return false;
    const bool has_sum = find_sum(&file, &sum);
    safetensors_release(&file);
    if (!has_sum)
        return false;
    snprintf(digits, sizeof digits, "%08x", sum);
    memcpy(found + sizeof key - 1, digits, 8);
    return true;
}

static void go_on(struct lstm_trainer *trainer)
{
    const float input[2] = {0.5F, -0.5F}, target[2] = {0, 1};
    const struct lstm_sequence sequence = {.input = input, .steps = 2};
    const struct lstm_examples examples = {.n = 1, .sequences = &sequence, .targets = target};
    struct lstm_training_result result;
    struct lstm_error error = {.text = ""};
    /* Weights that are not finite give no gradient, and that is said. */
    if (lstm_trainer_step(trainer, &examples, &result, &error) != LSTM_OK)
        require(error.text[0] != '\0');
}

/* What was read can be written and read again; the disk is asked for few of them. */
static void write_again(const struct lstm_trainer *trainer, const char *note)
{
    static unsigned turn;
    char folder[] = "/tmp/fuzz-checkpoint-XXXXXX", path[64], again_note[16];
    if (turn++ % 64 != 0 || mkdtemp(folder) == NULL)
        return;
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    struct lstm_trainer *const again = create_trainer();
    require(lstm_trainer_save(trainer, path, note, NULL) == LSTM_OK);
    require(lstm_trainer_restore(again, path, again_note, sizeof again_note, NULL) == LSTM_OK);
    require(strcmp(note, again_note) == 0 && again->step == trainer->step);
    require(memcmp(again->weights, trainer->weights, trainer->n * sizeof *trainer->weights) == 0);
    lstm_trainer_destroy(again);
    remove(path);
    remove(folder);
}

static void read_file(const uint8_t *data, size_t size)
{
    struct lstm_trainer *const trainer = create_trainer();
    struct memory_file file;
    struct lstm_error error = {.text = ""};
    char note[16];
    const size_t weight_bytes = trainer->n * sizeof *trainer->weights;
    float *const before = malloc(weight_bytes);
    require(before != NULL);
    memcpy(before, trainer->weights, weight_bytes);
    memory_file_open(&file, data, size);
    if (lstm_trainer_restore(trainer, file.path, note, sizeof note, &error) == LSTM_OK) {
        require(memchr(note, '\0', sizeof note) != NULL);
        write_again(trainer, note);
        go_on(trainer);
    } else {
        require(error.text[0] != '\0' && trainer->step == 0 && trainer->seed == 1);
        require(memcmp(before, trainer->weights, weight_bytes) == 0);
    }
    memory_file_close(&file);
    free(before);
    lstm_trainer_destroy(trainer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (model == NULL)
        start();
    read_file(data, size);
    uint8_t *const sealed = malloc(size + 1);
    require(sealed != NULL);
    memcpy(sealed, data, size);
    if (seal(sealed, size))
        read_file(sealed, size);
    free(sealed);
    return 0;
}
