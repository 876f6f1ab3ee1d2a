/* fuzz_config_file.c: no file of --config crashes its reader; what is accepted lies within the
 * options' bounds and can be printed. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    static const char *const names[] = {"serve", "train", "convert"};
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    if (size == 0)
        return 0;
    struct memory_file file;
    struct options options;
    struct lstm_error error = {.text = ""};
    char flag[] = "--config";
    memory_file_open(&file, data + 1, size - 1);
    char *argv[] = {flag, file.path, NULL};
    const struct command *const command = find_command(names[data[0] % 3]);
    if (options_read(&options, command, 2, argv, &error) == LSTM_OK) {
        for (size_t k = 0; k < options.n_settings; k++)
            check_setting(&options.settings[k]);
        options_print(&options, nowhere);
    } else {
        require(error.text[0] != '\0');
    }
    options_release(&options);
    memory_file_close(&file);
    return 0;
}
