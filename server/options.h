/* options.h: one table row per option makes the flag, the LSTMD_<NAME> variable, the default and
 * the line of --help. SPDX-License-Identifier: Apache-2.0
 *
 * Precedence: default < environment < argument. Rows are sorted by name (a test checks it). An
 * unknown option, a value out of range or trailing junk is one clear line and EXIT_USAGE. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/lstm.h"

enum { EXIT_USAGE = 2 };

enum option_type {
    OPTION_FLAG,    /* bool; "--x" and "--no-x" */
    OPTION_INTEGER, /* int64_t, between min and max */
    OPTION_REAL,    /* double, between min and max */
    OPTION_TEXT,    /* const char *, borrowed from argv or the environment; NULL if not given and
                       without default */
    OPTION_CHOICE   /* int: index into choices */
};

struct option {
    const char *name; /* "max-batch" */
    enum option_type type;
    size_t offset;              /* of the field in the command's config struct */
    const char *fallback;       /* the default, as one would type it; NULL: none */
    double min, max;            /* of numbers, both included */
    const char *const *choices; /* of OPTION_CHOICE, NULL-ended */
    const char *value;          /* what --help calls the value: "N", "DIR"; NULL for flags */
    const char *help;           /* what it does, one sentence without a full stop, with units */
};

/* A subcommand: `lstmd <name> [options] <arguments>`. */
struct command {
    const char *name;
    const char *arguments;        /* of the usage line, "MODEL.json"; "" if none */
    const char *summary;          /* one line of `lstmd --help` */
    const struct option *options; /* ended by a row without a name */
    size_t config_size;           /* bytes of the struct that the options fill */
    size_t min_arguments, max_arguments;
    /* Returns the exit status. config is that struct; arguments are the positional ones. */
    int (*run)(const void *config, size_t n_arguments, char *const *arguments);
};

/* Fills config (command->config_size bytes) from defaults, environment and argv (which begins
 * behind the subcommand's name). Positional arguments are moved to the front of argv and counted
 * in *n_arguments. "--help" prints help on stdout and sets *help. INVALID: a message for the user.
 */
LSTM_MUST_CHECK enum lstm_status options_parse(const struct command *command, void *config,
                                               int argc, char **argv, size_t *n_arguments,
                                               bool *help, struct lstm_error *error);

/* The text of `lstmd <command> --help`. */
void options_help(const struct command *command, FILE *file);

/* The commands, ended by a row without a name (commands.c). */
extern const struct command commands[];

#endif
