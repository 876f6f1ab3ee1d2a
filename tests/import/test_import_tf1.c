/* test_import_tf1.c: TensorFlow checkpoints of every generation of names compute what TensorFlow
 * does, and damaged ones are refused. SPDX-License-Identifier: Apache-2.0
 *
 * tests/data/import/tf1 and what is expected of it come from tests/tools/make_tf_checkpoints.py. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/import/readers.h"
#include "core/import/source.h"
#include "core/import/tf_table.h"
#include "core/trainer.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_import_tf1(void);

#define FOLDER "tests/data/import/tf1/"

static const char *const names[] = {
    "example",        "weights_1_0",   "linear_0_12",    "lstm_cell_0_12", "gru_1_2",
    "gru_1_0",        "gru_0_12",      "stack",          "shared",         "peepholes",
    "dense_in_front", "bidirectional", "sharded",        "embedding",      "cudnn_lstm",
    "cudnn_gru",      "gru_4_units",   "language_model", "hidden_layers",  "own_name"};

/* What CASE.txt says. */
struct answer {
    size_t steps, features, outputs, shared_layers;
    float inputs[64], expected[16];
};

static void read_floats(FILE *file, size_t n, float *values)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(fscanf(file, "%f", &values[i]), 1);
}

static struct answer read_answer(const char *name)
{
    struct answer answer = {0};
    char path[128], line[128];
    snprintf(path, sizeof path, FOLDER "%s.txt", name);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_int_ge(sscanf(line, "%zu %zu %zu shared-layers=%zu", &answer.steps, &answer.features,
                            &answer.outputs, &answer.shared_layers),
                     3);
    ck_assert_uint_le(answer.steps * answer.features, N_CASES(answer.inputs));
    read_floats(file, answer.steps * answer.features, answer.inputs);
    read_floats(file, answer.outputs, answer.expected);
    fclose(file);
    return answer;
}

static void assert_answers(const struct lstm_model *model, const struct answer *answer)
{
    struct lstm_runner *runner;
    struct lstm_error error;
    float output[16];
    ck_assert_uint_eq(lstm_model_info(model)->features, answer->features);
    ck_assert_uint_eq(lstm_model_info(model)->output_size, answer->outputs);
    assert_ok(lstm_runner_create(model, NULL, &runner, &error), &error);
    const struct lstm_sequence sequence = {
        .input = answer->inputs, .steps = answer->steps, .output = output};
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    for (size_t i = 0; i < answer->outputs; i++)
        ck_assert_double_eq_tol((double)output[i], (double)answer->expected[i], 1e-5);
    lstm_runner_destroy(runner);
}

static struct lstm_model *convert(const char *path, size_t shared_layers)
{
    const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                .shared_layers = shared_layers};
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_open(path, NULL, &source, &error), &error);
    ck_assert_str_eq(lstm_source_name(source), "tf-checkpoint");
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    lstm_source_destroy(source);
    return model;
}

START_TEST(test_checkpoint_of_every_generation_computes_what_its_program_did)
{
    const struct answer answer = read_answer(names[_i]);
    char path[128];
    snprintf(path, sizeof path, FOLDER "%s", names[_i]);
    struct lstm_model *model = convert(path, answer.shared_layers);
    assert_answers(model, &answer);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_saved_model_of_keras_computes_what_its_description_says)
{
    const struct answer answer = read_answer("saved_model");
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_open(FOLDER "saved_model", NULL, &source, &error), &error);
    ck_assert_str_eq(lstm_source_name(source), "saved-model");
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    ck_assert_uint_eq(lstm_model_info(model)->steps, 4);
    assert_answers(model, &answer);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static struct lstm_model *open_graph(const struct lstm_import_options *options, size_t *n_assumed)
{
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_open(FOLDER "graph_model", NULL, &source, &error), &error);
    assert_ok(lstm_source_model(source, options, &model, &error), &error);
    *n_assumed = 0;
    for (size_t k = 0; k < lstm_source_n_notes(source); k++)
        *n_assumed += strstr(lstm_source_note(source, k), "does not") != NULL;
    lstm_source_destroy(source);
    return model;
}

START_TEST(test_saved_model_of_tensorflow_1_computes_what_its_graph_says)
{
    const struct answer answer = read_answer("graph_model");
    size_t n_assumed;
    struct lstm_model *model = open_graph(NULL, &n_assumed);
    ck_assert_uint_eq(n_assumed, 0);
    assert_answers(model, &answer);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_options_win_over_a_saved_models_graph)
{
    static const struct lstm_import_options options = {.activation = "relu",
                                                       .hidden_activation = "relu",
                                                       .output_activation = "softmax",
                                                       .forget_bias = 1};
    size_t n_assumed;
    struct lstm_model *model = open_graph(&options, &n_assumed);
    ck_assert_str_eq(lstm_model_layer(model, 0).activation, "relu");
    ck_assert_str_eq(lstm_model_layer(model, 1).activation, "relu");
    ck_assert_str_eq(lstm_model_layer(model, 2).activation, "softmax");
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_checkpoint_keeps_the_names_of_its_variables)
{
    struct lstm_model *model = convert(FOLDER "example.index", 0);
    ck_assert_str_eq(lstm_model_tensor(model, 0).name, "rnn/basic_lstm_cell/kernel");
    ck_assert_str_eq(lstm_model_tensor(model, 1).name, "rnn/basic_lstm_cell/bias");
    lstm_model_destroy(model);
}
END_TEST

/* ---- Files in memory ------------------------------------------------------------------------ */

static struct lstm_source_file files[2];

static void read_files(void)
{
    files[0].path = FOLDER "example.index";
    files[1].path = FOLDER "example.data-00000-of-00001";
    for (size_t i = 0; i < 2; i++)
        files[i].data = temp_file_read(files[i].path, &files[i].n);
}

static void free_files(void)
{
    for (size_t i = 0; i < 2; i++)
        free((void *)(uintptr_t)files[i].data);
}

static enum lstm_status try_files(const struct lstm_source_file *tried, struct lstm_model **model)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    *model = NULL;
    enum lstm_status status = lstm_source_parse(tried, 2, "tf-checkpoint", &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, model, &error);
    if (status != LSTM_OK)
        ck_assert_ptr_null(*model);
    ck_assert((status == LSTM_OK) == (error.text[0] == '\0'));
    lstm_source_destroy(source);
    return status;
}

static bool same_weights(const struct lstm_model *a, const struct lstm_model *b)
{
    bool same = lstm_model_n_tensors(a) == lstm_model_n_tensors(b);
    for (size_t k = 0; same && k < lstm_model_n_tensors(a); k++) {
        const struct lstm_tensor x = lstm_model_tensor(a, k), y = lstm_model_tensor(b, k);
        const size_t n = x.shape[0] * (x.rank == 2 ? x.shape[1] : 1);
        same = strcmp(x.name, y.name) == 0 && memcmp(x.shape, y.shape, sizeof x.shape) == 0 &&
               memcmp(x.data, y.data, n * sizeof(float)) == 0;
    }
    return same;
}

/* A copy of exactly its size, so that a sanitizer sees a read beyond the end. */
static unsigned char *copy_of(const struct lstm_source_file *file, size_t n)
{
    unsigned char *copy = malloc(n + (n == 0));
    ck_assert_ptr_nonnull(copy);
    if (n > 0)
        memcpy(copy, file->data, n);
    return copy;
}

START_TEST(test_checkpoint_cut_at_any_byte_is_refused)
{
    for (size_t n = 0; n < files[_i].n; n++) {
        struct lstm_source_file cut[2] = {files[0], files[1]};
        struct lstm_model *model;
        unsigned char *copy = copy_of(&files[_i], n);
        cut[_i].data = copy;
        cut[_i].n = n;
        ck_assert_int_ne(try_files(cut, &model), LSTM_OK);
        free(copy);
    }
}
END_TEST

START_TEST(test_checkpoint_with_any_byte_flipped_is_refused_or_the_same_model)
{
    struct lstm_model *model, *good;
    size_t n_accepted = 0;
    ck_assert_int_eq(try_files(files, &good), LSTM_OK);
    for (size_t i = 0; i < files[_i].n; i++)
        for (unsigned bit = 0; bit < 8; bit += 7) {
            struct lstm_source_file flipped[2] = {files[0], files[1]};
            unsigned char *copy = copy_of(&files[_i], files[_i].n);
            copy[i] ^= (unsigned char)(1u << bit);
            flipped[_i].data = copy;
            if (try_files(flipped, &model) == LSTM_OK) {
                ck_assert_msg(same_weights(good, model), "byte %zu of %s", i, files[_i].path);
                lstm_model_destroy(model);
                n_accepted++;
            }
            free(copy);
        }
    /* The index has a block that nobody reads, and padding; the data is all checked. */
    ck_assert_uint_le(n_accepted, _i == 0 ? 150 : 0);
    lstm_model_destroy(good);
}
END_TEST

START_TEST(test_checkpoint_without_its_data_is_refused)
{
    struct lstm_source *source;
    struct lstm_error error;
    ck_assert_int_eq(lstm_source_parse(files, 1, NULL, &source, &error), LSTM_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "example.data-00000-of-00001"));
}
END_TEST

START_TEST(test_checkpoint_in_a_folder_is_found_by_its_list)
{
    static const char list[] = "model_checkpoint_path: \"E:\\\\work\\\\example\"\n";
    struct lstm_source_file folder[4] = {
        {FOLDER "x", NULL, 0},
        {FOLDER "x/checkpoint", list, sizeof list - 1},
        {FOLDER "x/example.index", files[0].data, files[0].n},
        {FOLDER "x/example.data-00000-of-00001", files[1].data, files[1].n}};
    struct lstm_source *source;
    struct lstm_error error;
    assert_ok(lstm_source_parse(folder, 4, NULL, &source, &error), &error);
    ck_assert_str_eq(lstm_source_name(source), "tf-checkpoint");
    ck_assert_uint_eq(lstm_source_n_arrays(source), 14);
    lstm_source_destroy(source);
}
END_TEST

/* ---- Tables of other kinds ------------------------------------------------------------------ */

/* A table of one block with one entry: the empty key and this value. */
static size_t make_table(const unsigned char *value, size_t n_value, unsigned char type,
                         unsigned char *out)
{
    unsigned char *at = out;
    const unsigned char entry[] = {0, 0, (unsigned char)n_value};
    const size_t n = sizeof entry + n_value + 8;
    memcpy(at, entry, sizeof entry);
    memcpy(at + sizeof entry, value, n_value);
    memset(at + n - 8, 0, 8);
    at[n - 4] = 1;
    at[n] = type;
    const uint32_t crc = tf_table_mask(crc32c(0, at, n + 1));
    memcpy(at + n + 1, &crc, 4);
    at += n + 5;
    const unsigned char index[] = {0, 1, 2, 'z', 0, (unsigned char)n, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    memcpy(at, index, sizeof index);
    const uint32_t index_crc = tf_table_mask(crc32c(0, at, sizeof index));
    memcpy(at + sizeof index, &index_crc, 4);
    const unsigned char footer[] = {0, 0, (unsigned char)(n + 5), sizeof index - 1};
    at += sizeof index + 4;
    memset(at, 0, 40);
    memcpy(at, footer, sizeof footer);
    memcpy(at + 40, "\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);
    return (size_t)(at + 48 - out);
}

static const struct {
    const char *value;
    size_t n;
    unsigned char type;
    enum lstm_status status;
    const char *words;
} header_cases[] = {
    {"\x0a\x02\x08\x00", 4, 0, LSTM_UNSUPPORTED, "version 1"},
    {"\x08\x01\x10\x01", 4, 0, LSTM_UNSUPPORTED, "big-endian"},
    {"\x08\x01", 2, 1, LSTM_UNSUPPORTED, "compressed"},
    {"\x08\x00", 2, 0, LSTM_FORMAT, "0 shards"},
    {"\x08\xff\xff\x7f", 4, 0, LSTM_FORMAT, "shards"},
    {"\x08\xff", 2, 0, LSTM_FORMAT, "damaged"},
    {"\x08\x01", 2, 0, LSTM_NOT_FOUND, "data-00000-of-00001"},
};

START_TEST(test_table_that_is_no_checkpoint_of_ours_is_refused_by_its_name)
{
    unsigned char bytes[256];
    const size_t n = make_table((const unsigned char *)header_cases[_i].value, header_cases[_i].n,
                                header_cases[_i].type, bytes);
    const struct lstm_source_file file = {"model.ckpt", bytes, n};
    struct lstm_source *source;
    struct lstm_error error;
    ck_assert_int_eq(lstm_source_parse(&file, 1, NULL, &source, &error), header_cases[_i].status);
    ck_assert_msg(strstr(error.text, header_cases[_i].words) != NULL, "%s", error.text);
}
END_TEST

/* ---- The optimizer's state ------------------------------------------------------------------ */

static void assert_slot(const struct import_source *source, const struct lstm_trainer *trainer,
                        const char *variable, const char *suffix, const char *tensor,
                        const float *slots)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", variable, suffix);
    const struct import_array *slot = import_find(source, name);
    ck_assert_ptr_nonnull(slot);
    for (size_t k = 0; k < trainer->spec->n_tensors; k++) {
        const struct tensor_spec *about = &trainer->spec->tensors[k];
        if (strcmp(about->name, tensor) != 0)
            continue;
        ck_assert_mem_eq(slots + about->offset, slot->data, about->n * sizeof *slots);
        return;
    }
    ck_abort_msg("no tensor %s", tensor);
}

START_TEST(test_checkpoint_gives_the_optimizer_its_slots)
{
    struct lstm_source *source;
    struct lstm_model *model, *after;
    struct lstm_trainer *trainer;
    struct lstm_error error;
    assert_ok(lstm_source_open(FOLDER "example", NULL, &source, &error), &error);
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    assert_ok(lstm_source_trainer(source, &trainer, &error), &error);
    ck_assert_uint_eq(lstm_trainer_n_steps(trainer), 7);
    assert_ok(lstm_trainer_snapshot(trainer, &after, &error), &error);
    ck_assert(same_weights(model, after));
    lstm_model_destroy(after);
    lstm_model_destroy(model);
    lstm_trainer_destroy(trainer);
    lstm_source_destroy(source);
}
END_TEST

/* The slots of a variable go where its values go. */
START_TEST(test_checkpoint_slots_lie_as_their_variables_do)
{
    static const struct {
        const char *variable, *tensor;
    } pairs[] = {{"rnn/basic_lstm_cell/kernel", "rnn/basic_lstm_cell/kernel"},
                 {"rnn/basic_lstm_cell/bias", "rnn/basic_lstm_cell/bias"}};
    struct import_source read;
    struct lstm_source *source;
    struct lstm_trainer *trainer;
    struct lstm_error error;
    assert_ok(lstm_source_open(FOLDER "example", NULL, &source, &error), &error);
    assert_ok(lstm_source_recognise(source, NULL, &error), &error);
    assert_ok(lstm_source_trainer(source, &trainer, &error), &error);
    assert_ok(source_init(&read, FOLDER "example", &error), &error);
    assert_ok(reader_tf_checkpoint.open(&read, &error), &error);
    for (size_t k = 0; k < N_CASES(pairs); k++) {
        assert_slot(&read, trainer, pairs[k].variable, "/Adam", pairs[k].tensor, trainer->m);
        assert_slot(&read, trainer, pairs[k].variable, "/Adam_1", pairs[k].tensor, trainer->v);
    }
    source_release(&read);
    lstm_trainer_destroy(trainer);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_checkpoint_without_one_of_its_shards_names_the_file)
{
    static const char *const parts[] = {"sharded.index", "sharded.data-00000-of-00003",
                                        "sharded.data-00002-of-00003"};
    struct lstm_source_file given[N_CASES(parts)];
    struct lstm_source *source;
    struct lstm_error error;
    for (size_t k = 0; k < N_CASES(parts); k++) {
        char path[128];
        snprintf(path, sizeof path, FOLDER "%s", parts[k]);
        given[k].path = parts[k];
        given[k].data = temp_file_read(path, &given[k].n);
    }
    assert_failure(lstm_source_parse(given, N_CASES(parts), NULL, &source, &error), LSTM_NOT_FOUND,
                   &error, "sharded.data-00001-of-00003");
    for (size_t k = 0; k < N_CASES(parts); k++)
        free((void *)(uintptr_t)given[k].data);
}
END_TEST

START_TEST(test_variables_of_tensorflow_2_alone_say_what_to_give)
{
    struct lstm_source *source;
    struct lstm_error error;
    assert_ok(
        lstm_source_open(FOLDER "saved_model/variables/variables.index", NULL, &source, &error),
        &error);
    assert_failure(lstm_source_recognise(source, NULL, &error), LSTM_UNSUPPORTED, &error,
                   "saved_model.pb");
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_checkpoint_without_slots_has_no_training_state)
{
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct lstm_error error;
    assert_ok(lstm_source_open(FOLDER "gru_1_2", NULL, &source, &error), &error);
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    ck_assert_int_eq(lstm_source_trainer(source, &trainer, &error), LSTM_NOT_FOUND);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

Suite *suite_import_tf1(void)
{
    Suite *suite = suite_create("import_tf1");
    TCase *good = tcase_create("good"), *bad = tcase_create("bad");
    suite_add_tcase(suite, good);
    suite_add_tcase(suite, bad);
    tcase_set_timeout(bad, 60);
    tcase_add_checked_fixture(bad, read_files, free_files);
    tcase_add_loop_test(good, test_checkpoint_of_every_generation_computes_what_its_program_did, 0,
                        N_CASES(names));
    tcase_add_test(good, test_saved_model_of_keras_computes_what_its_description_says);
    tcase_add_test(good, test_saved_model_of_tensorflow_1_computes_what_its_graph_says);
    tcase_add_test(good, test_options_win_over_a_saved_models_graph);
    tcase_add_test(good, test_checkpoint_keeps_the_names_of_its_variables);
    tcase_add_test(good, test_checkpoint_gives_the_optimizer_its_slots);
    tcase_add_test(good, test_checkpoint_slots_lie_as_their_variables_do);
    tcase_add_test(good, test_checkpoint_without_slots_has_no_training_state);
    tcase_add_loop_test(bad, test_checkpoint_cut_at_any_byte_is_refused, 0, 2);
    tcase_add_loop_test(bad, test_checkpoint_with_any_byte_flipped_is_refused_or_the_same_model, 0,
                        2);
    tcase_add_test(bad, test_checkpoint_without_its_data_is_refused);
    tcase_add_test(bad, test_checkpoint_without_one_of_its_shards_names_the_file);
    tcase_add_test(bad, test_variables_of_tensorflow_2_alone_say_what_to_give);
    tcase_add_test(bad, test_checkpoint_in_a_folder_is_found_by_its_list);
    tcase_add_loop_test(bad, test_table_that_is_no_checkpoint_of_ours_is_refused_by_its_name, 0,
                        N_CASES(header_cases));
    return suite;
}
