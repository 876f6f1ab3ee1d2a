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
    }
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
    char variable[64], choices[160] = "", text[768];
    option_variable(option, variable, sizeof variable);
    if (option->type == OPTION_CHOICE)
        list_choices(option, choices, sizeof choices);
    const char *fallback = option->fallback;
    if (fallback == NULL && option->type == OPTION_FLAG)
        fallback = "off";
    snprintf(text, sizeof text, "%s%s%s (%s%s%s%s)", option->help, choices[0] ? ": " : "", choices,
             fallback ? "default " : "", fallback ? fallback : "", fallback ? "; " : "", variable);
    bool is_flag = option->type == OPTION_FLAG;
    int column = fprintf(file, "  --%s%s%s%s", is_flag ? "[no-]" : "", option->name,
                         is_flag ? "" : " ", is_flag ? "" : option->value);
    print_wrapped(file, column < 0 ? 0 : (size_t)column, text);
}

void options_help(const struct command *command, FILE *file)
{
    fprintf(file, "Usage: lstmd %s [options]%s%s\n\n%s\n\nOptions:\n", command->name,
            command->arguments[0] ? " " : "", command->arguments, command->summary);
    for (const struct option *option = command->options; option->name != NULL; option++)
        print_option(file, option);
}
