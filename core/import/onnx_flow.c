/* onnx_flow.c: moves, groups, picks and joins the axes of what runs through the network.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/onnx_flow.h"

#include <assert.h>
#include <string.h>

#include "core/memory.h"

void onnx_flow_add(struct onnx_flow *flow, unsigned id, size_t axis, size_t size)
{
    assert(flow->n_atoms < ONNX_MAX_ATOMS);
    flow->atoms[flow->n_atoms++] = (struct onnx_atom){id, axis, size};
}

size_t onnx_flow_n_parts(const struct onnx_flow *flow)
{
    return flow->merge != NULL ? 2 : flow->n_parts;
}

size_t onnx_flow_axis(const struct onnx_flow *flow, size_t axis, size_t *first)
{
    size_t n = 0;
    *first = flow->n_atoms;
    for (size_t i = 0; i < flow->n_atoms; i++) {
        if (flow->atoms[i].axis != axis)
            continue;
        if (n++ == 0)
            *first = i;
    }
    return n;
}

bool onnx_flow_size(const struct onnx_flow *flow, size_t axis, size_t *size)
{
    size_t first, product = 1;
    const size_t n = onnx_flow_axis(flow, axis, &first);
    for (size_t i = first; i < first + n; i++)
        if (flow->atoms[i].size == 0 || !memory_multiply(product, flow->atoms[i].size, &product))
            return false;
    *size = product;
    return true;
}

bool onnx_flow_is_features(const struct onnx_flow *flow, size_t axis)
{
    size_t first;
    const size_t n = onnx_flow_axis(flow, axis, &first);
    if (flow->parts[0].layer == 0)
        return true;
    if (flow->n_parts == 1)
        return n == 1 && flow->atoms[first].id == ONNX_UNITS;
    return n == 2 && flow->atoms[first].id == ONNX_PARTS && flow->atoms[first + 1].id == ONNX_UNITS;
}

bool onnx_flow_transpose(struct onnx_flow *flow, const size_t *permutation)
{
    const struct onnx_flow old = *flow;
    flow->n_atoms = 0;
    for (size_t axis = 0; axis < old.rank; axis++)
        for (size_t i = 0; i < old.n_atoms; i++)
            if (old.atoms[i].axis == permutation[axis])
                onnx_flow_add(flow, old.atoms[i].id, axis, old.atoms[i].size);
    return true;
}

bool onnx_flow_squeeze(struct onnx_flow *flow, const bool *axes)
{
    const struct onnx_flow old = *flow;
    size_t to = 0;
    flow->n_atoms = 0;
    for (size_t axis = 0; axis < old.rank; axis++) {
        for (size_t i = 0; i < old.n_atoms; i++) {
            if (old.atoms[i].axis != axis)
                continue;
            if (axes[axis] && old.atoms[i].size != 1)
                return false;
            if (!axes[axis])
                onnx_flow_add(flow, old.atoms[i].id, to, old.atoms[i].size);
        }
        to += axes[axis] ? 0 : 1;
    }
    flow->rank = to;
    return true;
}

bool onnx_flow_unsqueeze(struct onnx_flow *flow, const bool *axes, size_t rank)
{
    size_t from = 0;
    struct onnx_flow old = *flow;
    for (size_t axis = 0; axis < rank; axis++) {
        if (axes[axis])
            continue;
        for (size_t i = 0; i < old.n_atoms; i++)
            if (old.atoms[i].axis == from)
                flow->atoms[i].axis = axis;
        from++;
    }
    flow->rank = rank;
    return from == old.rank;
}

/* The two ends of the atoms that Reshape has not yet given an axis. */
struct regroup {
    struct onnx_flow *flow;
    const struct onnx_flow *old;
    size_t begin, end;
};

/* How many of the atoms from one end make up one length; SIZE_MAX if none do. step: 1 from the
 * front, -1 from the back. Atoms of one element belong anywhere and are passed over. */
static size_t match_length(const struct regroup *regroup, const struct onnx_size *length, bool back)
{
    const struct onnx_flow *old = regroup->old;
    uint64_t product = 1;
    for (size_t n = 0; regroup->begin + n <= regroup->end; n++) {
        const bool number = length->atom == ONNX_NO_ATOM;
        if (number && length->known && product == (uint64_t)length->number)
            return n;
        if (regroup->begin + n == regroup->end)
            break;
        const struct onnx_atom *atom =
            &old->atoms[back ? regroup->end - 1 - n : regroup->begin + n];
        if (!number && atom->id == length->atom)
            return n + 1;
        if ((!number && atom->size != 1) || atom->size == 0 || atom->size > UINT32_MAX)
            break;
        product *= atom->size;
        if (product > UINT32_MAX)
            break;
    }
    return SIZE_MAX;
}

/* Atoms of the old axis of the same number: what a length of 0 stands for. */
static size_t match_same(const struct regroup *regroup, size_t axis, bool back)
{
    size_t first;
    const size_t n = onnx_flow_axis(regroup->old, axis, &first);
    if (axis >= regroup->old->rank)
        return SIZE_MAX;
    if (n == 0)
        return 0;
    return (back ? first + n == regroup->end : first == regroup->begin) ? n : SIZE_MAX;
}

static void assign(const struct regroup *regroup, size_t from, size_t n, size_t axis)
{
    for (size_t i = from; i < from + n; i++)
        regroup->flow->atoms[i].axis = axis;
}

static bool is_rest(const struct onnx_size *length)
{
    return length->atom == ONNX_NO_ATOM && length->known && length->number == -1;
}

static bool take(struct regroup *regroup, const struct onnx_sizes *shape, size_t axis, bool back,
                 bool zero_is_zero)
{
    const struct onnx_size *length = &shape->at[axis];
    const bool same =
        length->atom == ONNX_NO_ATOM && length->known && length->number == 0 && !zero_is_zero;
    const size_t n = same ? match_same(regroup, axis, back) : match_length(regroup, length, back);
    if (n == SIZE_MAX)
        return false;
    if (back)
        regroup->end -= n;
    assign(regroup, back ? regroup->end : regroup->begin, n, axis);
    if (!back)
        regroup->begin += n;
    return true;
}

bool onnx_flow_reshape(struct onnx_flow *flow, const struct onnx_sizes *shape, bool zero_is_zero)
{
    const struct onnx_flow old = *flow;
    struct regroup regroup = {flow, &old, 0, old.n_atoms};
    size_t front = 0, back = shape->n;
    while (front < back && !is_rest(&shape->at[front]))
        if (!take(&regroup, shape, front++, false, zero_is_zero))
            return false;
    while (front + 1 < back)
        if (is_rest(&shape->at[--back]) || !take(&regroup, shape, back, true, zero_is_zero))
            return false;
    flow->rank = shape->n;
    if (front < back) {
        assign(&regroup, regroup.begin, regroup.end - regroup.begin, front);
        return true;
    }
    /* No -1: whatever is left has one element each and goes to the last axis. */
    for (size_t i = regroup.begin; i < regroup.end; i++)
        if (old.atoms[i].size != 1)
            return false;
    assign(&regroup, regroup.begin, regroup.end - regroup.begin, shape->n > 0 ? shape->n - 1 : 0);
    return shape->n > 0;
}

static void remove_atom(struct onnx_flow *flow, size_t i)
{
    memmove(&flow->atoms[i], &flow->atoms[i + 1], (flow->n_atoms - i - 1) * sizeof *flow->atoms);
    flow->n_atoms--;
}

static void keep_parts(struct onnx_flow *flow, size_t atom, size_t begin, size_t n)
{
    memmove(flow->parts, flow->parts + begin, n * sizeof *flow->parts);
    flow->n_parts = n;
    flow->atoms[atom].size = n;
    if (n == 1)
        remove_atom(flow, atom);
}

static void drop_axis(struct onnx_flow *flow, size_t axis)
{
    for (size_t i = 0; i < flow->n_atoms; i++)
        flow->atoms[i].axis -= flow->atoms[i].axis > axis ? 1 : 0;
    flow->rank--;
}

/* One step of a layer's whole output. */
static bool pick_step(struct onnx_flow *flow, size_t atom, int64_t index)
{
    const size_t steps = flow->atoms[atom].size;
    const bool last = index == -1 || (steps > 0 && index == (int64_t)steps - 1);
    if (flow->parts[0].layer == 0 || (!last && index != 0))
        return false;
    for (size_t i = 0; i < onnx_flow_n_parts(flow); i++)
        flow->parts[i].when = last ? ONNX_LAST_STEP : ONNX_FIRST_STEP;
    remove_atom(flow, atom);
    return true;
}

bool onnx_flow_pick(struct onnx_flow *flow, size_t axis, int64_t index, unsigned time)
{
    size_t first;
    const size_t n = onnx_flow_axis(flow, axis, &first);
    if (n == 0) {
        if (index != 0 && index != -1)
            return false;
    } else if (n == 1 && flow->atoms[first].id == ONNX_PARTS) {
        index += index < 0 ? (int64_t)flow->n_parts : 0;
        if (index < 0 || (size_t)index >= flow->n_parts)
            return false;
        keep_parts(flow, first, (size_t)index, 1);
    } else if (n == 1 && flow->atoms[first].id == time) {
        if (!pick_step(flow, first, index))
            return false;
    } else if (n == 1 && flow->atoms[first].size == 1 && (index == 0 || index == -1)) {
        remove_atom(flow, first);
    } else {
        return false;
    }
    drop_axis(flow, axis);
    return true;
}

bool onnx_flow_reduce(struct onnx_flow *flow, size_t axis, enum onnx_when when, bool keeps_axis,
                      unsigned time)
{
    size_t first;
    if (onnx_flow_axis(flow, axis, &first) != 1 || flow->atoms[first].id != time ||
        flow->parts[0].layer == 0)
        return false;
    for (size_t i = 0; i < onnx_flow_n_parts(flow); i++)
        flow->parts[i].when = when;
    remove_atom(flow, first);
    if (!keeps_axis)
        drop_axis(flow, axis);
    return true;
}

static int64_t clamp(int64_t index, size_t size)
{
    if (index < 0)
        index = index < -(int64_t)size ? 0 : index + (int64_t)size;
    return index > (int64_t)size ? (int64_t)size : index;
}

/* A range of directions: of an axis of them, or of one that goes on with the units of each. */
static bool slice_parts(struct onnx_flow *flow, size_t first, size_t units, size_t begin,
                        size_t end)
{
    if (begin % units != 0 || end % units != 0 || begin >= end)
        return false;
    keep_parts(flow, first, begin / units, (end - begin) / units);
    return true;
}

bool onnx_flow_slice(struct onnx_flow *flow, size_t axis, int64_t begin, int64_t end, unsigned time)
{
    size_t first, size;
    const size_t n = onnx_flow_axis(flow, axis, &first);
    const bool known = onnx_flow_size(flow, axis, &size);
    if (begin == 0 && end >= INT32_MAX)
        return true;
    if (n == 1 && flow->atoms[first].id == time) {
        const bool last = begin == -1 && (end >= INT32_MAX || (known && end == (int64_t)size));
        if (last || (begin == 0 && end == 1))
            return pick_step(flow, first, last ? -1 : 0);
    }
    if (!known || size > UINT32_MAX)
        return false;
    begin = clamp(begin, size);
    end = clamp(end, size);
    if (begin == 0 && end == (int64_t)size)
        return true;
    if (n == 1 && flow->atoms[first].id == ONNX_PARTS)
        return slice_parts(flow, first, 1, (size_t)begin, (size_t)end);
    if (n == 2 && flow->parts[0].layer > 0 && onnx_flow_is_features(flow, axis))
        return slice_parts(flow, first, flow->atoms[first + 1].size, (size_t)begin, (size_t)end);
    if (n == 1 && flow->atoms[first].id == time && known && begin == (int64_t)size - 1)
        return pick_step(flow, first, -1);
    return false;
}

/* The flow without its atom of parts, which must lie on axis; false if it lies elsewhere, or the
 * axis holds more than parts and units. */
static bool without_parts(const struct onnx_flow *flow, size_t axis, struct onnx_flow *rest)
{
    size_t first;
    *rest = *flow;
    if (flow->n_parts > 1) {
        const size_t n = onnx_flow_axis(flow, axis, &first);
        if (n == 0 || flow->atoms[first].id != ONNX_PARTS)
            return false;
        remove_atom(rest, first);
    }
    const size_t n = onnx_flow_axis(rest, axis, &first);
    return flow->parts[0].layer > 0 && (n == 0 || (n == 1 && rest->atoms[first].id == ONNX_UNITS));
}

static bool same_atoms(const struct onnx_flow *a, const struct onnx_flow *b)
{
    if (a->rank != b->rank || a->n_atoms != b->n_atoms)
        return false;
    for (size_t i = 0; i < a->n_atoms; i++)
        if (a->atoms[i].id != b->atoms[i].id || a->atoms[i].axis != b->atoms[i].axis ||
            a->atoms[i].size != b->atoms[i].size)
            return false;
    return true;
}

bool onnx_flow_concat(struct onnx_flow *flow, const struct onnx_flow *next, size_t axis)
{
    struct onnx_flow left, right;
    size_t at = 0;
    if (!without_parts(flow, axis, &left) || !without_parts(next, axis, &right) ||
        !same_atoms(&left, &right) || flow->n_parts + next->n_parts > ONNX_MAX_PARTS ||
        left.n_atoms == ONNX_MAX_ATOMS || flow->merge != NULL || next->merge != NULL)
        return false;
    memcpy(left.parts + left.n_parts, next->parts, next->n_parts * sizeof *next->parts);
    left.n_parts += next->n_parts;
    while (at < left.n_atoms && left.atoms[at].axis < axis)
        at++;
    memmove(&left.atoms[at + 1], &left.atoms[at], (left.n_atoms - at) * sizeof *left.atoms);
    left.n_atoms++;
    left.atoms[at] = (struct onnx_atom){ONNX_PARTS, axis, left.n_parts};
    *flow = left;
    return true;
}

bool onnx_flow_merge(struct onnx_flow *flow, const struct onnx_flow *next, const char *mode)
{
    if (!same_atoms(flow, next) || flow->n_parts != 1 || next->n_parts != 1 ||
        flow->merge != NULL || next->merge != NULL || flow->parts[0].layer == 0 ||
        flow->parts[0].layer != next->parts[0].layer)
        return false;
    /* What was reduced first is not what is merged first and reduced then. */
    const enum onnx_when when = flow->parts[0].when;
    if (when == ONNX_MAX_OF_STEPS || (when == ONNX_MEAN_OF_STEPS && strcmp(mode, "mul") == 0))
        return false;
    /* Added up in either order. */
    const bool swapped = flow->parts[0].reads == ONNX_BACKWARD;
    flow->parts[1] = swapped ? flow->parts[0] : next->parts[0];
    flow->parts[0] = swapped ? next->parts[0] : flow->parts[0];
    flow->merge = mode;
    return flow->parts[0].reads == ONNX_FORWARD && flow->parts[1].reads == ONNX_BACKWARD;
}

bool onnx_flow_same(const struct onnx_flow *a, const struct onnx_flow *b)
{
    if (!same_atoms(a, b) || a->input != b->input || a->merge != b->merge ||
        a->n_parts != b->n_parts)
        return false;
    for (size_t i = 0; i < onnx_flow_n_parts(a); i++)
        if (a->parts[i].layer != b->parts[i].layer || a->parts[i].stage != b->parts[i].stage ||
            a->parts[i].reads != b->parts[i].reads || a->parts[i].when != b->parts[i].when)
            return false;
    return true;
}

void onnx_flow_shape(const struct onnx_flow *flow, struct onnx_sizes *shape)
{
    *shape = (struct onnx_sizes){.n = flow->rank};
    for (size_t axis = 0; axis < flow->rank && axis < ONNX_MAX_SIZES; axis++) {
        size_t first, size;
        const size_t n = onnx_flow_axis(flow, axis, &first);
        struct onnx_size *length = &shape->at[axis];
        *length = (struct onnx_size){.atom = ONNX_NO_ATOM};
        if (onnx_flow_size(flow, axis, &size) && size <= UINT32_MAX) {
            length->known = true;
            length->number = (int64_t)size;
        } else if (n == 1) {
            length->atom = flow->atoms[first].id;
        }
    }
}
