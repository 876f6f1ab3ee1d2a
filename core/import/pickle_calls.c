/* pickle_calls.c: the names in a pickle, and what calling them makes. Nothing is called.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/pickle_machine.h"
#include "core/status.h"

/* ---- Names ------------------------------------------------------------------------------------
 */

static void note_foreign(struct pickle_foreign *foreign, const struct pickle_global *name)
{
    for (size_t k = 0; k < foreign->n; k++)
        if (strcmp(foreign->names[k]->module, name->module) == 0 &&
            strcmp(foreign->names[k]->name, name->name) == 0)
            return;
    if (foreign->n == PICKLE_MAX_FOREIGN)
        foreign->has_more = true;
    else
        foreign->names[foreign->n++] = name;
}

/* The row of the name; one of its own if it is foreign. NULL: no memory. */
static const struct pickle_global *find_global(struct pickle_machine *machine, const char *module,
                                               const char *name)
{
    for (const struct pickle_global *row = machine->allowed; row->module != NULL; row++)
        if (strcmp(row->module, module) == 0 && strcmp(row->name, name) == 0)
            return row;
    struct pickle_global *foreign = import_allocate(machine->source, sizeof *foreign);
    if (foreign == NULL)
        return NULL;
    *foreign = (struct pickle_global){module, name, PICKLE_FOREIGN};
    note_foreign(&machine->foreign, foreign);
    return foreign;
}

static enum lstm_status push_global(struct pickle_machine *machine, const char *module,
                                    const char *name, struct lstm_error *error)
{
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_GLOBAL);
    if (value != NULL)
        value->global = find_global(machine, module, name);
    return pickle_machine_push(machine, value == NULL || value->global == NULL ? NULL : value,
                               error);
}

enum lstm_status pickle_run_global(struct pickle_machine *machine, size_t argument,
                                   struct lstm_error *error)
{
    (void)argument;
    const char *module = pickle_machine_take_line(machine);
    const char *name = module == NULL ? NULL : pickle_machine_take_line(machine);
    if (name == NULL)
        return pickle_machine_fail(machine, error,
                                   "its name is cut short, or there is no memory for it");
    return push_global(machine, module, name, error);
}

enum lstm_status pickle_run_stack_global(struct pickle_machine *machine, size_t argument,
                                         struct lstm_error *error)
{
    (void)argument;
    const struct pickle_value *name = pickle_machine_pop(machine),
                              *module = pickle_machine_pop(machine);
    if (name == NULL || module == NULL || name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT)
        return pickle_machine_fail(machine, error, "a module and a name are expected on the stack");
    return push_global(machine, module->text, name->text, error);
}

/* A class whose program lies beside it, ("module", class, file, program), as torch.save() wrote
 * whole modules before PyTorch 1.6: the class alone. */
static struct pickle_value *class_in(const struct pickle_value *id)
{
    const bool is_class = id->kind == PICKLE_TUPLE && id->n >= 2 &&
                          pickle_is_text(id->items[0], "module") &&
                          id->items[1]->kind == PICKLE_GLOBAL;
    return is_class ? id->items[1] : NULL;
}

enum lstm_status pickle_run_reference(struct pickle_machine *machine, size_t argument,
                                      struct lstm_error *error)
{
    (void)argument;
    const struct pickle_value *id = pickle_machine_top(machine);
    struct pickle_value *class = id == NULL ? NULL : class_in(id);
    if (class != NULL) {
        (void)pickle_machine_pop(machine);
        return pickle_machine_push(machine, class, error);
    }
    enum lstm_status status = pickle_machine_gather(machine, PICKLE_REFERENCE, 1, error);
    return status != LSTM_OK ? status
                             : pickle_machine_append(machine, machine->references,
                                                     pickle_machine_top(machine), error);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

bool pickle_is_opaque(const struct pickle_value *value)
{
    return value->kind == PICKLE_CALL && value->items[0]->global->meaning == PICKLE_FOREIGN;
}

/* A container of the items of the call's first argument, if it has one. */
static enum lstm_status fill_from(struct pickle_machine *machine,
                                  const struct pickle_value *arguments,
                                  struct pickle_value *container, struct lstm_error *error)
{
    const struct pickle_value *from = arguments->n > 0 ? arguments->items[0] : NULL;
    enum lstm_status status = LSTM_OK;
    const bool is_sequence =
        from != NULL && (from->kind == PICKLE_LIST || from->kind == PICKLE_TUPLE);
    for (size_t k = 0; is_sequence && k < from->n && status == LSTM_OK; k++) {
        struct pickle_value *item = from->items[k];
        if (container->kind == PICKLE_LIST) {
            status = pickle_machine_append(machine, container, item, error);
            continue;
        }
        if ((item->kind != PICKLE_LIST && item->kind != PICKLE_TUPLE) || item->n != 2)
            return pickle_machine_fail(machine, error, "a dict is made of what are no pairs");
        status = pickle_machine_append(machine, container, item->items[0], error);
        if (status == LSTM_OK)
            status = pickle_machine_append(machine, container, item->items[1], error);
    }
    return status;
}

/* A PICKLE_CALL of the callee, a name or an opaque value, with what it is given. */
static enum lstm_status push_call(struct pickle_machine *machine, struct pickle_value *callee,
                                  struct pickle_value *const *given, size_t n_given,
                                  struct lstm_error *error)
{
    struct pickle_value *value = pickle_machine_value(machine, PICKLE_CALL);
    if (value == NULL)
        return pickle_machine_fail_memory(machine, error);
    const bool is_name = callee->kind == PICKLE_GLOBAL;
    enum lstm_status status =
        pickle_machine_append(machine, value, is_name ? callee : callee->items[0], error);
    for (size_t k = 0; k < n_given && status == LSTM_OK; k++)
        status = pickle_machine_append(machine, value, given[k], error);
    if (status == LSTM_OK && !is_name)
        status = pickle_machine_append(machine, value, callee, error);
    return status != LSTM_OK ? status : pickle_machine_push(machine, value, error);
}

/* A list or a dict of the call's first argument. */
static enum lstm_status push_container(struct pickle_machine *machine, enum pickle_kind kind,
                                       const struct pickle_value *arguments,
                                       struct lstm_error *error)
{
    struct pickle_value *value = pickle_machine_value(machine, kind);
    if (value == NULL)
        return pickle_machine_fail_memory(machine, error);
    const enum lstm_status status = fill_from(machine, arguments, value, error);
    return status != LSTM_OK ? status : pickle_machine_push(machine, value, error);
}

/* The call of a name gives what its row says. */
enum lstm_status pickle_run_call(struct pickle_machine *machine, size_t argument,
                                 struct lstm_error *error)
{
    struct pickle_value *const keywords = argument == 3 ? pickle_machine_pop(machine) : NULL;
    struct pickle_value *const arguments = pickle_machine_pop(machine);
    struct pickle_value *const callee = pickle_machine_pop(machine);
    if (callee == NULL || arguments->kind != PICKLE_TUPLE ||
        (callee->kind != PICKLE_GLOBAL && !pickle_is_opaque(callee)))
        return pickle_machine_fail(machine, error,
                                   "a name and its arguments are expected on the stack");
    const enum pickle_meaning meaning =
        callee->kind == PICKLE_GLOBAL ? callee->global->meaning : PICKLE_FOREIGN;
    if (meaning == PICKLE_FOREIGN || meaning == PICKLE_KEPT)
        return push_call(machine, callee, (struct pickle_value *const[]){arguments, keywords},
                         keywords != NULL ? 2 : 1, error);
    if (meaning == PICKLE_NO_CALL || keywords != NULL ||
        (meaning == PICKLE_MAKES_FIRST && arguments->n == 0))
        return pickle_machine_fail(machine, error, "a name is called that cannot be called so");
    if (meaning == PICKLE_MAKES_FIRST)
        return pickle_machine_push(machine, arguments->items[0], error);
    return push_container(machine, meaning == PICKLE_MAKES_LIST ? PICKLE_LIST : PICKLE_DICT,
                          arguments, error);
}

/* Attributes that an object gets. Those of a call are kept with it; those of a dict are no part of
 * it. */
enum lstm_status pickle_run_build(struct pickle_machine *machine, size_t argument,
                                  struct lstm_error *error)
{
    (void)argument;
    struct pickle_value *const state = pickle_machine_pop(machine);
    struct pickle_value *const object = pickle_machine_top(machine);
    if (state == NULL || object == NULL)
        return pickle_machine_fail(machine, error, "there is no object for the attributes");
    return object->kind == PICKLE_CALL ? pickle_machine_append(machine, object, state, error)
                                       : LSTM_OK;
}
