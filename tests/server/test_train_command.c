/* test_train_command.c: `lstmd train` on the sample of MNIST, with a small model.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/commands.h"
#include "server/schedule.h"
#include "server/train_config.h"

Suite *suite_train_command(void);

static const char model_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":28,\"features\":28,\"scale\":0.00392156862}"
    ","
    "\"layers\":[{\"type\":\"lstm\",\"name\":\"rnn/basic_lstm_cell\",\"units\":8},"
    "{\"type\":\"dropout\",\"name\":\"dropout\",\"rate\":0.1},"
    "{\"type\":\"dense\",\"name\":\"softmax\",\"units\":10,\"activation\":\"softmax\"}],"
    "\"training\":{\"loss\":\"softmax_cross_entropy\",\"learning_rate\":0.01}}";

/* The folder of one test: model.json, the models a and b, and what was printed. */
static char folder[] = "/tmp/test_train_XXXXXX";
static char paths[5][64];
enum { MODEL, OUT_A, OUT_B, STDOUT, STDERR };

static void make_folder(void)
{
    static const char *const names[] = {"model.json", "a", "b", "stdout", "stderr"};
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    FILE *file = fopen(paths[MODEL], "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(model_json, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct train_config small_training(const char *out)
{
    return (struct train_config){.data = "tests/data/mnist",
                                 .out = out,
                                 .epochs = 3,
                                 .batch_size = 40,
                                 .validation_size = 50,
                                 .seed = 5,
                                 .augment = true,
                                 .augment_share = 0.8,
                                 .schedule = SCHEDULE_ONE_CYCLE};
}

/* Starts the command in a process of its own, with its output in files. */
static pid_t start(const struct train_config *config, char *model)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0)
        return child;
    if (freopen(paths[STDOUT], "w", stdout) == NULL || freopen(paths[STDERR], "w", stderr) == NULL)
        _exit(99);
    char *arguments[] = {model, NULL};
    int status = cmd_train(config, 1, arguments);
    fflush(NULL);
    _exit(status);
}

static int finish(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(const struct train_config *config)
{
    return finish(start(config, paths[MODEL]));
}

static size_t read_file(const char *path, char *text, size_t n)
{
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s is missing", path);
    size_t n_read = fread(text, 1, n - 1, file);
    fclose(file);
    text[n_read] = '\0';
    return n_read;
}

static bool exists(const char *out, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return access(path, F_OK) == 0;
}

static void assert_same_file(const char *name)
{
    static char texts[2][65536];
    size_t n[2];
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", paths[OUT_A + i], name);
        n[i] = read_file(path, texts[i], sizeof texts[i]);
    }
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_msg(memcmp(texts[0], texts[1], n[0]) == 0, "%s differs", name);
}

START_TEST(test_train_writes_a_version_with_its_history)
{
    struct train_config config = small_training(paths[OUT_A]);
    ck_assert_int_eq(run(&config), 0);
    ck_assert(exists(paths[OUT_A], "1/model.json"));
    ck_assert(exists(paths[OUT_A], "1/weights.safetensors"));
    ck_assert(exists(paths[OUT_A], "1/history.csv"));
    ck_assert(exists(paths[OUT_A], "1/history.svg"));
    ck_assert(!exists(paths[OUT_A], ".training"));
}
END_TEST

START_TEST(test_train_again_writes_the_next_version)
{
    struct train_config config = small_training(paths[OUT_A]);
    config.epochs = 1;
    ck_assert_int_eq(mkdir(paths[OUT_A], 0777), 0);
    char path[128];
    snprintf(path, sizeof path, "%s/41", paths[OUT_A]);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(run(&config), 0);
    ck_assert(exists(paths[OUT_A], "42/weights.safetensors"));
    ck_assert_int_eq(run(&config), 0);
    ck_assert(exists(paths[OUT_A], "43/weights.safetensors"));
}
END_TEST

START_TEST(test_train_prints_the_accuracies_as_the_example_program)
{
    struct train_config config = small_training(paths[OUT_A]);
    char text[1024];
    int n_characters = 0;
    double accuracy;
    config.epochs = 2;
    ck_assert_int_eq(run(&config), 0);
    read_file(paths[STDOUT], text, sizeof text);
    ck_assert_int_eq(sscanf(text,
                            "Iter 0, Testing Accuracy= %lf\nIter 1, Testing Accuracy= %lf\n%n",
                            &accuracy, &accuracy, &n_characters),
                     2);
    char expected[128];
    snprintf(expected, sizeof expected, "Saved %s/1\n", paths[OUT_A]);
    ck_assert_str_eq(text + n_characters, expected);
    ck_assert(accuracy >= 0 && accuracy <= 1);
}
END_TEST

START_TEST(test_train_learns_the_digits_it_sees)
{
    struct train_config config = small_training(paths[OUT_A]);
    char path[128], text[8192];
    config.epochs = 30;
    config.augment = false;
    config.schedule = SCHEDULE_CONSTANT;
    config.keep = KEEP_BEST;
    ck_assert_int_eq(run(&config), 0);
    snprintf(path, sizeof path, "%s/1/history.csv", paths[OUT_A]);
    read_file(path, text, sizeof text);
    double accuracy;
    const char *last = strstr(text, "\n30,");
    ck_assert_ptr_nonnull(last);
    ck_assert_int_eq(sscanf(last, "\n30,%*[^,],%*[^,],%*[^,],%lf", &accuracy), 1);
    ck_assert_double_gt(accuracy, 0.5);
}
END_TEST

START_TEST(test_train_same_seed_gives_the_same_bits)
{
    struct train_config config = small_training(paths[OUT_A]);
    ck_assert_int_eq(run(&config), 0);
    config.out = paths[OUT_B];
    ck_assert_int_eq(run(&config), 0);
    assert_same_file("1/weights.safetensors");
}
END_TEST

/* Waits for the first checkpoint, at most a minute. */
static void wait_for_checkpoint(const char *out)
{
    for (int i = 0; i < 60000 && !exists(out, ".training/checkpoint.safetensors"); i++)
        poll(NULL, 0, 1);
    ck_assert(exists(out, ".training/checkpoint.safetensors"));
}

/* How a training is stopped, what it then exits with, and which weights are kept. */
static const struct {
    int signal, status;
    enum keep keep;
} stops[] = {{SIGINT, 130, KEEP_LAST}, {SIGTERM, 143, KEEP_BEST}, {SIGKILL, -SIGKILL, KEEP_BEST}};

START_TEST(test_train_resumed_after_a_stop_gives_the_same_bits)
{
    struct train_config config = small_training(paths[OUT_A]);
    config.epochs = 100;
    config.batch_size = 10;
    config.keep = (int)stops[_i].keep;
    pid_t child = start(&config, paths[MODEL]);
    wait_for_checkpoint(paths[OUT_A]);
    ck_assert_int_eq(kill(child, stops[_i].signal), 0);
    ck_assert_int_eq(finish(child), stops[_i].status);
    ck_assert(!exists(paths[OUT_A], "1"));
    config.resume = true;
    ck_assert_int_eq(run(&config), 0);

    config.resume = false;
    config.out = paths[OUT_B];
    ck_assert_int_eq(run(&config), 0);
    assert_same_file("1/weights.safetensors");
}
END_TEST

/* Leaves a checkpoint of an interrupted training in a. */
static void interrupt_a_training(struct train_config config)
{
    config.epochs = 100000;
    pid_t child = start(&config, paths[MODEL]);
    wait_for_checkpoint(paths[OUT_A]);
    ck_assert_int_eq(kill(child, SIGINT), 0);
    ck_assert_int_eq(finish(child), 130);
}

static void assert_error(const char *sentence)
{
    char text[2048];
    read_file(paths[STDERR], text, sizeof text);
    ck_assert_msg(strncmp(text, "lstmd train: ", 13) == 0, "%s", text);
    ck_assert_msg(strstr(text, sentence) != NULL, "'%s' lacks '%s'", text, sentence);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}

START_TEST(test_train_over_a_checkpoint_asks_for_resume_or_restart)
{
    struct train_config config = small_training(paths[OUT_A]);
    interrupt_a_training(config);
    ck_assert_int_eq(run(&config), 2);
    assert_error("add --resume to go on with it, or --restart to begin anew");
    config.restart = true;
    ck_assert_int_eq(run(&config), 0);
    ck_assert(exists(paths[OUT_A], "1/weights.safetensors"));
}
END_TEST

START_TEST(test_train_resume_with_other_settings_names_the_first)
{
    struct train_config config = small_training(paths[OUT_A]);
    interrupt_a_training(config);
    config.epochs = 100000;
    config.batch_size = 39;
    config.resume = true;
    ck_assert_int_eq(run(&config), 2);
    assert_error("made with batch-size=40, but now it is batch-size=39");
}
END_TEST

START_TEST(test_train_resume_without_a_checkpoint_begins_anew)
{
    struct train_config config = small_training(paths[OUT_A]);
    config.resume = true;
    ck_assert_int_eq(run(&config), 0);
    ck_assert(exists(paths[OUT_A], "1/weights.safetensors"));
}
END_TEST

/* Settings that cannot work: each changes one thing of a training that can. */
static void without_data(struct train_config *config)
{
    config->data = NULL;
}
static void without_out(struct train_config *config)
{
    config->out = NULL;
}
static void empty_data_folder(struct train_config *config)
{
    config->data = "tests/data/mnist/none";
}
static void out_in_a_file(struct train_config *config)
{
    config->out = "tests/data/mnist/digit.bin/x";
}
static void huge_validation(struct train_config *config)
{
    config->validation_size = 200;
}
static void huge_batch(struct train_config *config)
{
    config->batch_size = 151;
}
static void huge_limit(struct train_config *config)
{
    config->limit = 151;
}
static void best_of_nothing(struct train_config *config)
{
    config->validation_size = 0;
    config->keep = KEEP_BEST;
}
static void resume_and_restart(struct train_config *config)
{
    config->resume = config->restart = true;
}

static const struct {
    void (*spoil)(struct train_config *config);
    const char *sentence;
} mistakes[] = {
    {without_data, "--data is missing"},
    {without_out, "--out is missing"},
    {empty_data_folder, "has no file train-images-idx3-ubyte"},
    {out_in_a_file, "a part of this path is a file"},
    {huge_validation, "the validation size 200 leaves none of the 200 training images"},
    {huge_batch, "150 training images do not fill one batch of 151"},
    {huge_limit, "limit of 151 training images is above the 150"},
    {best_of_nothing, "--keep best needs validation images"},
    {resume_and_restart, "exclude each other"},
};

START_TEST(test_train_mistake_is_one_clear_line_and_exit_2)
{
    struct train_config config = small_training(paths[OUT_A]);
    mistakes[_i].spoil(&config);
    ck_assert_int_eq(run(&config), 2);
    assert_error(mistakes[_i].sentence);
    ck_assert(!exists(paths[OUT_A], "1"));
}
END_TEST

START_TEST(test_train_without_a_model_file_exits_2)
{
    struct train_config config = small_training(paths[OUT_A]);
    char missing[] = "tests/data/none.json";
    ck_assert_int_eq(finish(start(&config, missing)), 2);
    assert_error("tests/data/none.json: cannot be opened");
}
END_TEST

START_TEST(test_train_with_a_broken_model_file_exits_2)
{
    struct train_config config = small_training(paths[OUT_A]);
    char broken[] = "tests/data/mnist/digit.json";
    ck_assert_int_eq(finish(start(&config, broken)), 2);
    assert_error("tests/data/mnist/digit.json: ");
}
END_TEST

START_TEST(test_train_without_validation_leaves_its_columns_empty)
{
    struct train_config config = small_training(paths[OUT_A]);
    char path[128], text[2048];
    config.epochs = 1;
    config.validation_size = 0;
    ck_assert_int_eq(run(&config), 0);
    snprintf(path, sizeof path, "%s/1/history.csv", paths[OUT_A]);
    read_file(path, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, ",,,"));
}
END_TEST

START_TEST(test_train_options_are_sorted_and_within_the_config)
{
    for (const struct option *o = train_options; o->name != NULL; o++) {
        ck_assert_uint_lt(o->offset, sizeof(struct train_config));
        ck_assert_ptr_nonnull(o->help);
        if (o[1].name != NULL)
            ck_assert_int_lt(strcmp(o->name, o[1].name), 0);
    }
}
END_TEST

Suite *suite_train_command(void)
{
    Suite *suite = suite_create("train_command");
    TCase *training = tcase_create("training");
    tcase_add_checked_fixture(training, make_folder, remove_folder);
    tcase_set_timeout(training, 120);
    tcase_add_test(training, test_train_writes_a_version_with_its_history);
    tcase_add_test(training, test_train_again_writes_the_next_version);
    tcase_add_test(training, test_train_prints_the_accuracies_as_the_example_program);
    tcase_add_test(training, test_train_learns_the_digits_it_sees);
    tcase_add_test(training, test_train_same_seed_gives_the_same_bits);
    tcase_add_test(training, test_train_without_validation_leaves_its_columns_empty);
    suite_add_tcase(suite, training);
    TCase *stopping = tcase_create("stopping");
    tcase_add_checked_fixture(stopping, make_folder, remove_folder);
    tcase_set_timeout(stopping, 240);
    tcase_add_loop_test(stopping, test_train_resumed_after_a_stop_gives_the_same_bits, 0,
                        sizeof stops / sizeof *stops);
    tcase_add_test(stopping, test_train_over_a_checkpoint_asks_for_resume_or_restart);
    tcase_add_test(stopping, test_train_resume_with_other_settings_names_the_first);
    tcase_add_test(stopping, test_train_resume_without_a_checkpoint_begins_anew);
    suite_add_tcase(suite, stopping);
    TCase *mistaken = tcase_create("mistakes");
    tcase_add_checked_fixture(mistaken, make_folder, remove_folder);
    tcase_add_loop_test(mistaken, test_train_mistake_is_one_clear_line_and_exit_2, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(mistaken, test_train_without_a_model_file_exits_2);
    tcase_add_test(mistaken, test_train_with_a_broken_model_file_exits_2);
    tcase_add_test(mistaken, test_train_options_are_sorted_and_within_the_config);
    suite_add_tcase(suite, mistaken);
    return suite;
}
