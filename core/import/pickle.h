/* pickle.h: reads Python pickles as data; nothing in them is ever run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pickle is a program for a stack machine that calls what it names (Python, Lib/pickle.py and
 * Lib/pickletools.py). This machine knows the instructions that build plain values, and the names
 * of an allow-list; a call of such a name becomes a value that tells what would have been called.
 * Any other name is foreign: what would be made by calling it is opaque, a value that keeps what
 * went into it and means nothing. Any other instruction is an error. */
#ifndef PICKLE_H
#define PICKLE_H

#include "core/import/import.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INTEGER,
    PICKLE_LONG, /* an integer of more than 64 bits */
    PICKLE_REAL,
    PICKLE_TEXT, /* also bytes */
    PICKLE_TUPLE,
    PICKLE_LIST, /* also sets */
    PICKLE_DICT,
    PICKLE_GLOBAL,
    PICKLE_CALL,
    PICKLE_REFERENCE /* an object kept outside of the pickle: a "persistent id" */
};

/* What calling a name of the allow-list gives. */
enum pickle_meaning {
    PICKLE_NO_CALL,     /* it is a value alone, and a call an error */
    PICKLE_KEPT,        /* a PICKLE_CALL */
    PICKLE_MAKES_FIRST, /* its first argument */
    PICKLE_MAKES_LIST,  /* a list of its argument's items */
    PICKLE_MAKES_DICT,  /* a dict of its argument's pairs */
    PICKLE_FOREIGN      /* not on the list: an opaque PICKLE_CALL */
};

struct pickle_global {
    const char *module, *name;
    enum pickle_meaning meaning;
};

/* All in the source's memory. Values may be shared, and a list may even hold itself: who walks
 * them bounds depth and number of steps. */
struct pickle_value {
    enum pickle_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *text; /* with NUL behind it */
            size_t n_text;
        };
        const struct pickle_global *global;
        struct {
            /* TUPLE, LIST; DICT: key, value, key, value, ...; CALL: the GLOBAL, its arguments as
             * a TUPLE, and what else the object got; REFERENCE: the id. */
            size_t n, capacity;
            struct pickle_value **items;
        };
    };
};

/* The first foreign names of a pickle, each once. */
enum { PICKLE_MAX_FOREIGN = 8 };
struct pickle_foreign {
    size_t n;
    const struct pickle_global *names[PICKLE_MAX_FOREIGN];
    bool has_more;
};

/* What a pickle holds. */
struct pickle {
    size_t n_bytes; /* its length; another one may follow */
    const struct pickle_value *value;
    const struct pickle_value *references; /* LIST of every REFERENCE in it, in its order */
    struct pickle_foreign foreign;
};

/* Reads the pickle at the beginning of `bytes`. `allowed` is ended by a row without a module.
 * FORMAT: at which byte what is wrong. UNSUPPORTED: an instruction that no plain value needs.
 * NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status pickle_read(struct import_source *source,
                                             const struct pickle_global *allowed,
                                             const unsigned char *bytes, size_t n,
                                             struct pickle *pickle, struct lstm_error *error);

/* The value under a text key of a DICT, the last one if there are several; NULL if there is none
 * or it is no DICT. */
const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);

/* Whether it is a CALL of a name that is not allowed. */
bool pickle_is_opaque(const struct pickle_value *value);

/* Whether it is a text of these characters. */
bool pickle_is_text(const struct pickle_value *value, const char *text);

#endif
