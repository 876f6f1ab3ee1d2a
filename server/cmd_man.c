/* cmd_man.c: `lstmd man`: the manual page, as roff, from the tables of commands, options, routes
 * and metrics. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands.h"
#include "server/metrics.h"
#include "server/options_text.h"
#include "server/router.h"

const struct option man_options[] = {{0}};

static const char head[] =
    ".SH NAME\n"
    "lstmd \\- inference server for recurrent networks\n"
    ".SH SYNOPSIS\n"
    ".B lstmd\n"
    ".I command\n"
    ".RI [ options ]\n"
    ".RI [ arguments ]\n"
    ".br\n"
    ".B lstmd \\-\\-help\n"
    "|\n"
    ".B \\-\\-version\n"
    ".SH DESCRIPTION\n"
    "Loads trained LSTM and GRU weights and serves predictions over HTTP, with the REST interface\n"
    "of TensorFlow Serving. Requests that are in flight at the same time are computed as one "
    "batch.\n"
    "It also trains such models.\n";

static const char config_text[] =
    ".SH CONFIGURATION\n"
    "Every option may be set, in order of rising precedence, by its default, by a member of the\n"
    "file of\n"
    ".BR \\-\\-config ,\n"
    "by an environment variable and by a flag. The variable of\n"
    ".B \\-\\-max\\-batch\n"
    "is\n"
    ".BR LSTMD_MAX_BATCH ;\n"
    "one that is empty counts as not set. The file holds one JSON object:\n"
    ".PP\n"
    ".nf\n"
    "    {\"max\\-batch\": 64, \"log\\-level\": \"warn\"}\n"
    ".fi\n"
    ".PP\n"
    "Numbers are JSON numbers, flags true or false, all else strings. An unknown key, a value of "
    "a\n"
    "wrong type or out of range is an error.\n"
    ".B \\-\\-print\\-config\n"
    "prints what is in effect, and where it came from.\n";

static const char life_text[] =
    ".SH SIGNALS\n"
    "Of\n"
    ".BR \"lstmd serve\" :\n"
    ".TP\n"
    ".BR SIGTERM \", \" SIGINT\n"
    "Readiness turns red, no new connections are taken, requests in flight finish, and the server\n"
    "ends. What is not finished after\n"
    ".B \\-\\-drain\\-seconds\n"
    "is cut. The second of these signals ends the server at once.\n"
    ".TP\n"
    ".B SIGHUP\n"
    "Files that may have changed are read again: the model repository, and the files of keys and\n"
    "certificates, if there are any. What is wrong is logged, and what was there before stays.\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    ".B 0\n"
    "Success; of\n"
    ".BR \"lstmd serve\" ,\n"
    "every request in flight was answered.\n"
    ".TP\n"
    ".B 1\n"
    "It failed, or requests were cut after\n"
    ".BR \\-\\-drain\\-seconds .\n"
    ".TP\n"
    ".B 2\n"
    "The command line, the environment or the config file is wrong.\n"
    ".TP\n"
    ".BR 130 \", \" 143\n"
    "Ended at once by a second SIGINT or SIGTERM.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n"
    ".B LSTMD_*\n"
    "Options; see CONFIGURATION.\n"
    ".TP\n"
    ".B LSTMD_API_KEY\n"
    "The key that predict, state and top send, unless\n"
    ".B \\-\\-api\\-key\\-file\n"
    "names one.\n"
    ".TP\n"
    ".B NO_COLOR\n"
    "If it is set, predict and state draw without colours.\n"
    ".TP\n"
    ".B NOTIFY_SOCKET\n"
    "Where the service manager is told READY=1, RELOADING=1 and STOPPING=1; see sd_notify(3).\n"
    ".TP\n"
    ".B OPENBLAS_CORETYPE\n"
    "The kind of CPU that OpenBLAS computes for; by default the best one that this CPU can be.\n";

/* Text as roff shows it unchanged, within a line. */
static void print_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
}

static void print_line(const char *text)
{
    print_text(text);
    putchar('\n');
}

/* The line that a description hangs below. */
static void print_tag(const char *bold, const char *italic)
{
    fputs(".TP\n\\fB", stdout);
    print_text(bold);
    fputs("\\fR", stdout);
    if (italic[0] != '\0') {
        fputs(" \\fI", stdout);
        print_text(italic);
        fputs("\\fR", stdout);
    }
    putchar('\n');
}

static void print_option(const struct option *option)
{
    char flag[OPTION_NAME_BYTES], variable[OPTION_NAME_BYTES], sentence[512];
    option_flag(option, flag, sizeof flag);
    option_variable(option, variable, sizeof variable);
    option_sentence(option, sentence, sizeof sentence);
    const char *const fallback = option_fallback(option);
    print_tag(flag, option->type == OPTION_FLAG ? "" : option->value);
    print_text(sentence);
    if (option->type == OPTION_FLAG && !option->only_flag) {
        fputs("; \\fB\\-\\-no\\-", stdout);
        print_text(option->name);
        fputs("\\fR turns it off", stdout);
    }
    if (!option->only_flag)
        printf(" (%s%s%s%s)", fallback ? "default " : "", fallback ? fallback : "",
               fallback ? "; " : "", variable);
    fputs(".\n", stdout);
}

static void print_commands(void)
{
    printf(".SH COMMANDS\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        printf(".SS \"lstmd %s%s", command->name, command->options->name ? " [options]" : "");
        if (command->arguments[0] != '\0') {
            putchar(' ');
            print_text(command->arguments);
        }
        printf("\"\n");
        print_text(command->summary);
        printf(".\n");
        for (const struct option *option = command->options; option->name != NULL; option++)
            print_option(option);
    }
    printf(".SS \"Options of every command\"\n");
    for (const struct option *option = common_options; option->name != NULL; option++)
        print_option(option);
}

static void print_routes(void)
{
    printf(
        ".SH ROUTES\nWhat \\fBlstmd serve\\fR answers; \\fI/openapi.json\\fR has the details.\n");
    for (const struct route *route = routes; route->method != NULL; route++) {
        print_tag(route->method, route->path);
        print_line(route->summary);
    }
}

static void print_metrics(void)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    printf(".SH METRICS\nWhat \\fIGET /metrics\\fR tells, with their labels.\n");
    for (size_t i = 0; i < N_METRICS; i++) {
        const struct metric_family *const family = &metric_families[i];
        char labels[128] = "";
        size_t n = 0;
        for (size_t k = 0; k < sizeof family->labels / sizeof *family->labels; k++)
            if (family->labels[k] != NULL && n < sizeof labels)
                n += (size_t)snprintf(labels + n, sizeof labels - n, "%s%s", n == 0 ? "" : ", ",
                                      family->labels[k]);
        print_tag(family->name, labels);
        print_text(family->help);
        printf(" (%s)\n", kinds[family->kind]);
    }
}

int cmd_man(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)config;
    (void)n_arguments;
    (void)arguments;
    printf(
        ".\\\" Made by `lstmd man`.\n.TH LSTMD 8 \"\" \"lstmd %s\" \"System Administration\"\n%s",
        LSTM_VERSION, head);
    print_commands();
    printf("%s%s", config_text, life_text);
    print_routes();
    print_metrics();
    return EXIT_SUCCESS;
}
