/* pickle.c: the instructions of pickle.h, protocols 2 to 5. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/pickle.h"

#include <string.h>

#include "core/import/pickle_machine.h"
#include "core/status.h"

enum { MAX_PROTOCOL = 5, MAX_MEMO = 1 << 20 };

/* ---- Instructions: `argument` is the row's in the table below ---------------------------------
 */

static enum lstm_status run_protocol(struct pickle_machine *machine, size_t argument,
                                     struct lstm_error *error)
{
    uint64_t protocol;
    if (!pickle_machine_take_number(machine, argument, &protocol))
        return pickle_machine_fail(machine, error, "it is cut short");
    if (protocol > MAX_PROTOCOL)
        return pickle_machine_fail(machine, error, "its protocol is newer than 5");
    return LSTM_OK;
}

static enum lstm_status run_frame(struct pickle_machine *machine, size_t argument,
                                  struct lstm_error *error)
{
    return pickle_machine_take(machine, argument) == NULL
               ? pickle_machine_fail(machine, error, "it is cut short")
               : LSTM_OK;
}

static enum lstm_status run_stop(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    (void)argument;
    machine->stopped = true;
    if (machine->n_marks > 0 || machine->stack.n != 1)
        return pickle_machine_fail(machine, error, "it ends with other than one value");
    return LSTM_OK;
}

static enum lstm_status run_empty(struct pickle_machine *machine, size_t argument,
                                  struct lstm_error *error)
{
    return pickle_machine_push(machine, pickle_machine_value(machine, (enum pickle_kind)argument),
                               error);
}

static enum lstm_status run_bool(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_BOOL);
    if (value != NULL)
        value->boolean = argument != 0;
    return pickle_machine_push(machine, value, error);
}

/* One or two bytes are unsigned; four are not. */
static enum lstm_status run_integer(struct pickle_machine *machine, size_t argument,
                                    struct lstm_error *error)
{
    uint64_t number;
    if (!pickle_machine_take_number(machine, argument, &number))
        return pickle_machine_fail(machine, error, "it is cut short");
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_INTEGER);
    if (value != NULL)
        value->integer = argument == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return pickle_machine_push(machine, value, error);
}

static enum lstm_status run_long(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    size_t n;
    const unsigned char *bytes = pickle_machine_take_counted(machine, argument, &n);
    if (bytes == NULL)
        return pickle_machine_fail(machine, error, "its integer is cut short");
    struct pickle_value *value =
        pickle_machine_value(machine, n > 8 ? PICKLE_LONG : PICKLE_INTEGER);
    if (value != NULL && n <= 8) {
        uint64_t number = n > 0 && bytes[n - 1] >= 0x80 ? UINT64_MAX : 0;
        for (size_t k = n; k-- > 0;)
            number = number << 8 | bytes[k];
        value->integer = (int64_t)number;
    }
    return pickle_machine_push(machine, value, error);
}

static enum lstm_status run_real(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    const unsigned char *bytes = pickle_machine_take(machine, argument);
    if (bytes == NULL)
        return pickle_machine_fail(machine, error, "it is cut short");
    uint64_t bits = 0;
    for (size_t k = 0; k < argument; k++)
        bits = bits << 8 | bytes[k];
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_REAL);
    if (value != NULL)
        memcpy(&value->real, &bits, sizeof bits);
    return pickle_machine_push(machine, value, error);
}

static enum lstm_status run_text(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    size_t n;
    const unsigned char *bytes = pickle_machine_take_counted(machine, argument, &n);
    if (bytes == NULL)
        return pickle_machine_fail(machine, error, "its text is cut short");
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_TEXT);
    if (value != NULL) {
        value->text = import_text(machine->source, (const char *)bytes, n);
        value->n_text = n;
    }
    return pickle_machine_push(machine, value == NULL || value->text == NULL ? NULL : value, error);
}

static enum lstm_status run_mark(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    (void)argument;
    if (machine->n_marks == PICKLE_MAX_MARKS)
        return pickle_machine_fail(machine, error, "its values are nested too deeply");
    machine->marks[machine->n_marks++] = machine->stack.n;
    return LSTM_OK;
}

static enum lstm_status run_tuple(struct pickle_machine *machine, size_t argument,
                                  struct lstm_error *error)
{
    return pickle_machine_gather(machine, PICKLE_TUPLE, argument, error);
}

static enum lstm_status run_marked_tuple(struct pickle_machine *machine, size_t argument,
                                         struct lstm_error *error)
{
    size_t n;
    return pickle_machine_pop_mark(machine, &n)
               ? pickle_machine_gather(machine, (enum pickle_kind)argument, n, error)
               : pickle_machine_fail(machine, error, "there is no mark");
}

static enum lstm_status run_item(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    return pickle_machine_add_items(machine, (enum pickle_kind)argument,
                                    argument == PICKLE_DICT ? 2 : 1, error);
}

static enum lstm_status run_marked_items(struct pickle_machine *machine, size_t argument,
                                         struct lstm_error *error)
{
    size_t n;
    return pickle_machine_pop_mark(machine, &n)
               ? pickle_machine_add_items(machine, (enum pickle_kind)argument, n, error)
               : pickle_machine_fail(machine, error, "there is no mark");
}

static enum lstm_status remember(struct pickle_machine *machine, uint64_t index,
                                 struct lstm_error *error)
{
    struct pickle_value *value = pickle_machine_top(machine);
    if (value == NULL || index >= MAX_MEMO)
        return pickle_machine_fail(machine, error, "there is nothing to remember, or too much");
    while (machine->memo.n <= index) {
        enum lstm_status status = pickle_machine_append(machine, &machine->memo, NULL, error);
        if (status != LSTM_OK)
            return status;
    }
    machine->memo.items[index] = value;
    return LSTM_OK;
}

static enum lstm_status run_put(struct pickle_machine *machine, size_t argument,
                                struct lstm_error *error)
{
    uint64_t index;
    return pickle_machine_take_number(machine, argument, &index)
               ? remember(machine, index, error)
               : pickle_machine_fail(machine, error, "it is cut short");
}

static enum lstm_status run_memoize(struct pickle_machine *machine, size_t argument,
                                    struct lstm_error *error)
{
    (void)argument;
    return remember(machine, machine->memo.n, error);
}

static enum lstm_status run_get(struct pickle_machine *machine, size_t argument,
                                struct lstm_error *error)
{
    uint64_t index;
    if (!pickle_machine_take_number(machine, argument, &index))
        return pickle_machine_fail(machine, error, "it is cut short");
    if (index >= machine->memo.n || machine->memo.items[index] == NULL)
        return pickle_machine_fail(machine, error, "it asks for what it did not remember");
    return pickle_machine_push(machine, machine->memo.items[index], error);
}

/* By the byte of the instruction, with the names of pickletools.py. */
static const struct instruction {
    enum lstm_status (*run)(struct pickle_machine *machine, size_t argument,
                            struct lstm_error *error);
    size_t argument;
} instructions[256] = {
    ['('] = {run_mark, 0},                    /* MARK */
    [')'] = {run_empty, PICKLE_TUPLE},        /* EMPTY_TUPLE */
    ['.'] = {run_stop, 0},                    /* STOP */
    ['B'] = {run_text, 4},                    /* BINBYTES */
    ['C'] = {run_text, 1},                    /* SHORT_BINBYTES */
    ['G'] = {run_real, 8},                    /* BINFLOAT */
    ['J'] = {run_integer, 4},                 /* BININT */
    ['K'] = {run_integer, 1},                 /* BININT1 */
    ['M'] = {run_integer, 2},                 /* BININT2 */
    ['N'] = {run_empty, PICKLE_NONE},         /* NONE */
    ['Q'] = {pickle_run_reference, 0},        /* BINPERSID */
    ['R'] = {pickle_run_call, 2},             /* REDUCE */
    ['T'] = {run_text, 4},                    /* BINSTRING */
    ['U'] = {run_text, 1},                    /* SHORT_BINSTRING */
    ['X'] = {run_text, 4},                    /* BINUNICODE */
    [']'] = {run_empty, PICKLE_LIST},         /* EMPTY_LIST */
    ['a'] = {run_item, PICKLE_LIST},          /* APPEND */
    ['b'] = {pickle_run_build, 0},            /* BUILD */
    ['c'] = {pickle_run_global, 0},           /* GLOBAL */
    ['e'] = {run_marked_items, PICKLE_LIST},  /* APPENDS */
    ['h'] = {run_get, 1},                     /* BINGET */
    ['j'] = {run_get, 4},                     /* LONG_BINGET */
    ['q'] = {run_put, 1},                     /* BINPUT */
    ['r'] = {run_put, 4},                     /* LONG_BINPUT */
    ['s'] = {run_item, PICKLE_DICT},          /* SETITEM */
    ['t'] = {run_marked_tuple, PICKLE_TUPLE}, /* TUPLE */
    ['u'] = {run_marked_items, PICKLE_DICT},  /* SETITEMS */
    ['}'] = {run_empty, PICKLE_DICT},         /* EMPTY_DICT */
    [0x80] = {run_protocol, 1},               /* PROTO */
    [0x81] = {pickle_run_call, 2},            /* NEWOBJ */
    [0x85] = {run_tuple, 1},                  /* TUPLE1 */
    [0x86] = {run_tuple, 2},                  /* TUPLE2 */
    [0x87] = {run_tuple, 3},                  /* TUPLE3 */
    [0x88] = {run_bool, 1},                   /* NEWTRUE */
    [0x89] = {run_bool, 0},                   /* NEWFALSE */
    [0x8a] = {run_long, 1},                   /* LONG1 */
    [0x8b] = {run_long, 4},                   /* LONG4 */
    [0x8c] = {run_text, 1},                   /* SHORT_BINUNICODE */
    [0x8d] = {run_text, 8},                   /* BINUNICODE8 */
    [0x8e] = {run_text, 8},                   /* BINBYTES8 */
    [0x8f] = {run_empty, PICKLE_LIST},        /* EMPTY_SET */
    [0x90] = {run_marked_items, PICKLE_LIST}, /* ADDITEMS */
    [0x91] = {run_marked_tuple, PICKLE_LIST}, /* FROZENSET */
    [0x92] = {pickle_run_call, 3},            /* NEWOBJ_EX */
    [0x93] = {pickle_run_stack_global, 0},    /* STACK_GLOBAL */
    [0x94] = {run_memoize, 0},                /* MEMOIZE */
    [0x95] = {run_frame, 8},                  /* FRAME */
    [0x96] = {run_text, 8},                   /* BYTEARRAY8 */
};

enum lstm_status pickle_read(struct import_source *source, const struct pickle_global *allowed,
                             const unsigned char *bytes, size_t n, struct pickle *pickle,
                             struct lstm_error *error)
{
    struct pickle_machine machine = {.source = source, .allowed = allowed, .bytes = bytes, .n = n};
    *pickle = (struct pickle){0};
    machine.references = pickle_machine_value(&machine, PICKLE_LIST);
    if (machine.references == NULL)
        return pickle_machine_fail_memory(&machine, error);
    while (!machine.stopped) {
        machine.instruction = machine.at;
        const unsigned char *code = pickle_machine_take(&machine, 1);
        if (code == NULL)
            return pickle_machine_fail(&machine, error, "it ends without a STOP; the file is cut");
        const struct instruction *instruction = &instructions[*code];
        if (instruction->run == NULL)
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "pickle, byte %zu: instruction 0x%02x is none that weights need; save "
                             "them with torch.save(model.state_dict(), path)",
                             machine.instruction, *code);
        enum lstm_status status = instruction->run(&machine, instruction->argument, error);
        if (status != LSTM_OK)
            return status;
    }
    *pickle = (struct pickle){.n_bytes = machine.at,
                              .value = machine.stack.items[0],
                              .references = machine.references,
                              .foreign = machine.foreign};
    return LSTM_OK;
}

bool pickle_is_text(const struct pickle_value *value, const char *text)
{
    return value->kind == PICKLE_TEXT && value->n_text == strlen(text) &&
           memcmp(value->text, text, value->n_text) == 0;
}

const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
    for (size_t k = dict->kind == PICKLE_DICT ? dict->n : 0; k >= 2; k -= 2)
        if (pickle_is_text(dict->items[k - 2], key))
            return dict->items[k - 1];
    return NULL;
}
