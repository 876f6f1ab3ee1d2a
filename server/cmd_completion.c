/* cmd_completion.c: `lstmd completion SHELL`: the script by which a shell completes lstmd's command
 * lines, from the tables of commands and options. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands.h"

const struct option completion_options[] = {{0}};

/* What the value of an option is completed with. */
enum completed { COMPLETED_NOTHING, COMPLETED_CHOICES, COMPLETED_FILES, COMPLETED_FOLDERS };

static enum completed completed_with(const struct option *option)
{
    if (option->type == OPTION_CHOICE)
        return COMPLETED_CHOICES;
    if (option->type != OPTION_TEXT && option->type != OPTION_LIST)
        return COMPLETED_NOTHING;
    if (strcmp(option->value, "DIR") == 0)
        return COMPLETED_FOLDERS;
    return strcmp(option->value, "FILE") == 0 ? COMPLETED_FILES : COMPLETED_NOTHING;
}

static bool has_no_form(const struct option *option)
{
    return option->type == OPTION_FLAG && !option->only_flag;
}

/* Those of a command, then those of all. */
static void each_option(const struct command *command,
                        void (*print)(const struct command *command, const struct option *option))
{
    for (const struct option *option = command->options; option->name != NULL; option++)
        print(command, option);
    for (const struct option *option = common_options; option->name != NULL; option++)
        print(command, option);
}

/* "bash|fish|zsh" as "bash fish zsh"; false: the argument is a file. */
static bool print_words(const char *arguments)
{
    if (strchr(arguments, '|') == NULL)
        return false;
    for (; *arguments != '\0'; arguments++)
        putchar(*arguments == '|' ? ' ' : *arguments);
    return true;
}

static void print_choices(const struct option *option)
{
    for (size_t k = 0; option->choices[k] != NULL; k++)
        printf("%s%s", k == 0 ? "" : " ", option->choices[k]);
}

/* Text within single quotes; characters of `special` get a backslash. */
static void print_quoted(const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void bash_value(const struct command *command, const struct option *option)
{
    (void)command;
    if (option->type == OPTION_FLAG)
        return;
    printf("        --%s)", option->name);
    switch (completed_with(option)) {
    case COMPLETED_NOTHING:
        break;
    case COMPLETED_CHOICES:
        printf(" COMPREPLY=($(compgen -W '");
        print_choices(option);
        printf("' -- \"$word\"));");
        break;
    case COMPLETED_FILES:
        printf(" compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"));");
        break;
    case COMPLETED_FOLDERS:
        printf(" compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\"));");
        break;
    }
    printf(" return ;;\n");
}

static void bash_name(const struct command *command, const struct option *option)
{
    (void)command;
    printf(" --%s", option->name);
    if (has_no_form(option))
        printf(" --no-%s", option->name);
}

static void bash_command(const struct command *command)
{
    printf("    %s)\n        case $previous in\n", command->name);
    each_option(command, bash_value);
    printf("        esac\n        options='");
    each_option(command, bash_name);
    printf("'\n        words='");
    if (command->arguments[0] == '\0' || print_words(command->arguments))
        printf("' ;;\n");
    else
        printf("' files=yes ;;\n");
}

static void print_bash(void)
{
    printf("# Made by `lstmd completion bash`.\n_lstmd()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local options='--help --version' words='' files=''\n    COMPREPLY=()\n"
           "    if [[ $COMP_CWORD -eq 1 ]]; then words='");
    for (const struct command *command = commands; command->name != NULL; command++)
        printf("%s%s", command == commands ? "" : " ", command->name);
    printf("'; else\n    case ${COMP_WORDS[1]} in\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        bash_command(command);
    printf("    esac; fi\n"
           "    if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
           "    elif [[ -n $files ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- "
           "\"$word\"))\n"
           "    else COMPREPLY=($(compgen -W \"$words\" -- \"$word\")); fi\n"
           "}\ncomplete -F _lstmd lstmd\n");
}

static void zsh_option(const struct command *command, const struct option *option)
{
    (void)command;
    printf(" \\\n            '--%s%s[", option->name, option->type == OPTION_FLAG ? "" : "=");
    print_quoted(option->help, "[]:\\");
    printf("]");
    if (option->type != OPTION_FLAG)
        printf(":%s:", option->value);
    switch (completed_with(option)) {
    case COMPLETED_NOTHING:
        break;
    case COMPLETED_CHOICES:
        printf("(");
        print_choices(option);
        printf(")");
        break;
    case COMPLETED_FILES:
        printf("_files");
        break;
    case COMPLETED_FOLDERS:
        printf("_files -/");
        break;
    }
    printf("'");
    if (has_no_form(option))
        printf(" \\\n            '--no-%s'", option->name);
}

static void zsh_command(const struct command *command)
{
    printf("    %s)\n        _arguments", command->name);
    each_option(command, zsh_option);
    if (command->arguments[0] != '\0') {
        printf(" \\\n            '1:argument:");
        if (strchr(command->arguments, '|') == NULL)
            printf("_files");
        else {
            printf("(");
            print_words(command->arguments);
            printf(")");
        }
        printf("'");
    }
    printf(" ;;\n");
}

static void print_zsh(void)
{
    printf("#compdef lstmd\n# Made by `lstmd completion zsh`.\n_lstmd()\n{\n    local commands=(");
    for (const struct command *command = commands; command->name != NULL; command++) {
        printf("\n        '%s:", command->name);
        print_quoted(command->summary, ":\\");
        printf("'");
    }
    printf(
        ")\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n"
        "    fi\n    local command=$words[2]\n    words=(\"lstmd $command\" "
        "${words[@]:2})\n    (( CURRENT-- ))\n    case $command in\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        zsh_command(command);
    printf("    esac\n}\n_lstmd \"$@\"\n");
}

static void fish_option(const struct command *command, const struct option *option)
{
    printf("complete -c lstmd -n '__fish_seen_subcommand_from %s' -l %s", command->name,
           option->name);
    switch (completed_with(option)) {
    case COMPLETED_NOTHING:
        printf("%s", option->type == OPTION_FLAG ? "" : " -x");
        break;
    case COMPLETED_CHOICES:
        printf(" -x -a '");
        print_choices(option);
        printf("'");
        break;
    case COMPLETED_FILES:
        printf(" -r -F");
        break;
    case COMPLETED_FOLDERS:
        printf(" -x -a '(__fish_complete_directories)'");
        break;
    }
    printf(" -d '");
    print_quoted(option->help, "\\");
    printf("'\n");
    if (has_no_form(option))
        printf("complete -c lstmd -n '__fish_seen_subcommand_from %s' -l no-%s\n", command->name,
               option->name);
}

static void fish_command(const struct command *command)
{
    printf("complete -c lstmd -n __fish_use_subcommand -a %s -d '", command->name);
    print_quoted(command->summary, "\\");
    printf("'\n");
    each_option(command, fish_option);
    if (command->arguments[0] == '\0')
        return;
    printf("complete -c lstmd -n '__fish_seen_subcommand_from %s' ", command->name);
    if (strchr(command->arguments, '|') == NULL)
        printf("-F\n");
    else {
        printf("-a '");
        print_words(command->arguments);
        printf("'\n");
    }
}

static void print_fish(void)
{
    printf("# Made by `lstmd completion fish`.\ncomplete -c lstmd -f\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        fish_command(command);
}

int cmd_completion(const void *config, size_t n_arguments, char *const *arguments)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"fish", print_fish}, {"zsh", print_zsh}};
    (void)config;
    (void)n_arguments;
    for (size_t k = 0; k < sizeof shells / sizeof *shells; k++) {
        if (strcmp(arguments[0], shells[k].name) == 0) {
            shells[k].print();
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "lstmd: no completion for \"%.40s\"; expected bash, fish or zsh\n",
            arguments[0]);
    return EXIT_USAGE;
}
