/* options.c: fills a command's config from defaults, the environment and arguments.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An environment variable that is empty counts as not set: that is what a line `LSTMD_PORT=` of an
 * environment file means. */
#include "server/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/options_text.h"

static void *field(const struct option *option, void *config)
{
    return (char *)config + option->offset;
}

/* `source` names where the text came from: "--max-batch", "LSTMD_MAX_BATCH". */
static enum lstm_status refuse(const struct option *option, const char *source, const char *text,
                               struct lstm_error *error)
{
    char expected[160];
    option_expects(option, expected, sizeof expected);
    return lstm_fail(error, LSTM_INVALID, "%s must be %s, not \"%.40s\"", source, expected, text);
}

static bool read_flag(const char *text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true},  {"off", false}, {"true", true}, {"false", false},
                 {"yes", true}, {"no", false},  {"1", true},    {"0", false}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (strcmp(text, words[k].word) == 0) {
            *value = words[k].value;
            return true;
        }
    }
    return false;
}

/* strtoll() and strtod() would skip white space. */
static bool begins_as_number(const char *text)
{
    return *text != '\0' && !isspace((unsigned char)*text);
}

static bool read_integer(const struct option *option, const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (!begins_as_number(text) || *end != '\0' || errno != 0)
        return false;
    *value = number;
    return (double)number >= option->min && (double)number <= option->max;
}

static bool read_real(const struct option *option, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return begins_as_number(text) && *end == '\0' && isfinite(*value) && *value >= option->min &&
           *value <= option->max;
}

static bool read_choice(const struct option *option, const char *text, int *value)
{
    for (int k = 0; option->choices[k] != NULL; k++) {
        if (strcmp(option->choices[k], text) == 0) {
            *value = k;
            return true;
        }
    }
    return false;
}

static enum lstm_status set(const struct option *option, void *config, const char *source,
                            const char *text, struct lstm_error *error)
{
    bool good = false;
    switch (option->type) {
    case OPTION_FLAG:
        good = read_flag(text, field(option, config));
        break;
    case OPTION_INTEGER:
        good = read_integer(option, text, field(option, config));
        break;
    case OPTION_REAL:
        good = read_real(option, text, field(option, config));
        break;
    case OPTION_TEXT:
        *(const char **)field(option, config) = text;
        good = true;
        break;
    case OPTION_CHOICE:
        good = read_choice(option, text, field(option, config));
        break;
    }
    return good ? LSTM_OK : refuse(option, source, text, error);
}

/* Defaults and the environment. */
static enum lstm_status set_all(const struct command *command, void *config,
                                struct lstm_error *error)
{
    for (const struct option *option = command->options; option->name != NULL; option++) {
        char variable[64];
        option_variable(option, variable, sizeof variable);
        const char *text = getenv(variable);
        enum lstm_status status = LSTM_OK;
        if (text != NULL && *text != '\0')
            status = set(option, config, variable, text, error);
        else if (option->fallback != NULL)
            status = set(option, config, option->name, option->fallback, error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

static const struct option *find(const struct command *command, const char *name, size_t n)
{
    for (const struct option *option = command->options; option->name != NULL; option++) {
        if (strlen(option->name) == n && memcmp(option->name, name, n) == 0)
            return option;
    }
    return NULL;
}

/* The flag that "--name" or "--no-name" sets, given without the dashes; NULL: it is none. */
static const struct option *find_flag(const struct command *command, const char *argument,
                                      bool *value)
{
    const struct option *option = find(command, argument, strlen(argument));
    *value = true;
    if (option == NULL && strncmp(argument, "no-", 3) == 0) {
        option = find(command, argument + 3, strlen(argument + 3));
        *value = false;
    }
    return option != NULL && option->type == OPTION_FLAG ? option : NULL;
}

/* One option at argv[*k], which begins with a dash; *k ends at the last argument that it took. */
static enum lstm_status parse_option(const struct command *command, void *config, int argc,
                                     char **argv, int *k, struct lstm_error *error)
{
    const char *argument = argv[*k];
    const char *name = strncmp(argument, "--", 2) == 0 ? argument + 2 : "";
    bool value;
    const struct option *option = find_flag(command, name, &value);
    if (option != NULL) {
        *(bool *)field(option, config) = value;
        return LSTM_OK;
    }
    size_t n = strcspn(name, "=");
    option = find(command, name, n);
    if (option == NULL)
        return lstm_fail(error, LSTM_INVALID, "unknown option %.60s; see lstmd %s --help", argument,
                         command->name);
    char source[64];
    option_flag(option, source, sizeof source);
    if (name[n] == '=')
        return set(option, config, source, name + n + 1, error);
    if (*k + 1 >= argc)
        return lstm_fail(error, LSTM_INVALID, "%s needs a value", source);
    ++*k;
    return set(option, config, source, argv[*k], error);
}

static enum lstm_status check_count(const struct command *command, size_t n, char *const *arguments,
                                    struct lstm_error *error)
{
    if (n > command->max_arguments)
        return lstm_fail(error, LSTM_INVALID, "unexpected argument \"%.60s\"; see lstmd %s --help",
                         arguments[command->max_arguments], command->name);
    if (n < command->min_arguments)
        return lstm_fail(error, LSTM_INVALID, "missing argument; usage: lstmd %s [options] %s",
                         command->name, command->arguments);
    return LSTM_OK;
}

static bool asks_for_help(int argc, char *const *argv)
{
    for (int k = 0; k < argc && strcmp(argv[k], "--") != 0; k++) {
        if (strcmp(argv[k], "--help") == 0)
            return true;
    }
    return false;
}

enum lstm_status options_parse(const struct command *command, void *config, int argc, char **argv,
                               size_t *n_arguments, bool *help, struct lstm_error *error)
{
    bool only_arguments = false;
    *n_arguments = 0;
    *help = asks_for_help(argc, argv);
    if (*help) {
        options_help(command, stdout);
        return LSTM_OK;
    }
    enum lstm_status status = set_all(command, config, error);
    for (int k = 0; k < argc && status == LSTM_OK; k++) {
        if (only_arguments || argv[k][0] != '-' || argv[k][1] == '\0')
            argv[(*n_arguments)++] = argv[k];
        else if (strcmp(argv[k], "--") == 0)
            only_arguments = true;
        else
            status = parse_option(command, config, argc, argv, &k, error);
    }
    return status != LSTM_OK ? status : check_count(command, *n_arguments, argv, error);
}
