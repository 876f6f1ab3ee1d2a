/* test_options.c: defaults, environment, arguments and help. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/options_text.h"

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

static struct config config;
static struct lstm_error error;
static size_t n_arguments;
static bool help;
static char words[256];
static char *argv[16];

/* Parses a command line given as one text. */
static enum lstm_status parse(const char *line)
{
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = words + strspn(words, " "); *word != '\0'; argc++) {
        argv[argc] = word;
        word += strcspn(word, " ");
        if (*word != '\0')
            *word++ = '\0';
    }
    config = (struct config){0};
    return options_parse(&command, &config, argc, argv, &n_arguments, &help, &error);
}

static void clear_environment(void)
{
    unsetenv("LSTMD_FOLDER");
    unsetenv("LSTMD_MAX_SIZE");
    unsetenv("LSTMD_MODE");
    unsetenv("LSTMD_RATE");
    unsetenv("LSTMD_WARM");
}

START_TEST(test_options_without_arguments_are_the_defaults)
{
    ck_assert_int_eq(parse(""), LSTM_OK);
    ck_assert_int_eq(config.size, 16);
    ck_assert_double_eq(config.rate, 0.5);
    ck_assert_ptr_null(config.folder);
    ck_assert_int_eq(config.mode, 1);
    ck_assert(!config.warm && !help);
    ck_assert_uint_eq(n_arguments, 0);
}
END_TEST

START_TEST(test_options_both_forms_set_values_and_arguments_move_to_the_front)
{
    ck_assert_int_eq(parse("a --max-size 3 --rate=0.25 - --folder= --mode slow --warm"), LSTM_OK);
    ck_assert_int_eq(config.size, 3);
    ck_assert_double_eq(config.rate, 0.25);
    ck_assert_str_eq(config.folder, "");
    ck_assert_int_eq(config.mode, 0);
    ck_assert(config.warm);
    ck_assert_uint_eq(n_arguments, 2);
    ck_assert_str_eq(argv[0], "a");
    ck_assert_str_eq(argv[1], "-");
}
END_TEST

START_TEST(test_options_two_dashes_end_the_options)
{
    ck_assert_int_eq(parse("--max-size 3 -- --rate --help"), LSTM_OK);
    ck_assert_uint_eq(n_arguments, 2);
    ck_assert_str_eq(argv[0], "--rate");
    ck_assert_str_eq(argv[1], "--help");
    ck_assert(!help);
}
END_TEST

START_TEST(test_options_environment_is_between_default_and_argument)
{
    setenv("LSTMD_MAX_SIZE", "7", 1);
    setenv("LSTMD_WARM", "true", 1);
    setenv("LSTMD_RATE", "", 1);
    ck_assert_int_eq(parse(""), LSTM_OK);
    ck_assert_int_eq(config.size, 7);
    ck_assert(config.warm);
    ck_assert_double_eq(config.rate, 0.5);
    ck_assert_int_eq(parse("--max-size 8 --no-warm"), LSTM_OK);
    ck_assert_int_eq(config.size, 8);
    ck_assert(!config.warm);
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
    ck_assert_int_eq(options_parse(&strict, &config, 0, argv, &n_arguments, &help, &error),
                     LSTM_INVALID);
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
        "  --[no-]warm             begin at once (default off; LSTMD_WARM)\n";
    char text[2048];
    FILE *file = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(file);
    options_help(&command, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(test_options_of_every_command_are_sorted_and_their_defaults_valid)
{
    for (const struct command *each = commands; each->name != NULL; each++) {
        for (const struct option *row = each->options; row->name != NULL; row++)
            ck_assert_msg(row == each->options || strcmp(row[-1].name, row->name) < 0,
                          "%s: --%s is out of order", each->name, row->name);
        for (const struct option *row = each->options; row->name != NULL; row++) {
            char variable[64];
            option_variable(row, variable, sizeof variable);
            unsetenv(variable);
        }
        struct command lenient = *each;
        lenient.min_arguments = 0;
        void *filled = calloc(1, each->config_size + 1);
        ck_assert_ptr_nonnull(filled);
        ck_assert_msg(options_parse(&lenient, filled, 0, argv, &n_arguments, &help, &error) ==
                          LSTM_OK,
                      "%s: %s", each->name, error.text);
        free(filled);
    }
}
END_TEST

Suite *suite_options(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_add_checked_fixture(tcase, clear_environment, clear_environment);
    tcase_add_test(tcase, test_options_without_arguments_are_the_defaults);
    tcase_add_test(tcase, test_options_both_forms_set_values_and_arguments_move_to_the_front);
    tcase_add_test(tcase, test_options_two_dashes_end_the_options);
    tcase_add_test(tcase, test_options_environment_is_between_default_and_argument);
    tcase_add_test(tcase, test_options_environment_that_is_wrong_is_named);
    tcase_add_loop_test(tcase, test_options_mistake_is_one_clear_sentence, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tcase, test_options_missing_argument_shows_the_usage);
    tcase_add_test(tcase, test_options_help_wraps_and_tells_default_and_variable);
    tcase_add_test(tcase, test_options_of_every_command_are_sorted_and_their_defaults_valid);
    suite_add_tcase(suite, tcase);
    return suite;
}
