/* pickle_machine.h: the bytes, stack, marks and memo of the machine that reads a pickle.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKLE_MACHINE_H
#define PICKLE_MACHINE_H

#include "core/import/pickle.h"

enum { PICKLE_MAX_MARKS = 256 };

struct pickle_machine {
    struct import_source *source;
    const struct pickle_global *allowed;
    const unsigned char *bytes;
    size_t n, at;
    size_t instruction;                      /* where the present one begins */
    struct pickle_value stack, memo;         /* as lists; an entry of the memo may be NULL */
    size_t n_marks, marks[PICKLE_MAX_MARKS]; /* heights of the stack */
    struct pickle_value *references;         /* LIST */
    struct pickle_foreign foreign;
    bool stopped;
};

/* FORMAT: what is wrong with the present instruction. NO_MEMORY. */
enum lstm_status pickle_machine_fail(const struct pickle_machine *machine, struct lstm_error *error,
                                     const char *what);
enum lstm_status pickle_machine_fail_memory(const struct pickle_machine *machine,
                                            struct lstm_error *error);

/* A new value, zero but for its kind. NULL: no memory. */
struct pickle_value *pickle_machine_value(struct pickle_machine *machine, enum pickle_kind kind);

/* Appends an item to a value that has items. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status pickle_machine_append(struct pickle_machine *machine,
                                                       struct pickle_value *list,
                                                       struct pickle_value *item,
                                                       struct lstm_error *error);

/* NO_MEMORY: also if value is NULL. */
LSTM_MUST_CHECK enum lstm_status pickle_machine_push(struct pickle_machine *machine,
                                                     struct pickle_value *value,
                                                     struct lstm_error *error);

/* The uppermost value, taken or left. NULL: there is none above the last mark. */
struct pickle_value *pickle_machine_pop(struct pickle_machine *machine);
struct pickle_value *pickle_machine_top(const struct pickle_machine *machine);

/* Takes the last mark away, and leaves the *n values above it on the stack; false: no mark. */
bool pickle_machine_pop_mark(struct pickle_machine *machine, size_t *n);

/* The n uppermost values become a new one of this kind. FORMAT, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status pickle_machine_gather(struct pickle_machine *machine,
                                                       enum pickle_kind kind, size_t n,
                                                       struct lstm_error *error);

/* The n uppermost values become items of the container of this kind below them, or of the opaque
 * value there. FORMAT, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status pickle_machine_add_items(struct pickle_machine *machine,
                                                          enum pickle_kind kind, size_t n,
                                                          struct lstm_error *error);

/* The next bytes of the pickle: n of them; as a little-endian number (n <= 8); as many as such a
 * number of `width` bytes in front of them says; a text up to a line feed, which is left out.
 * NULL or false: the pickle ends before (a line: also no memory). */
const unsigned char *pickle_machine_take(struct pickle_machine *machine, size_t n);
bool pickle_machine_take_number(struct pickle_machine *machine, size_t n, uint64_t *number);
const unsigned char *pickle_machine_take_counted(struct pickle_machine *machine, size_t width,
                                                 size_t *n);
const char *pickle_machine_take_line(struct pickle_machine *machine);

/* The instructions about names and what calling them makes (pickle_calls.c), as those in pickle.c.
 * `argument` of a call: how many values it takes. */
enum lstm_status pickle_run_global(struct pickle_machine *machine, size_t argument,
                                   struct lstm_error *error);
enum lstm_status pickle_run_stack_global(struct pickle_machine *machine, size_t argument,
                                         struct lstm_error *error);
enum lstm_status pickle_run_reference(struct pickle_machine *machine, size_t argument,
                                      struct lstm_error *error);
enum lstm_status pickle_run_call(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error);
enum lstm_status pickle_run_build(struct pickle_machine *machine, size_t argument,
                                  struct lstm_error *error);

#endif
