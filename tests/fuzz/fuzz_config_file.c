/* fuzz_config_file.c: no file of --config, arguments or variables crash their reader; what is
 * accepted lies within the options' bounds and can be printed. SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses the command, and whether the rest is a file, arguments, one a line, or
 * variables of the environment. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/options.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_setting(const struct setting *setting)
{
    const struct option *const option = setting->option;
    const char *const field = (const char *)setting->config + option->offset;
    int64_t whole;
    int choice;
    struct option_list list;
    switch (option->type) {
    case OPTION_INTEGER:
        memcpy(&whole, field, sizeof whole);
        require((double)whole >= option->min && (double)whole <= option->max);
        break;
    case OPTION_CHOICE:
        memcpy(&choice, field, sizeof choice);
        for (int k = 0; k <= choice; k++)
            require(option->choices[k] != NULL);
        break;
    case OPTION_LIST:
        memcpy(&list, field, sizeof list);
        require(list.n <= OPTION_MAX_LIST);
        for (size_t k = 0; k < list.n; k++)
            require(list.texts[k] != NULL);
        break;
    case OPTION_FLAG:
    case OPTION_REAL:
    case OPTION_TEXT:
        break;
    }
}

static const struct command *find_command(const char *name)
{
    const struct command *command = commands;
    while (strcmp(command->name, name) != 0)
        command++;
    return command;
}

enum { MAX_LINES = 16 };

/* Options read from these arguments; what is refused has a sentence. */
static void read_arguments(const struct command *command, int n, char **arguments)
{
    static FILE *nowhere;
    struct options options;
    struct lstm_error error = {.text = ""};
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    if (options_read(&options, command, n, arguments, &error) == LSTM_OK) {
        /* Who asks for help has asked for nothing else: no setting is settled. */
        for (size_t k = 0; k < options.n_settings && !options.common.help; k++)
            check_setting(&options.settings[k]);
        options_print(&options, nowhere);
    } else {
        require(error.text[0] != '\0');
    }
    options_release(&options);
}

static void read_file(const struct command *command, const uint8_t *data, size_t size)
{
    struct memory_file file;
    char flag[] = "--config";
    memory_file_open(&file, data, size);
    char *arguments[] = {flag, file.path, NULL};
    read_arguments(command, 2, arguments);
    memory_file_close(&file);
}

/* Cuts a text into its lines. */
static int split_lines(char *text, char *lines[MAX_LINES + 1])
{
    int n = 0;
    while (text != NULL && n < MAX_LINES)
        lines[n++] = strsep(&text, "\n");
    lines[n] = NULL;
    return n;
}

/* Lines of NAME=value. */
static void read_environment(const struct command *command, char *const *lines)
{
    char *kept[MAX_LINES + 1];
    size_t n = 0;
    for (size_t k = 0; lines[k] != NULL; k++)
        if (strncmp(lines[k], "LSTMD_", 6) == 0 && strchr(lines[k], '=') != NULL)
            kept[n++] = lines[k];
    kept[n] = NULL;
    char **const before = environ;
    environ = kept;
    read_arguments(command, 0, NULL);
    environ = before;
}

static void read_lines(const struct command *command, const uint8_t *data, size_t size,
                       bool are_variables)
{
    char *const text = strndup((const char *)data, size), *lines[MAX_LINES + 1];
    require(text != NULL);
    const int n = split_lines(text, lines);
    if (are_variables)
        read_environment(command, lines);
    else
        read_arguments(command, n, lines);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"serve", "train", "convert", "top", "healthcheck"};
    enum { N_NAMES = sizeof names / sizeof *names };
    if (size == 0)
        return 0;
    const struct command *const command = find_command(names[data[0] % N_NAMES]);
    const unsigned form = data[0] / N_NAMES % 3;
    if (form == 0)
        read_file(command, data + 1, size - 1);
    else
        read_lines(command, data + 1, size - 1, form == 2);
    return 0;
}
