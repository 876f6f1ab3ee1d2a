/* options.h: one table row per option makes the flag, the LSTMD_<NAME> variable, the key of a
 * config file, the default, the help, the man page and the shell completion.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Precedence: default < file < environment < flag. The file is that of --config or LSTMD_CONFIG, a
 * JSON object like {"max-batch": 64, "log-level": "warn"}. Rows are sorted by name (a test checks
 * it). An unknown option or key, a value of a wrong type or out of range, or trailing junk is one
 * clear line and EXIT_USAGE, also where another source wins over it; of a flag given twice, only
 * the last counts. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "server/json.h"

enum { EXIT_USAGE = 2 };

enum option_type {
    OPTION_FLAG,    /* bool; "--x" and "--no-x" */
    OPTION_INTEGER, /* int64_t, between min and max */
    OPTION_REAL,    /* double, between min and max; NaN if not given and without default */
    OPTION_TEXT,    /* const char *, borrowed from argv, the environment or the file; NULL if not
                       given and without default */
    OPTION_CHOICE,  /* int: index into choices */
    OPTION_LIST     /* struct option_list: the flag may be repeated; a variable holds one text, a
                       file one or an array of them */
};

enum { OPTION_MAX_LIST = 64 };

struct option_list {
    size_t n;
    const char *texts[OPTION_MAX_LIST]; /* borrowed like those of OPTION_TEXT */
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
    bool hides_password;        /* of OPTION_TEXT: of scheme://user:password@host, the password is
                                   left out where the value is printed */
    bool only_flag;             /* has no variable, no key and no "--no-" form */
};

/* A subcommand: `lstmd <name> [options] <arguments>`. */
struct command {
    const char *name;
    const char *arguments;        /* of the usage line, "MODEL.json" or "bash|fish"; "" if none */
    const char *summary;          /* one line of `lstmd --help` */
    const struct option *options; /* ended by a row without a name */
    size_t config_size;           /* bytes of the struct that the options fill */
    size_t min_arguments, max_arguments;
    /* Returns the exit status. config is that struct; arguments are the positional ones. */
    int (*run)(const void *config, size_t n_arguments, char *const *arguments);
    const struct option *neighbours; /* options that a config file may have for another command,
                                        which is given the same file; NULL: none */
};

/* The commands, ended by a row without a name (commands.c). */
extern const struct command commands[];

/* What every command takes besides its own options. */
struct common_config {
    const char *config;
    bool help, print_config;
};
extern const struct option common_options[];

enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

/* One option of this run. */
struct setting {
    const struct option *option;
    void *config;                /* the struct with its field */
    const char *flag;            /* the value on the command line; NULL: not there */
    struct option_list flags;    /* of OPTION_LIST: each of them */
    const char *file;            /* the config file's path */
    const struct json_t *member; /* the value in it; NULL: not there */
    enum option_source source;   /* of the value that the field has */
};

/* What a command was told. */
struct options {
    const struct command *command;
    struct common_config common;
    void *config; /* the command's struct */
    size_t n_arguments;
    char **arguments;         /* the positional ones: the front of argv */
    struct setting *settings; /* of the command's rows, in their order, then of the common ones */
    size_t n_own, n_settings;
    struct json_t *file; /* owned; texts point into it */
};

/* Reads argv (which begins behind the command's name, and is reordered), the environment and the
 * config file. If common.help is set, nothing but that was read. INVALID, IO, NO_MEMORY: a message
 * for the user; then, too, *options is to be released. */
LSTM_MUST_CHECK enum lstm_status options_read(struct options *options,
                                              const struct command *command, int argc, char **argv,
                                              struct lstm_error *error);
void options_release(struct options *options);

/* The text of `lstmd <command> --help`. */
void options_help(const struct command *command, FILE *file);

/* The text of --print-config: {"max-batch": {"value": 64, "source": "flag"}, ...}, a line each; of
 * a password there are stars. */
void options_print(const struct options *options, FILE *file);

#endif
