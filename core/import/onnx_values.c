/* onnx_values.c: the values of a graph by name. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/onnx_run.h"
#include "core/import/onnx_tensor.h"
#include "core/status.h"

/* Open addressing. Names are borrowed from the graph. */
struct slot {
    const char *name; /* NULL: free */
    struct onnx_value value;
};

struct onnx_names {
    size_t n, room; /* room: a power of two, at least twice n */
    struct slot *slots;
};

static const struct onnx_value absent = {.kind = ONNX_UNKNOWN, .why = "it is absent"};

/* FNV-1a (Fowler, Noll, Vo; isthe.com/chongo/tech/comp/fnv). */
static uint64_t hash(const char *name)
{
    uint64_t value = 0xcbf29ce484222325U;
    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char)*name) * 0x100000001b3U;
    return value ^ value >> 32;
}

static struct slot *find(const struct onnx_names *names, const char *name)
{
    size_t i = (size_t)hash(name) & (names->room - 1);
    while (names->slots[i].name != NULL && strcmp(names->slots[i].name, name) != 0)
        i = (i + 1) & (names->room - 1);
    return &names->slots[i];
}

static bool resize(struct onnx_run *run, size_t room)
{
    const struct onnx_names old = *run->names;
    run->names->slots = import_allocate(run->source, room * sizeof *old.slots);
    run->names->room = room;
    if (run->names->slots == NULL)
        return false;
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].name != NULL)
            *find(run->names, old.slots[i].name) = old.slots[i];
    return true;
}

bool onnx_values_init(struct onnx_run *run, size_t n)
{
    size_t room = 64;
    while (room < 2 * n)
        room *= 2;
    run->names = import_allocate(run->source, sizeof *run->names);
    return run->names != NULL && resize(run, room);
}

const struct onnx_value *onnx_values_find(const struct onnx_run *run, const char *name)
{
    const struct slot *slot = find(run->names, name);
    return slot->name != NULL ? &slot->value : NULL;
}

enum lstm_status onnx_values_set(struct onnx_run *run, const char *name,
                                 const struct onnx_value *value)
{
    const struct onnx_value copy = *value;
    if (2 * (run->names->n + 1) > run->names->room && !resize(run, 2 * run->names->room))
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's values");
    struct slot *slot = find(run->names, name);
    run->names->n += slot->name == NULL ? 1 : 0;
    *slot = (struct slot){name, copy};
    return LSTM_OK;
}

enum lstm_status onnx_set(struct onnx_run *run, const struct onnx_node *node, size_t k,
                          const struct onnx_value *value)
{
    if (k >= node->n_outputs || node->outputs[k][0] == '\0')
        return LSTM_OK;
    return onnx_values_set(run, node->outputs[k], value);
}

enum lstm_status onnx_set_array(struct onnx_run *run, const struct onnx_node *node, size_t k,
                                const struct import_array *array)
{
    return onnx_set(run, node, k, &(struct onnx_value){.kind = ONNX_CONSTANT, .array = *array});
}

enum lstm_status onnx_set_flow(struct onnx_run *run, const struct onnx_node *node, size_t k,
                               const struct onnx_flow *flow)
{
    struct onnx_flow *copy = import_allocate(run->source, sizeof *copy);
    if (copy == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's values");
    *copy = *flow;
    return onnx_set(run, node, k, &(struct onnx_value){.kind = ONNX_FLOW, .flow = copy});
}

enum lstm_status onnx_set_sizes(struct onnx_run *run, const struct onnx_node *node, size_t k,
                                const struct onnx_sizes *sizes)
{
    struct onnx_sizes *copy = import_allocate(run->source, sizeof *copy);
    if (copy == NULL)
        return lstm_fail(run->error, LSTM_NO_MEMORY, "out of memory for the graph's values");
    *copy = *sizes;
    return onnx_set(run, node, k, &(struct onnx_value){.kind = ONNX_SIZES, .sizes = copy});
}

enum lstm_status onnx_set_unknown(struct onnx_run *run, const struct onnx_node *node,
                                  const char *why)
{
    enum lstm_status status = LSTM_OK;
    const struct onnx_value value = {.kind = ONNX_UNKNOWN, .why = why, .node = node};
    for (size_t k = 0; k < node->n_outputs && status == LSTM_OK; k++)
        status = onnx_set(run, node, k, &value);
    return status;
}

enum lstm_status onnx_set_lost(struct onnx_run *run, const struct onnx_node *node, size_t k,
                               const struct onnx_value *of, const char *why)
{
    const bool was_lost = of->kind == ONNX_UNKNOWN && of->node != NULL;
    return onnx_set(run, node, k,
                    &(struct onnx_value){.kind = ONNX_UNKNOWN,
                                         .why = was_lost ? of->why : why,
                                         .node = was_lost ? of->node : node,
                                         .flow = of->flow});
}

const struct onnx_value *onnx_get(const struct onnx_run *run, const struct onnx_node *node,
                                  size_t k)
{
    const char *name = onnx_node_input(node, k);
    const struct onnx_value *value = name[0] != '\0' ? onnx_values_find(run, name) : NULL;
    return value != NULL ? value : &absent;
}

bool onnx_value_sizes(const struct onnx_value *value, struct onnx_sizes *sizes)
{
    if (value->kind == ONNX_SIZES) {
        *sizes = *value->sizes;
        return true;
    }
    if (value->kind != ONNX_CONSTANT || value->array.rank > 1 ||
        !onnx_array_is_integral(&value->array) || onnx_array_size(&value->array) > ONNX_MAX_SIZES)
        return false;
    *sizes =
        (struct onnx_sizes){.scalar = value->array.rank == 0, .n = onnx_array_size(&value->array)};
    for (size_t i = 0; i < sizes->n; i++)
        sizes->at[i] = (struct onnx_size){
            .number = onnx_array_int(&value->array, i), .atom = ONNX_NO_ATOM, .known = true};
    return true;
}

bool onnx_ints(const struct onnx_run *run, const struct onnx_node *node, const char *name, size_t k,
               struct onnx_sizes *ints, bool *given)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, name);
    *ints = (struct onnx_sizes){0};
    *given = attribute != NULL || onnx_node_input(node, k)[0] != '\0';
    if (!*given)
        return true;
    if (attribute == NULL) {
        if (!onnx_value_sizes(onnx_get(run, node, k), ints))
            return false;
        for (size_t i = 0; i < ints->n; i++)
            if (!ints->at[i].known)
                return false;
        return true;
    }
    if (attribute->n_ints > ONNX_MAX_SIZES)
        return false;
    ints->n = attribute->n_ints;
    for (size_t i = 0; i < ints->n; i++)
        ints->at[i] = (struct onnx_size){attribute->ints[i], ONNX_NO_ATOM, true};
    return true;
}

bool onnx_axis(int64_t number, size_t rank, size_t *axis)
{
    if (number < -(int64_t)rank || number >= (int64_t)rank)
        return false;
    *axis = (size_t)(number < 0 ? number + (int64_t)rank : number);
    return true;
}
