/* main.c: `lstmd <command> ...`: finds the command, fills its config from the options, runs it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/options.h"

static int print_commands(void)
{
    printf("Usage: lstmd <command> [options] [arguments]\n\nCommands:\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        printf("  %-12s%s\n", command->name, command->summary);
    printf("\n`lstmd <command> --help` tells the options of a command; `lstmd --version` tells "
           "the version.\n");
    return EXIT_SUCCESS;
}

static int fail_usage(const char *sentence)
{
    fprintf(stderr, "lstmd: %s\n", sentence);
    return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct lstm_error error;
    struct options options;
    int exit_status = EXIT_SUCCESS;
    if (options_read(&options, command, argc, argv, &error) != LSTM_OK)
        exit_status = fail_usage(error.text);
    else if (options.common.help)
        options_help(command, stdout);
    else if (options.common.print_config)
        options_print(&options, stdout);
    else
        exit_status = command->run(options.config, options.n_arguments, options.arguments);
    options_release(&options);
    return exit_status;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

int main(int argc, char **argv)
{
    json_init();
    if (argc < 2)
        return fail_usage("no command given; see lstmd --help");
    if (is_one_of(argv[1], "--help", "-h", "help"))
        return print_commands();
    if (is_one_of(argv[1], "--version", "-V", "version")) {
        printf("lstmd %s\n", LSTM_VERSION);
        return EXIT_SUCCESS;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "lstmd: unknown command %.60s; see lstmd --help\n", argv[1]);
        return EXIT_USAGE;
    }
    return run_command(command, argc - 2, argv + 2);
}
