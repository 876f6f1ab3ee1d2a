/* pickle_machine.c: pickle_machine.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/pickle_machine.h"

#include <string.h>

#include "core/status.h"

enum lstm_status pickle_machine_fail(const struct pickle_machine *machine, struct lstm_error *error,
                                     const char *what)
{
    return lstm_fail(error, LSTM_FORMAT, "pickle, byte %zu: %s", machine->instruction, what);
}

enum lstm_status pickle_machine_fail_memory(const struct pickle_machine *machine,
                                            struct lstm_error *error)
{
    return lstm_fail(error, LSTM_NO_MEMORY, "pickle, byte %zu: out of memory for its values",
                     machine->instruction);
}

/* ---- Values ------------------------------------------------------------------------------- */

struct pickle_value *pickle_machine_value(struct pickle_machine *machine, enum pickle_kind kind)
{
    struct pickle_value *value = import_allocate(machine->source, sizeof *value);
    if (value != NULL)
        value->kind = kind;
    return value;
}

enum lstm_status pickle_machine_append(struct pickle_machine *machine, struct pickle_value *list,
                                       struct pickle_value *item, struct lstm_error *error)
{
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        struct pickle_value **items = import_allocate(machine->source, capacity * sizeof *items);
        if (items == NULL)
            return pickle_machine_fail_memory(machine, error);
        if (list->n > 0)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = item;
    return LSTM_OK;
}

enum lstm_status pickle_machine_push(struct pickle_machine *machine, struct pickle_value *value,
                                     struct lstm_error *error)
{
    return value == NULL ? pickle_machine_fail_memory(machine, error)
                         : pickle_machine_append(machine, &machine->stack, value, error);
}

/* How many values lie above the last mark, or on the stack without one. */
static size_t reachable(const struct pickle_machine *machine)
{
    return machine->stack.n - (machine->n_marks == 0 ? 0 : machine->marks[machine->n_marks - 1]);
}

/* NULL: there is none above the last mark. */
struct pickle_value *pickle_machine_pop(struct pickle_machine *machine)
{
    return reachable(machine) == 0 ? NULL : machine->stack.items[--machine->stack.n];
}

struct pickle_value *pickle_machine_top(const struct pickle_machine *machine)
{
    return reachable(machine) == 0 ? NULL : machine->stack.items[machine->stack.n - 1];
}

/* Takes the mark away, and leaves the values above it on the stack: *n of them. */
bool pickle_machine_pop_mark(struct pickle_machine *machine, size_t *n)
{
    if (machine->n_marks == 0)
        return false;
    *n = reachable(machine);
    machine->n_marks--;
    return true;
}

/* The n uppermost values become a new one of this kind. */
enum lstm_status pickle_machine_gather(struct pickle_machine *machine, enum pickle_kind kind,
                                       size_t n, struct lstm_error *error)
{
    if (n > reachable(machine))
        return pickle_machine_fail(machine, error, "too few values on the stack");
    struct pickle_value *value = pickle_machine_value(machine, kind);
    if (value == NULL)
        return pickle_machine_fail_memory(machine, error);
    machine->stack.n -= n;
    for (size_t k = 0; k < n; k++) {
        enum lstm_status status = pickle_machine_append(
            machine, value, machine->stack.items[machine->stack.n + k], error);
        if (status != LSTM_OK)
            return status;
    }
    return pickle_machine_push(machine, value, error);
}

/* The n uppermost values become items of the container below them, if only of an opaque one. */
enum lstm_status pickle_machine_add_items(struct pickle_machine *machine, enum pickle_kind kind,
                                          size_t n, struct lstm_error *error)
{
    if (n >= reachable(machine))
        return pickle_machine_fail(machine, error, "there is no container for the items");
    struct pickle_value *container = machine->stack.items[machine->stack.n - n - 1];
    if ((container->kind != kind && !pickle_is_opaque(container)) ||
        (kind == PICKLE_DICT && n % 2 != 0))
        return pickle_machine_fail(machine, error, "these items are not for a value of that kind");
    machine->stack.n -= n;
    for (size_t k = 0; k < n; k++) {
        enum lstm_status status = pickle_machine_append(
            machine, container, machine->stack.items[machine->stack.n + k], error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

/* ---- What an instruction carries ------------------------------------------------------------ */

const unsigned char *pickle_machine_take(struct pickle_machine *machine, size_t n)
{
    if (n > machine->n - machine->at)
        return NULL;
    machine->at += n;
    return machine->bytes + machine->at - n;
}

/* A little-endian number of n <= 8 bytes. */
bool pickle_machine_take_number(struct pickle_machine *machine, size_t n, uint64_t *number)
{
    const unsigned char *bytes = pickle_machine_take(machine, n);
    *number = 0;
    for (size_t k = n; bytes != NULL && k-- > 0;)
        *number = *number << 8 | bytes[k];
    return bytes != NULL;
}

/* As many bytes as a number of `width` bytes in front of them says. */
const unsigned char *pickle_machine_take_counted(struct pickle_machine *machine, size_t width,
                                                 size_t *n)
{
    uint64_t count;
    if (!pickle_machine_take_number(machine, width, &count) || count > machine->n - machine->at)
        return NULL;
    *n = (size_t)count;
    return pickle_machine_take(machine, *n);
}

/* Up to a line feed, which is taken and left out. */
const char *pickle_machine_take_line(struct pickle_machine *machine)
{
    const unsigned char *begin = machine->bytes + machine->at;
    const unsigned char *end = memchr(begin, '\n', machine->n - machine->at);
    if (end == NULL)
        return NULL;
    machine->at += (size_t)(end - begin) + 1;
    return import_text(machine->source, (const char *)begin, (size_t)(end - begin));
}
