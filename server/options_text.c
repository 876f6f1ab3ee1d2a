/* options_text.c: the words of options, and the text of --help. SPDX-License-Identifier: Apache-2.0
 */
#include "server/options_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 26, HELP_WIDTH = 80 };

void option_flag(const struct option *option, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "--%s", option->name);
}

void option_variable(const struct option *option, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "LSTMD_%s", option->name);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static void list_choices(const struct option *option, char *out, size_t out_bytes)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t k = 0; option->choices[k] != NULL && n < out_bytes; k++) {
        const char *between = k == 0 ? "" : option->choices[k + 1] != NULL ? ", " : " or ";
        n += (size_t)snprintf(out + n, out_bytes - n, "%s%s", between, option->choices[k]);
    }
}

void option_expects(const struct option *option, char *out, size_t out_bytes)
{
    switch (option->type) {
    case OPTION_FLAG:
        snprintf(out, out_bytes, "on or off");
        break;
    case OPTION_INTEGER:
        snprintf(out, out_bytes, "a whole number from %.15g to %.15g", option->min, option->max);
        break;
    case OPTION_REAL:
        snprintf(out, out_bytes, "a number from %.15g to %.15g", option->min, option->max);
        break;
    case OPTION_TEXT:
        snprintf(out, out_bytes, "a text");
        break;
    case OPTION_CHOICE:
        list_choices(option, out, out_bytes);
        break;
    case OPTION_LIST:
        snprintf(out, out_bytes, "a text");
        break;
    }
}

void option_expects_json(const struct option *option, char *out, size_t out_bytes)
{
    if (option->type == OPTION_FLAG)
        snprintf(out, out_bytes, "true or false");
    else if (option->type == OPTION_LIST)
        snprintf(out, out_bytes, "a text, or an array of 1 to %d texts", OPTION_MAX_LIST);
    else
        option_expects(option, out, out_bytes);
}

const char *option_fallback(const struct option *option)
{
    return option->fallback == NULL && option->type == OPTION_FLAG ? "off" : option->fallback;
}

void option_sentence(const struct option *option, char *out, size_t out_bytes)
{
    char choices[OPTION_EXPECTS_BYTES] = "";
    if (option->type == OPTION_CHOICE)
        list_choices(option, choices, sizeof choices);
    snprintf(out, out_bytes, "%s%s%s", option->help, choices[0] ? ": " : "", choices);
}

/* Prints words in lines of HELP_WIDTH, each begun at HELP_COLUMN; the first line is there already
 * up to `column`. */
static void print_wrapped(FILE *file, size_t column, const char *text)
{
    if (column + 2 > HELP_COLUMN) {
        fputc('\n', file);
        column = 0;
    }
    fprintf(file, "%*s", (int)(HELP_COLUMN - column), "");
    column = HELP_COLUMN;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + n > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        fprintf(file, "%s%.*s", column > HELP_COLUMN ? " " : "", (int)n, text);
        column += n + (column > HELP_COLUMN);
        text += n + strspn(text + n, " ");
    }
    fputc('\n', file);
}

static void print_option(FILE *file, const struct option *option)
{
    char variable[OPTION_NAME_BYTES], sentence[512], text[768];
    option_variable(option, variable, sizeof variable);
    option_sentence(option, sentence, sizeof sentence);
    const char *const fallback = option_fallback(option);
    if (option->only_flag)
        snprintf(text, sizeof text, "%s", sentence);
    else
        snprintf(text, sizeof text, "%s (%s%s%s%s)", sentence, fallback ? "default " : "",
                 fallback ? fallback : "", fallback ? "; " : "", variable);
    const bool is_flag = option->type == OPTION_FLAG;
    const int column = fprintf(file, "  --%s%s%s%s", is_flag && !option->only_flag ? "[no-]" : "",
                               option->name, is_flag ? "" : " ", is_flag ? "" : option->value);
    print_wrapped(file, column < 0 ? 0 : (size_t)column, text);
}

static void print_options(FILE *file, const char *title, const struct option *options)
{
    if (options->name != NULL)
        fprintf(file, "\n%s:\n", title);
    for (const struct option *option = options; option->name != NULL; option++)
        print_option(file, option);
}

void options_help(const struct command *command, FILE *file)
{
    fprintf(file, "Usage: lstmd %s [options]%s%s\n\n%s\n", command->name,
            command->arguments[0] ? " " : "", command->arguments, command->summary);
    print_options(file, "Options", command->options);
    print_options(file, "Options of every command", common_options);
}
