/* train_fixture.c: batches by number, and trainers to compare. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/train_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/model_store.h"
#include "tests/support/toy_task.h"

void train_site_create(struct train_site *site)
{
    temp_folder_create(&site->root);
    temp_folder_path(&site->root, "models", site->models);
    temp_folder_path(&site->root, "state", site->state);
    ck_assert_int_eq(mkdir(site->models, 0755), 0);
    model_store_add(site->models, "m", "1", model_any, 1);
}

void train_site_remove(struct train_site *site)
{
    temp_folder_remove(&site->root);
}

struct lstm_trainer *train_site_trainer_of(const struct train_site *site, const char *version)
{
    char path[300];
    struct lstm_model *model = NULL;
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    snprintf(path, sizeof path, "%s/m/%s", site->models, version);
    assert_ok(lstm_model_load(path, &model, &error), &error);
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    lstm_model_destroy(model);
    return trainer;
}

unsigned train_site_count(const struct train_site *site)
{
    char path[300];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/m", site->models);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return n;
}

struct lstm_trainer *train_site_trainer(const struct train_site *site)
{
    return train_site_trainer_of(site, "1");
}

struct lstm_trainer *train_site_restore(const struct train_site *site, const char *version)
{
    char path[300];
    struct lstm_error error;
    struct lstm_trainer *trainer = train_site_trainer_of(site, version);
    snprintf(path, sizeof path, "%s/m/%s.safetensors", site->state, version);
    assert_ok(lstm_trainer_restore(trainer, path, NULL, 0, &error), &error);
    return trainer;
}

/* Nine digits read back to the same float. */
static void write_body(struct train_batch *batch, const unsigned *classes)
{
    const size_t room = sizeof batch->body;
    int n = snprintf(batch->body, room, "{\"instances\":[");
    for (size_t i = 0; i < TRAIN_EXAMPLES; i++) {
        n += snprintf(batch->body + n, room - (size_t)n, "%s[", i > 0 ? "," : "");
        for (size_t t = 0; t < batch->sequences[i].steps; t++)
            n += snprintf(batch->body + n, room - (size_t)n, "%s[%.9g,%.9g]", t > 0 ? "," : "",
                          (double)batch->inputs[i][2 * t], (double)batch->inputs[i][2 * t + 1]);
        n += snprintf(batch->body + n, room - (size_t)n, "]");
    }
    n += snprintf(batch->body + n, room - (size_t)n, "],\"labels\":[%u,%u,%u]}", classes[0],
                  classes[1], classes[2]);
    ck_assert_uint_lt((size_t)n, room);
}

void train_batch_make(struct train_batch *batch, unsigned k)
{
    struct lstm_random random;
    unsigned classes[TRAIN_EXAMPLES];
    lstm_random_init(&random, 5, k);
    memset(batch, 0, sizeof *batch);
    for (size_t i = 0; i < TRAIN_EXAMPLES; i++) {
        for (size_t j = 0; j < TRAIN_MAX_STEPS * 2; j++)
            batch->inputs[i][j] = (float)(2 * lstm_random_uniform(&random) - 1);
        classes[i] = (unsigned)lstm_random_below(&random, TRAIN_CLASSES);
        batch->targets[i * TRAIN_CLASSES + classes[i]] = 1;
        batch->sequences[i] = (struct lstm_sequence){
            .input = batch->inputs[i], .steps = 1 + lstm_random_below(&random, TRAIN_MAX_STEPS)};
    }
    batch->examples = (struct lstm_examples){
        .sequences = batch->sequences, .targets = batch->targets, .n = TRAIN_EXAMPLES};
    write_body(batch, classes);
}

struct lstm_training_result train_on(struct lstm_trainer *trainer, unsigned k)
{
    struct train_batch batch;
    struct lstm_training_result result;
    struct lstm_error error;
    train_batch_make(&batch, k);
    assert_ok(lstm_trainer_step(trainer, &batch.examples, &result, &error), &error);
    return result;
}

void assert_same_training(const struct lstm_trainer *got, const struct lstm_trainer *want)
{
    struct lstm_model *model = snapshot_trainer(want);
    ck_assert_uint_eq(lstm_trainer_n_steps(got), lstm_trainer_n_steps(want));
    assert_trainer_holds(got, model);
    lstm_model_destroy(model);
}
