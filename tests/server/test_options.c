/* test_options.c: defaults, file, environment, flags and help. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/options_text.h"
#include "tests/support/temp_folder.h"

Suite *suite_options(void);

struct config {
    int64_t size;
    double rate;
    const char *folder;
    int mode;
    bool warm;
};

static const char *const modes[] = {"slow", "fast", NULL};

#define FIELD(name) offsetof(struct config, name)
static const struct option rows[] = {
    {"folder", OPTION_TEXT, FIELD(folder), .value = "DIR", .help = "where things are"},
    {"max-size", OPTION_INTEGER, FIELD(size), "16", 1, 100, .value = "N", .help = "how many"},
    {"mode", OPTION_CHOICE, FIELD(mode), "fast", .choices = modes, .value = "MODE",
     .help = "how things are done, explained in a sentence that is so long that it has to go on in "
             "a second line"},
    {"rate", OPTION_REAL, FIELD(rate), "0.5", 0, 1, .value = "X", .help = "how often"},
    {"warm", OPTION_FLAG, FIELD(warm), .help = "begin at once"},
    {0},
};
static const struct command command = {.name = "test",
                                       .arguments = "FILE [FILE]",
                                       .summary = "Tests things.",
                                       .options = rows,
                                       .config_size = sizeof(struct config),
                                       .min_arguments = 0,
                                       .max_arguments = 2};

static struct options options;
static const struct config *config;
static struct lstm_error error;
static char words[512];
static char *argv[16];
static struct temp_folder folder;
static char path[256];

static int split(const char *line)
{
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = words + strspn(words, " "); *word != '\0'; argc++) {
        argv[argc] = word;
        word += strcspn(word, " ");
        if (*word != '\0')
            *word++ = '\0';
    }
    return argc;
}

/* Reads a command line given as one text. */
static enum lstm_status parse(const char *line)
{
    options_release(&options);
    const enum lstm_status status = options_read(&options, &command, split(line), argv, &error);
    config = options.config;
    return status;
}

/* The same behind --config and a file of this content. */
static enum lstm_status parse_with_file(const char *content, const char *line)
{
    char whole[512];
    temp_file_write(path, content, strlen(content));
    snprintf(whole, sizeof whole, "--config %s %s", path, line);
    return parse(whole);
}

static void clear_environment(void)
{
    for (const struct option *row = rows; row->name != NULL; row++) {
        char variable[OPTION_NAME_BYTES];
        option_variable(row, variable, sizeof variable);
        unsetenv(variable);
    }
    unsetenv("LSTMD_CONFIG");
}

static void set_up(void)
{
    clear_environment();
    temp_folder_create(&folder);
    temp_folder_path(&folder, "lstmd.json", path);
}

static void tear_down(void)
{
    options_release(&options);
    temp_folder_remove(&folder);
    clear_environment();
}

START_TEST(test_options_without_arguments_are_the_defaults)
{
    ck_assert_int_eq(parse(""), LSTM_OK);
    ck_assert_int_eq(config->size, 16);
    ck_assert_double_eq(config->rate, 0.5);
    ck_assert_ptr_null(config->folder);
    ck_assert_int_eq(config->mode, 1);
    ck_assert(!config->warm && !options.common.help);
    ck_assert_uint_eq(options.n_arguments, 0);
}
END_TEST

START_TEST(test_options_both_forms_set_values_and_arguments_move_to_the_front)
{
    ck_assert_int_eq(parse("a --max-size 3 --rate=0.25 - --folder= --mode slow --warm"), LSTM_OK);
    ck_assert_int_eq(config->size, 3);
    ck_assert_double_eq(config->rate, 0.25);
    ck_assert_str_eq(config->folder, "");
    ck_assert_int_eq(config->mode, 0);
    ck_assert(config->warm);
    ck_assert_uint_eq(options.n_arguments, 2);
    ck_assert_str_eq(argv[0], "a");
    ck_assert_str_eq(argv[1], "-");
}
END_TEST

START_TEST(test_options_two_dashes_end_the_options)
{
    ck_assert_int_eq(parse("--max-size 3 -- --rate --help"), LSTM_OK);
    ck_assert_uint_eq(options.n_arguments, 2);
    ck_assert_str_eq(argv[0], "--rate");
    ck_assert_str_eq(argv[1], "--help");
    ck_assert(!options.common.help);
}
END_TEST

START_TEST(test_options_environment_is_between_default_and_argument)
{
    setenv("LSTMD_MAX_SIZE", "7", 1);
    setenv("LSTMD_WARM", "true", 1);
    setenv("LSTMD_RATE", "", 1);
    ck_assert_int_eq(parse(""), LSTM_OK);
    ck_assert_int_eq(config->size, 7);
    ck_assert(config->warm);
    ck_assert_double_eq(config->rate, 0.5);
    ck_assert_int_eq(parse("--max-size 8 --no-warm"), LSTM_OK);
    ck_assert_int_eq(config->size, 8);
    ck_assert(!config->warm);
}
END_TEST

START_TEST(test_options_environment_that_is_wrong_is_named)
{
    setenv("LSTMD_MAX_SIZE", "many", 1);
    ck_assert_int_eq(parse(""), LSTM_INVALID);
    ck_assert_str_eq(error.text,
                     "LSTMD_MAX_SIZE must be a whole number from 1 to 100, not \"many\"");
}
END_TEST

static const struct {
    const char *line, *sentence;
} mistakes[] = {
    {"--max-size 0", "--max-size must be a whole number from 1 to 100, not \"0\""},
    {"--max-size 101", "--max-size must be a whole number from 1 to 100, not \"101\""},
    {"--max-size 3x", "--max-size must be a whole number from 1 to 100, not \"3x\""},
    {"--max-size=", "--max-size must be a whole number from 1 to 100, not \"\""},
    {"--max-size 99999999999999999999",
     "--max-size must be a whole number from 1 to 100, not \"99999999999999999999\""},
    {"--rate 1.5", "--rate must be a number from 0 to 1, not \"1.5\""},
    {"--rate nan", "--rate must be a number from 0 to 1, not \"nan\""},
    {"--mode never", "--mode must be slow or fast, not \"never\""},
    {"--warm=maybe", "--warm must be on or off, not \"maybe\""},
    {"--rate", "--rate needs a value"},
    {"--nothing", "unknown option --nothing; see lstmd test --help"},
    {"--no-rate", "unknown option --no-rate; see lstmd test --help"},
    {"--rat 1", "unknown option --rat; see lstmd test --help"},
    {"-x", "unknown option -x; see lstmd test --help"},
    {"a b c", "unexpected argument \"c\"; see lstmd test --help"},
};

START_TEST(test_options_mistake_is_one_clear_sentence)
{
    ck_assert_int_eq(parse(mistakes[_i].line), LSTM_INVALID);
    ck_assert_str_eq(error.text, mistakes[_i].sentence);
}
END_TEST

START_TEST(test_options_missing_argument_shows_the_usage)
{
    struct command strict = command;
    strict.min_arguments = 1;
    ck_assert_int_eq(options_read(&options, &strict, 0, argv, &error), LSTM_INVALID);
    ck_assert_str_eq(error.text, "missing argument; usage: lstmd test [options] FILE [FILE]");
}
END_TEST

START_TEST(test_options_help_wraps_and_tells_default_and_variable)
{
    static const char expected[] =
        "Usage: lstmd test [options] FILE [FILE]\n\nTests things.\n\nOptions:\n"
        "  --folder DIR            where things are (LSTMD_FOLDER)\n"
        "  --max-size N            how many (default 16; LSTMD_MAX_SIZE)\n"
        "  --mode MODE             how things are done, explained in a sentence that is\n"
        "                          so long that it has to go on in a second line: slow or\n"
        "                          fast (default fast; LSTMD_MODE)\n"
        "  --rate X                how often (default 0.5; LSTMD_RATE)\n"
        "  --[no-]warm             begin at once (default off; LSTMD_WARM)\n"
        "\nOptions of every command:\n"
        "  --config FILE           JSON file of options, as {\"max-batch\": 64}; the\n"
        "                          environment and flags win over it (LSTMD_CONFIG)\n"
        "  --help                  print this help\n"
        "  --print-config          print every option's value, and where it came from, as\n"
        "                          JSON\n";
    char text[2048];
    FILE *file = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(file);
    options_help(&command, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(test_options_file_is_between_default_and_environment)
{
    setenv("LSTMD_MODE", "slow", 1);
    ck_assert_int_eq(parse_with_file("{\"max-size\": 20, \"rate\": 1, \"warm\": true,"
                                     " \"mode\": \"fast\", \"folder\": \"here\"}",
                                     "--max-size 30"),
                     LSTM_OK);
    ck_assert_int_eq(config->size, 30);
    ck_assert_double_eq(config->rate, 1);
    ck_assert_int_eq(config->mode, 0);
    ck_assert_str_eq(config->folder, "here");
    ck_assert(config->warm);
}
END_TEST

START_TEST(test_options_file_may_be_named_by_the_environment)
{
    temp_file_write(path, "{\"max-size\": 20}", 16);
    setenv("LSTMD_CONFIG", path, 1);
    ck_assert_int_eq(parse("--no-warm"), LSTM_OK);
    ck_assert_int_eq(config->size, 20);
}
END_TEST

static const struct {
    const char *content, *sentence; /* behind "<path>: " */
} bad_files[] = {
    {"{\"max-sise\": 20}", "\"max-sise\" is no option; see lstmd test --help for those there are"},
    {"{\"help\": true}", "\"help\" is no option; see lstmd test --help for those there are"},
    {"{\"config\": \"a\"}", "\"config\" is no option; see lstmd test --help for those there are"},
    {"{\"max-size\": \"20\"}", "\"max-size\" must be a whole number from 1 to 100, not \"20\""},
    {"{\"max-size\": 20.5}", "\"max-size\" must be a whole number from 1 to 100, not 20.5"},
    {"{\"max-size\": 101}", "\"max-size\" must be a whole number from 1 to 100, not 101"},
    {"{\"max-size\": null}", "\"max-size\" must be a whole number from 1 to 100, not null"},
    {"{\"rate\": -0.1}", "\"rate\" must be a number from 0 to 1, not -0.1"},
    {"{\"rate\": [0.1]}", "\"rate\" must be a number from 0 to 1, not an array of numbers"},
    {"{\"mode\": 1}", "\"mode\" must be slow or fast, not 1"},
    {"{\"mode\": \"never\"}", "\"mode\" must be slow or fast, not \"never\""},
    {"{\"folder\": {}}", "\"folder\" must be a text, not an object"},
    {"{\"warm\": \"on\"}", "\"warm\" must be true or false, not \"on\""},
    {"[1]", "expected an object of options, found an array of numbers"},
    {"{\"rate\": 1, \"rate\": 1}", "line 1: malformed JSON: duplicate object key near '\"rate\"'"},
    {"{\"rate\": 1", "line 1: malformed JSON: '}' expected near end of file"},
};

START_TEST(test_options_file_that_is_wrong_is_named_with_its_key)
{
    char expected[512];
    /* That a flag wins over a wrong value does not make it right. */
    ck_assert_int_eq(parse_with_file(bad_files[_i].content, "--max-size 3 --rate 1"), LSTM_INVALID);
    snprintf(expected, sizeof expected, "%s: %s", path, bad_files[_i].sentence);
    ck_assert_str_eq(error.text, expected);
}
END_TEST

START_TEST(test_options_file_that_is_missing_is_named)
{
    ck_assert_int_eq(parse("--config /no/such/file"), LSTM_IO);
    ck_assert_str_eq(error.text, "cannot open /no/such/file: No such file or directory");
}
END_TEST

START_TEST(test_options_help_ends_the_reading)
{
    ck_assert_int_eq(parse("--config /no/such/file --help --nonsense"), LSTM_OK);
    ck_assert(options.common.help);
}
END_TEST

static void read_printed(char *text, size_t text_bytes)
{
    FILE *file = fmemopen(text, text_bytes, "w");
    ck_assert_ptr_nonnull(file);
    options_print(&options, file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_options_printed_config_tells_values_and_their_sources)
{
    char text[1024];
    setenv("LSTMD_RATE", "0.25", 1);
    ck_assert_int_eq(
        parse_with_file("{\"max-size\": 20, \"mode\": \"slow\"}", "--mode fast --print-config"),
        LSTM_OK);
    ck_assert(options.common.print_config);
    read_printed(text, sizeof text);
    ck_assert_str_eq(text, "{\n"
                           "  \"folder\": {\"value\": null, \"source\": \"default\"},\n"
                           "  \"max-size\": {\"value\": 20, \"source\": \"file\"},\n"
                           "  \"mode\": {\"value\": \"fast\", \"source\": \"flag\"},\n"
                           "  \"rate\": {\"value\": 0.25, \"source\": \"environment\"},\n"
                           "  \"warm\": {\"value\": false, \"source\": \"default\"}\n"
                           "}\n");
}
END_TEST

START_TEST(test_options_of_every_command_are_sorted_and_their_defaults_valid)
{
    for (const struct command *each = commands; each->name != NULL; each++) {
        for (const struct option *row = each->options; row->name != NULL; row++) {
            char variable[OPTION_NAME_BYTES];
            option_variable(row, variable, sizeof variable);
            unsetenv(variable);
            ck_assert_msg(row == each->options || strcmp(row[-1].name, row->name) < 0,
                          "%s: --%s is out of order", each->name, row->name);
            for (const struct option *common = common_options; common->name != NULL; common++)
                ck_assert_str_ne(row->name, common->name);
        }
        struct command lenient = *each;
        lenient.min_arguments = 0;
        options_release(&options);
        ck_assert_msg(options_read(&options, &lenient, 0, argv, &error) == LSTM_OK, "%s: %s",
                      each->name, error.text);
    }
}
END_TEST

Suite *suite_options(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_options_without_arguments_are_the_defaults);
    tcase_add_test(tcase, test_options_both_forms_set_values_and_arguments_move_to_the_front);
    tcase_add_test(tcase, test_options_two_dashes_end_the_options);
    tcase_add_test(tcase, test_options_environment_is_between_default_and_argument);
    tcase_add_test(tcase, test_options_environment_that_is_wrong_is_named);
    tcase_add_loop_test(tcase, test_options_mistake_is_one_clear_sentence, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tcase, test_options_missing_argument_shows_the_usage);
    tcase_add_test(tcase, test_options_help_wraps_and_tells_default_and_variable);
    tcase_add_test(tcase, test_options_file_is_between_default_and_environment);
    tcase_add_test(tcase, test_options_file_may_be_named_by_the_environment);
    tcase_add_loop_test(tcase, test_options_file_that_is_wrong_is_named_with_its_key, 0,
                        sizeof bad_files / sizeof *bad_files);
    tcase_add_test(tcase, test_options_file_that_is_missing_is_named);
    tcase_add_test(tcase, test_options_help_ends_the_reading);
    tcase_add_test(tcase, test_options_printed_config_tells_values_and_their_sources);
    tcase_add_test(tcase, test_options_of_every_command_are_sorted_and_their_defaults_valid);
    suite_add_tcase(suite, tcase);
    return suite;
}
