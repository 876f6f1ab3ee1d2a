/* options.c: a command's settings from defaults, a file, the environment and flags.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An environment variable that is empty counts as not set: that is what a line `LSTMD_PORT=` of an
 * environment file means. */
#include "server/options.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/config_file.h"
#include "server/json_text.h"
#include "server/option_value.h"
#include "server/options_text.h"

const struct option common_options[] = {
    {"config", OPTION_TEXT, offsetof(struct common_config, config), .value = "FILE",
     .help = "JSON file of options, as {\"max-batch\": 64}; the environment and flags win over it"},
    {"help", OPTION_FLAG, offsetof(struct common_config, help), .help = "print this help",
     .only_flag = true},
    {"print-config", OPTION_FLAG, offsetof(struct common_config, print_config),
     .help = "print every option's value, and where it came from, as JSON", .only_flag = true},
    {0}};

static size_t count(const struct option *options)
{
    size_t n = 0;
    while (options[n].name != NULL)
        n++;
    return n;
}

static enum lstm_status init(struct options *options, const struct command *command, char **argv,
                             struct lstm_error *error)
{
    *options = (struct options){.command = command, .arguments = argv};
    options->n_own = count(command->options);
    options->n_settings = options->n_own + count(common_options);
    options->config = calloc(1, command->config_size + 1);
    options->settings = calloc(options->n_settings, sizeof *options->settings);
    if (options->config == NULL || options->settings == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < options->n_own; i++)
        options->settings[i] =
            (struct setting){.option = &command->options[i], .config = options->config};
    for (size_t i = options->n_own; i < options->n_settings; i++)
        options->settings[i] = (struct setting){.option = &common_options[i - options->n_own],
                                                .config = &options->common};
    return LSTM_OK;
}

static struct setting *find(const struct options *options, const char *name, size_t n)
{
    for (size_t i = 0; i < options->n_settings; i++) {
        const char *const found = options->settings[i].option->name;
        if (strlen(found) == n && memcmp(found, name, n) == 0)
            return &options->settings[i];
    }
    return NULL;
}

/* Whether the argument, given without its dashes, is "name" or "no-name" of an OPTION_FLAG: then
 * that is kept. */
static bool take_flag(const struct options *options, const char *argument)
{
    struct setting *setting = find(options, argument, strlen(argument));
    const char *value = "on";
    if (setting == NULL && strncmp(argument, "no-", 3) == 0) {
        setting = find(options, argument + 3, strlen(argument + 3));
        value = "off";
        if (setting != NULL && setting->option->only_flag)
            return false;
    }
    if (setting == NULL || setting->option->type != OPTION_FLAG)
        return false;
    setting->flag = value;
    return true;
}

/* Of a list all flags count, of others the last alone. */
static enum lstm_status keep_flag(struct setting *setting, const char *value,
                                  struct lstm_error *error)
{
    setting->flag = value;
    if (setting->option->type != OPTION_LIST)
        return LSTM_OK;
    if (setting->flags.n == OPTION_MAX_LIST)
        return lstm_fail(error, LSTM_INVALID, "--%s is there more than %d times",
                         setting->option->name, OPTION_MAX_LIST);
    setting->flags.texts[setting->flags.n++] = value;
    return LSTM_OK;
}

/* One option at argv[*k], which begins with a dash; *k ends at the last argument that it took. */
static enum lstm_status take_option(const struct options *options, int argc, char **argv, int *k,
                                    struct lstm_error *error)
{
    const char *argument = argv[*k];
    const char *name = strncmp(argument, "--", 2) == 0 ? argument + 2 : "";
    if (take_flag(options, name))
        return LSTM_OK;
    size_t n = strcspn(name, "=");
    struct setting *setting = find(options, name, n);
    if (setting == NULL)
        return lstm_fail(error, LSTM_INVALID, "unknown option %.60s; see lstmd %s --help", argument,
                         options->command->name);
    if (name[n] == '=')
        return keep_flag(setting, name + n + 1, error);
    if (*k + 1 >= argc)
        return lstm_fail(error, LSTM_INVALID, "--%s needs a value", setting->option->name);
    return keep_flag(setting, argv[++*k], error);
}

/* Keeps the flags, and moves positional arguments to the front of argv. Whoever asks for help may
 * have made mistakes behind it. */
static enum lstm_status take_arguments(struct options *options, int argc, char **argv,
                                       struct lstm_error *error)
{
    bool only_arguments = false;
    enum lstm_status status = LSTM_OK;
    for (int k = 0; k < argc && status == LSTM_OK; k++) {
        if (only_arguments || argv[k][0] != '-' || argv[k][1] == '\0')
            argv[options->n_arguments++] = argv[k];
        else if (strcmp(argv[k], "--") == 0)
            only_arguments = true;
        else if (strcmp(argv[k], "--help") == 0) {
            options->common.help = true;
            return LSTM_OK;
        } else
            status = take_option(options, argc, argv, &k, error);
    }
    return status;
}

/* Each source in turn, so that a wrong value is found where a better source wins, too. */
static enum lstm_status settle(struct setting *setting, struct lstm_error *error)
{
    const struct option *const option = setting->option;
    char variable[OPTION_NAME_BYTES], flag[OPTION_NAME_BYTES];
    option_variable(option, variable, sizeof variable);
    option_flag(option, flag, sizeof flag);
    const char *const text = option->only_flag ? NULL : getenv(variable);
    enum lstm_status status = LSTM_OK;
    option_clear(option, setting->config);
    if (option->fallback != NULL)
        status = option_read_text(option, setting->config, option->name, option->fallback, error);
    if (status == LSTM_OK && setting->member != NULL) {
        setting->source = SOURCE_FILE;
        status = option_read_json(option, setting->config, setting->file, setting->member, error);
    }
    if (status == LSTM_OK && text != NULL && *text != '\0') {
        setting->source = SOURCE_ENVIRONMENT;
        status = option_read_text(option, setting->config, variable, text, error);
    }
    if (status == LSTM_OK && setting->flag != NULL) {
        setting->source = SOURCE_FLAG;
        status = option_read_text(option, setting->config, flag, setting->flag, error);
    }
    if (status == LSTM_OK && setting->flags.n > 0)
        option_take_list(option, setting->config, &setting->flags);
    return status;
}

static enum lstm_status settle_all(struct setting *settings, size_t n, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        status = settle(&settings[i], error);
    return status;
}

static enum lstm_status check_count(const struct options *options, struct lstm_error *error)
{
    const struct command *const command = options->command;
    if (options->n_arguments > command->max_arguments)
        return lstm_fail(error, LSTM_INVALID, "unexpected argument \"%.60s\"; see lstmd %s --help",
                         options->arguments[command->max_arguments], command->name);
    if (options->n_arguments < command->min_arguments && !options->common.print_config)
        return lstm_fail(error, LSTM_INVALID, "missing argument; usage: lstmd %s [options] %s",
                         command->name, command->arguments);
    return LSTM_OK;
}

enum lstm_status options_read(struct options *options, const struct command *command, int argc,
                              char **argv, struct lstm_error *error)
{
    enum lstm_status status = init(options, command, argv, error);
    if (status == LSTM_OK)
        status = take_arguments(options, argc, argv, error);
    if (status != LSTM_OK || options->common.help)
        return status;
    status =
        settle_all(options->settings + options->n_own, options->n_settings - options->n_own, error);
    if (status == LSTM_OK && options->common.config != NULL)
        status = config_file_read(options, error);
    if (status == LSTM_OK)
        status = settle_all(options->settings, options->n_own, error);
    return status == LSTM_OK ? check_count(options, error) : status;
}

void options_release(struct options *options)
{
    json_file_release(options->file);
    free(options->settings);
    free(options->config);
    *options = (struct options){0};
}

void options_print(const struct options *options, FILE *file)
{
    static const char *const sources[] = {"default", "file", "environment", "flag"};
    struct buf out;
    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < options->n_own; i++) {
        const struct setting *const setting = &options->settings[i];
        buf_printf(&out, "%s  \"%s\": {\"value\": ", i == 0 ? "{\n" : ",\n", setting->option->name);
        option_write_json(setting->option, setting->config, &out);
        buf_printf(&out, ", \"source\": \"%s\"}", sources[setting->source]);
    }
    fprintf(file, "%s%s\n", out.data == NULL ? "{" : out.data, options->n_own == 0 ? "}" : "\n}");
    buf_release(&out);
}
