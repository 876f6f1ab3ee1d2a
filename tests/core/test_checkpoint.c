/* test_checkpoint.c: a trainer saved and restored: it goes on bit for bit, and a damaged file is
 * refused without a trace. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/trainer.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"
#include "tests/support/toy_task.h"

Suite *suite_checkpoint(void);

/* With dropout, so that the masks must go on as well. */
static const struct reference_network toy = {
    .features = 2,
    .n_layers = 3,
    .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 4, .forget_bias = 1},
               {.kind = REFERENCE_DROPOUT, .rate = 0.3},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 2, .activation = "softmax"}},
};

struct fixture {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct batch batch;
    struct temp_folder folder;
    char path[256];
    struct lstm_error error;
};

static struct lstm_trainer *create_trainer(const struct lstm_model *model, uint64_t seed)
{
    struct lstm_trainer_options options = {.seed = seed};
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_create(model, &options, &trainer, &error), &error);
    return trainer;
}

static void steps(const struct fixture *fixture, struct lstm_trainer *trainer, int n)
{
    struct lstm_examples examples = batch_examples(&fixture->batch);
    struct lstm_training_result result;
    struct lstm_error error;
    for (int k = 0; k < n; k++)
        assert_ok(lstm_trainer_step(trainer, &examples, &result, &error), &error);
}

/* A trainer three steps on, saved with the note "here". */
static void fixture_init(struct fixture *fixture)
{
    fixture->network = toy;
    reference_init(&fixture->network, 131);
    fixture->model = build_model(&fixture->network, NULL);
    fixture->trainer = create_trainer(fixture->model, 9);
    batch_init(&fixture->batch, &fixture->network, 5, (const size_t[]){3, 1, 2, 4, 3}, false, 132);
    temp_folder_create(&fixture->folder);
    temp_folder_path(&fixture->folder, "checkpoint", fixture->path);
    steps(fixture, fixture->trainer, 3);
    assert_ok(lstm_trainer_save(fixture->trainer, fixture->path, "here", &fixture->error),
              &fixture->error);
}

static void fixture_release(struct fixture *fixture)
{
    temp_folder_remove(&fixture->folder);
    batch_release(&fixture->batch);
    lstm_trainer_destroy(fixture->trainer);
    lstm_model_destroy(fixture->model);
    reference_release(&fixture->network);
}

/* Compares the weights; and, by a step on both, the slots, the step number and the masks. */
static void assert_same_trainers(const struct fixture *fixture, struct lstm_trainer *got,
                                 struct lstm_trainer *want)
{
    for (int k = 0; k < 3; k++) {
        struct lstm_model *a = NULL, *b = NULL;
        struct lstm_error error;
        assert_ok(lstm_trainer_snapshot(got, &a, &error), &error);
        assert_ok(lstm_trainer_snapshot(want, &b, &error), &error);
        for (size_t t = 0; t < lstm_model_n_tensors(a); t++) {
            struct lstm_tensor tensor = lstm_model_tensor(b, t);
            size_t n = tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1);
            assert_tensor_identical(tensor.name, lstm_model_tensor(a, t).data, tensor.data, n);
        }
        lstm_model_destroy(a);
        lstm_model_destroy(b);
        ck_assert_uint_eq(lstm_trainer_n_steps(got), lstm_trainer_n_steps(want));
        steps(fixture, got, 1);
        steps(fixture, want, 1);
    }
}

START_TEST(test_restored_trainer_goes_on_bit_for_bit)
{
    struct fixture f;
    fixture_init(&f);
    struct lstm_trainer *restored = create_trainer(f.model, 9);
    char note[32] = "";
    assert_ok(lstm_trainer_restore(restored, f.path, note, sizeof note, &f.error), &f.error);
    ck_assert_str_eq(note, "here");
    ck_assert_uint_eq(lstm_trainer_n_steps(restored), 3);
    assert_same_trainers(&f, restored, f.trainer);
    lstm_trainer_destroy(restored);
    fixture_release(&f);
}
END_TEST

START_TEST(test_restoring_over_a_trained_trainer_goes_back)
{
    struct fixture f;
    fixture_init(&f);
    struct lstm_trainer *other = create_trainer(f.model, 9);
    steps(&f, other, 3);
    steps(&f, f.trainer, 4);
    assert_ok(lstm_trainer_restore(f.trainer, f.path, NULL, 0, &f.error), &f.error);
    assert_same_trainers(&f, f.trainer, other);
    lstm_trainer_destroy(other);
    fixture_release(&f);
}
END_TEST

static const struct {
    const char *note;
    size_t room;
    const char *want;
} note_cases[] = {
    {NULL, 16, ""},
    {"", 16, ""},
    {"a longer note", 5, "a lo"},
    {"exact", 6, "exact"},
    {"cut", 1, ""},
    {"\"quotes\" \\ and \xc3\xa4\n", 64, "\"quotes\" \\ and \xc3\xa4\n"},
};

START_TEST(test_note_is_kept_and_cut_to_its_room)
{
    struct fixture f;
    char note[64];
    fixture_init(&f);
    memset(note, '#', sizeof note);
    assert_ok(lstm_trainer_save(f.trainer, f.path, note_cases[_i].note, &f.error), &f.error);
    assert_ok(lstm_trainer_restore(f.trainer, f.path, note, note_cases[_i].room, &f.error),
              &f.error);
    ck_assert_str_eq(note, note_cases[_i].want);
    ck_assert(note_cases[_i].room >= sizeof note || note[note_cases[_i].room] == '#');
    fixture_release(&f);
}
END_TEST

START_TEST(test_saving_replaces_the_file_and_leaves_no_other)
{
    struct fixture f;
    fixture_init(&f);
    steps(&f, f.trainer, 1);
    assert_ok(lstm_trainer_save(f.trainer, f.path, NULL, &f.error), &f.error);
    struct lstm_trainer *restored = create_trainer(f.model, 9);
    assert_ok(lstm_trainer_restore(restored, f.path, NULL, 0, &f.error), &f.error);
    ck_assert_uint_eq(lstm_trainer_n_steps(restored), 4);
    ck_assert_int_eq(remove(f.path), 0);
    /* A folder can be removed only if nothing is left in it. */
    ck_assert_int_eq(remove(f.folder.path), 0);
    temp_folder_create(&f.folder);
    lstm_trainer_destroy(restored);
    fixture_release(&f);
}
END_TEST

START_TEST(test_checkpoint_is_a_safetensors_file_with_the_slots_of_adam)
{
    struct fixture f;
    size_t size;
    fixture_init(&f);
    char *file = temp_file_read(f.path, &size);
    static const char *const names[] = {"\"a/kernel\"", "\"a/kernel/Adam\"", "\"a/kernel/Adam_1\"",
                                        "\"out/bias/Adam_1\"", "\"__metadata__\""};
    for (int k = 0; k < N_CASES(names); k++)
        ck_assert_msg(memmem(file, size, names[k], strlen(names[k])) != NULL, "no %s", names[k]);
    free(file);
    fixture_release(&f);
}
END_TEST

/* Restores damaged bytes into the trainer and checks that it is refused and nothing changed. */
static void assert_refused(struct fixture *f, const char *bytes, size_t size, const char *what)
{
    char path[256], note[8] = "kept";
    temp_file_write(temp_folder_path(&f->folder, "damaged", path), bytes, size);
    enum lstm_status status = lstm_trainer_restore(f->trainer, path, note, sizeof note, &f->error);
    ck_assert_msg(status == LSTM_FORMAT || status == LSTM_SHAPE, "%s: %s", what,
                  status == LSTM_OK ? "accepted" : f->error.text);
    ck_assert_uint_eq(lstm_trainer_n_steps(f->trainer), 5);
}

START_TEST(test_checkpoint_with_a_flipped_bit_is_refused_and_the_trainer_unchanged)
{
    struct fixture f;
    size_t size;
    fixture_init(&f);
    char *file = temp_file_read(f.path, &size);
    struct lstm_trainer *other = create_trainer(f.model, 9);
    steps(&f, other, 5);
    steps(&f, f.trainer, 2);
    for (size_t at = 0; at<size; at += size> 4000 ? 7 : 3) {
        char what[64];
        snprintf(what, sizeof what, "byte %zu of %zu", at, size);
        file[at] = (char)(file[at] ^ (1 << at % 8));
        assert_refused(&f, file, size, what);
        file[at] = (char)(file[at] ^ (1 << at % 8));
    }
    assert_same_trainers(&f, f.trainer, other);
    lstm_trainer_destroy(other);
    free(file);
    fixture_release(&f);
}
END_TEST

START_TEST(test_checkpoint_cut_short_or_with_more_is_refused_and_the_trainer_unchanged)
{
    struct fixture f;
    size_t size;
    fixture_init(&f);
    char *file = temp_file_read(f.path, &size);
    struct lstm_trainer *other = create_trainer(f.model, 9);
    steps(&f, other, 5);
    steps(&f, f.trainer, 2);
    for (size_t n = 0; n < size; n += 1 + n / 16)
        assert_refused(&f, file, n, "cut short");
    assert_refused(&f, file, size - 1, "cut short");
    assert_refused(&f, file, size + 1, "one byte more");
    assert_same_trainers(&f, f.trainer, other);
    lstm_trainer_destroy(other);
    free(file);
    fixture_release(&f);
}
END_TEST

START_TEST(test_checkpoint_of_another_model_is_refused)
{
    struct fixture f;
    fixture_init(&f);
    struct lstm_model *wider = create_model(
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":["
        "{\"type\":\"lstm\",\"name\":\"a\",\"units\":5},"
        "{\"type\":\"dense\",\"name\":\"out\",\"units\":2,\"activation\":\"softmax\"}]}",
        1);
    struct lstm_trainer *trainer = create_trainer(wider, 9);
    enum lstm_status status = lstm_trainer_restore(trainer, f.path, NULL, 0, &f.error);
    assert_failure(status, LSTM_SHAPE, &f.error, "a/kernel");
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(wider);
    fixture_release(&f);
}
END_TEST

/* A number of each kind of tensor: of the weights, and of both slots. */
START_TEST(test_checkpoint_with_numbers_that_are_none_is_refused)
{
    struct fixture f;
    fixture_init(&f);
    struct lstm_trainer *trainer = create_trainer(f.model, 9);
    float *const values[] = {f.trainer->weights, f.trainer->m, f.trainer->v};
    values[_i][7] = _i == 1 ? -INFINITY : NAN;
    assert_ok(lstm_trainer_save(f.trainer, f.path, NULL, &f.error), &f.error);
    assert_failure(lstm_trainer_restore(trainer, f.path, NULL, 0, &f.error), LSTM_FORMAT, &f.error,
                   "value 7 is");
    assert_trainer_holds(trainer, f.model);
    lstm_trainer_destroy(trainer);
    fixture_release(&f);
}
END_TEST

START_TEST(test_checkpoint_that_is_not_there_is_not_found)
{
    struct fixture f;
    char path[256];
    fixture_init(&f);
    temp_folder_path(&f.folder, "nothing", path);
    assert_failure(lstm_trainer_restore(f.trainer, path, NULL, 0, &f.error), LSTM_NOT_FOUND,
                   &f.error, "nothing");
    assert_failure(lstm_trainer_save(f.trainer, "/nonexistent/checkpoint", NULL, &f.error), LSTM_IO,
                   &f.error, "/nonexistent/checkpoint");
    fixture_release(&f);
}
END_TEST

/* The weights file of a model is a safetensors file too, but no checkpoint. */
START_TEST(test_weights_file_is_no_checkpoint)
{
    struct fixture f;
    char path[256];
    fixture_init(&f);
    assert_ok(lstm_model_save(f.model, f.folder.path, &f.error), &f.error);
    temp_folder_path(&f.folder, "weights.safetensors", path);
    assert_failure(lstm_trainer_restore(f.trainer, path, NULL, 0, &f.error), LSTM_FORMAT, &f.error,
                   "");
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 3);
    fixture_release(&f);
}
END_TEST

Suite *suite_checkpoint(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *keep = tcase_create("keep"), *refuse = tcase_create("refuse");
    suite_add_tcase(suite, keep);
    suite_add_tcase(suite, refuse);
    tcase_set_timeout(refuse, 60);
    tcase_add_test(keep, test_restored_trainer_goes_on_bit_for_bit);
    tcase_add_test(keep, test_restoring_over_a_trained_trainer_goes_back);
    tcase_add_loop_test(keep, test_note_is_kept_and_cut_to_its_room, 0, N_CASES(note_cases));
    tcase_add_test(keep, test_saving_replaces_the_file_and_leaves_no_other);
    tcase_add_test(keep, test_checkpoint_is_a_safetensors_file_with_the_slots_of_adam);
    tcase_add_test(refuse, test_checkpoint_with_a_flipped_bit_is_refused_and_the_trainer_unchanged);
    tcase_add_test(refuse,
                   test_checkpoint_cut_short_or_with_more_is_refused_and_the_trainer_unchanged);
    tcase_add_test(refuse, test_checkpoint_of_another_model_is_refused);
    tcase_add_loop_test(refuse, test_checkpoint_with_numbers_that_are_none_is_refused, 0, 3);
    tcase_add_test(refuse, test_checkpoint_that_is_not_there_is_not_found);
    tcase_add_test(refuse, test_weights_file_is_no_checkpoint);
    return suite;
}
