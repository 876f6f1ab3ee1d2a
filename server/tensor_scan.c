/* tensor_scan.c: one pass over a JSON text that lifts its numeric arrays out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An array is numeric if what follows its opening brackets is a number, or no value at all. From
 * there on it must be numeric throughout: [[1], "a"] is an error, not a list of two things.
 * Nothing recurs; the depth is counted. */
#include "server/tensor_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/number_scan.h"
#include "server/scan_error.h"

/* What the tensors' pointers point into, once no more is added. */
struct tensor_arena {
    struct buf values;                   /* float */
    struct buf lengths[TENSOR_MAX_RANK]; /* uint32_t, of all arrays at that level of a tensor */
    struct buf tensors;                  /* struct scanned_tensor */
};

struct scanner {
    const char *text, *p, *end;
    struct buf *rest;
    struct tensor_arena *arena;
    size_t n_tensors;
    size_t depth;        /* arrays and objects open around the tensor */
    size_t n_containers; /* arrays and objects in the rest, and tensors */
    const char *copied;  /* what lies before it is in the rest, or in a tensor */
    struct lstm_error *error;
};

/* A tensor while it is scanned. */
struct shape {
    size_t level;                   /* of the innermost open array */
    size_t rank;                    /* levels seen so far */
    bool has_leaf;                  /* a number was seen: rank is final */
    size_t counts[TENSOR_MAX_RANK]; /* elements so far of the open array of each level */
};

static void skip_space(struct scanner *s)
{
    s->p = number_skip_space(s->p, s->end);
}

static enum lstm_status fail_memory(const struct scanner *s)
{
    return lstm_fail(s->error, LSTM_NO_MEMORY, "out of memory for a body of %zu bytes",
                     (size_t)(s->end - s->text));
}

/* Where a message is to point. */
static struct scan_place here(const struct scanner *s)
{
    return (struct scan_place){s->text, s->p, s->end};
}

static enum lstm_status fail_expected(const struct scanner *s, const char *expected)
{
    const struct scan_place place = here(s);
    return scan_fail_expected(&place, expected, s->error);
}

static enum lstm_status fail_depth(const struct scanner *s, const char *what, int limit)
{
    const struct scan_place place = here(s);
    return scan_fail_depth(&place, what, limit, s->error);
}

static enum lstm_status fail_rest(const struct scanner *s)
{
    return lstm_fail(s->error, LSTM_INVALID,
                     "the body: expected at most %d bytes beside its arrays of numbers, found more",
                     SCAN_MAX_REST);
}

/* Copies what was passed since the last copy to the rest. */
static enum lstm_status append_passed(struct scanner *s)
{
    const size_t n = (size_t)(s->p - s->copied);
    if (n > SCAN_MAX_REST - s->rest->n)
        return fail_rest(s);
    buf_append(s->rest, s->copied, n);
    s->copied = s->p;
    return s->rest->failed ? fail_memory(s) : LSTM_OK;
}

/* Before an array or object of the rest, or a tensor. */
static enum lstm_status count_container(struct scanner *s)
{
    if (s->n_containers++ == SCAN_MAX_CONTAINERS)
        return lstm_fail(s->error, LSTM_INVALID,
                         "the body: expected at most %d arrays and objects around its numbers, "
                         "found more",
                         SCAN_MAX_CONTAINERS);
    /* Blanks between brackets are looked through again for each bracket. */
    return (size_t)(s->p - s->copied) > SCAN_MAX_REST - s->rest->n ? fail_rest(s) : LSTM_OK;
}

/* At a number: reads it and all that follow it in its array. There is room for all (scan_tensor).
 */
static enum lstm_status scan_numbers(struct scanner *s, size_t *count)
{
    struct buf *const values = &s->arena->values;
    float *const out = (float *)(void *)(values->data + values->n);
    size_t n;
    const enum number_stop stop =
        number_scan_run(&s->p, s->end, out, (values->room - values->n) / sizeof *out, &n);
    values->n += n * sizeof *out;
    *count += n;
    if (stop == NUMBER_STOP_END)
        return LSTM_OK;
    if (stop == NUMBER_STOP_NOT_NUMBER)
        return fail_expected(s, "a number");
    const struct scan_place place = here(s);
    return scan_fail_number(&place, stop, s->error);
}

/* At the '[' of an array of the next level. */
static enum lstm_status open_array(struct scanner *s, struct shape *shape)
{
    if (s->depth + shape->level + 2 > SCAN_MAX_DEPTH)
        return fail_depth(s, "arrays and objects", SCAN_MAX_DEPTH);
    if (shape->level + 1 == TENSOR_MAX_RANK)
        return fail_depth(s, "arrays of numbers", TENSOR_MAX_RANK);
    shape->level++;
    shape->counts[shape->level] = 0;
    if (shape->rank <= shape->level)
        shape->rank = shape->level + 1;
    s->p++;
    return LSTM_OK;
}

/* At the ']' of the innermost open array. */
static enum lstm_status close_array(struct scanner *s, struct shape *shape, bool *done)
{
    const uint32_t length = (uint32_t)shape->counts[shape->level];
    struct buf *const lengths = &s->arena->lengths[shape->level];
    if (lengths->room < lengths->n + sizeof length + 1 && !buf_reserve(lengths, lengths->n + 64))
        return fail_memory(s);
    memcpy(lengths->data + lengths->n, &length, sizeof length);
    lengths->n += sizeof length;
    s->p++;
    *done = shape->level == 0;
    if (!*done)
        shape->counts[--shape->level]++;
    return LSTM_OK;
}

/* At an element of the innermost open array. Numbers are read as many as there are. */
static enum lstm_status scan_element(struct scanner *s, struct shape *shape, bool *opened)
{
    const bool is_leaf = shape->level + 1 == shape->rank;
    *opened = false;
    if (s->p < s->end && *s->p == '[' && !(is_leaf && shape->has_leaf)) {
        *opened = true;
        return open_array(s, shape);
    }
    if (s->p < s->end && number_starts(*s->p) && is_leaf) {
        shape->has_leaf = true;
        return scan_numbers(s, &shape->counts[shape->level]);
    }
    return fail_expected(s, is_leaf ? "a number" : "an array");
}

/* At the '[' of a tensor: its numbers and lengths go to the arena, its shape to *shape. */
static enum lstm_status scan_levels(struct scanner *s, struct shape *shape)
{
    enum lstm_status status = LSTM_OK;
    bool done = false, opened = true;
    if (s->depth + 1 > SCAN_MAX_DEPTH)
        return fail_depth(s, "arrays and objects", SCAN_MAX_DEPTH);
    *shape = (struct shape){.rank = 1};
    s->p++;
    while (status == LSTM_OK && !done) {
        skip_space(s);
        const char c = s->p < s->end ? *s->p : '\0';
        if (c == ']') {
            status = close_array(s, shape, &done);
            opened = false;
        } else if (opened) {
            status = scan_element(s, shape, &opened);
        } else if (c == ',') {
            s->p++;
            skip_space(s);
            status = scan_element(s, shape, &opened);
        } else {
            status = fail_expected(s, "',' or ']'");
        }
    }
    return status;
}

/* At the '[' of a tensor: puts a reference to it into the rest. */
static enum lstm_status scan_tensor(struct scanner *s)
{
    struct tensor_arena *const arena = s->arena;
    /* A number and what ends it are two bytes: what is left of the text holds no more of them. */
    const size_t most = ((size_t)(s->end - s->p) / 2 + 1) * sizeof(float);
    if (arena->values.room == 0 && !buf_reserve(&arena->values, most))
        return fail_memory(s);
    size_t before[TENSOR_MAX_RANK];
    const size_t values_before = arena->values.n;
    for (size_t i = 0; i < TENSOR_MAX_RANK; i++)
        before[i] = arena->lengths[i].n;

    struct shape shape;
    const enum lstm_status status = scan_levels(s, &shape);
    if (status != LSTM_OK)
        return status;

    struct scanned_tensor tensor = {.rank = shape.rank};
    tensor.n_values = (arena->values.n - values_before) / sizeof(float);
    for (size_t i = 0; i < shape.rank; i++)
        tensor.n_lengths[i] = (arena->lengths[i].n - before[i]) / sizeof(uint32_t);
    if (arena->tensors.room < arena->tensors.n + sizeof tensor + 1 &&
        !buf_reserve(&arena->tensors, arena->tensors.n + 4 * sizeof tensor))
        return fail_memory(s);
    buf_append(&arena->tensors, &tensor, sizeof tensor);
    char reference[24];
    const int n = snprintf(reference, sizeof reference, "[%zu]", s->n_tensors++);
    s->copied = s->p;
    if ((size_t)n > SCAN_MAX_REST - s->rest->n)
        return fail_rest(s);
    buf_append(s->rest, reference, (size_t)n);
    return s->rest->failed ? fail_memory(s) : LSTM_OK;
}

/* Whether the array at p is to be a tensor. Malformed numbers and JavaScript's NaN count, so that
 * the message about them is a good one. Looks at most one bracket beyond the deepest level. */
static bool is_numeric(const struct scanner *s)
{
    struct scanner ahead = *s;
    for (size_t brackets = 0; brackets <= SCAN_MAX_DEPTH; brackets++) {
        ahead.p++;
        skip_space(&ahead);
        if (ahead.p == ahead.end)
            return true;
        if (*ahead.p != '[')
            return number_starts(*ahead.p) || strchr("].+NI,", *ahead.p) != NULL;
    }
    return true;
}

/* At a '"': moves behind the string. */
static void skip_string(struct scanner *s)
{
    for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
        if (*s->p == '\\' && s->end - s->p > 1)
            s->p++;
    }
    if (s->p < s->end)
        s->p++;
}

/* At a '[' or '{'. */
static enum lstm_status scan_container(struct scanner *s)
{
    enum lstm_status status = count_container(s);
    if (status == LSTM_OK && *s->p == '[' && is_numeric(s)) {
        status = append_passed(s);
        return status == LSTM_OK ? scan_tensor(s) : status;
    }
    if (status == LSTM_OK && s->depth == SCAN_MAX_DEPTH)
        status = fail_depth(s, "arrays and objects", SCAN_MAX_DEPTH);
    s->depth++;
    s->p++;
    return status;
}

static enum lstm_status scan_text(struct scanner *s)
{
    enum lstm_status status = LSTM_OK;
    while (s->p < s->end && status == LSTM_OK) {
        const char c = *s->p;
        if (c == '"') {
            skip_string(s);
        } else if (c == '[' || c == '{') {
            status = scan_container(s);
        } else {
            s->depth -= (c == ']' || c == '}') && s->depth > 0;
            s->p++;
        }
    }
    return status == LSTM_OK ? append_passed(s) : status;
}

/* Points the tensors at their parts of the arena, which grows no more. */
static void link_tensors(struct tensor_scan *scan)
{
    struct tensor_arena *const arena = scan->arena;
    const float *values = (const float *)(const void *)arena->values.data;
    const uint32_t *lengths[TENSOR_MAX_RANK];
    for (size_t i = 0; i < TENSOR_MAX_RANK; i++)
        lengths[i] = (const uint32_t *)(const void *)arena->lengths[i].data;

    scan->tensors = (struct scanned_tensor *)(void *)arena->tensors.data;
    for (size_t k = 0; k < scan->n_tensors; k++) {
        struct scanned_tensor *const tensor = &scan->tensors[k];
        tensor->values = values;
        if (tensor->n_values > 0)
            values += tensor->n_values;
        for (size_t i = 0; i < tensor->rank; i++) {
            tensor->lengths[i] = lengths[i];
            if (tensor->n_lengths[i] > 0)
                lengths[i] += tensor->n_lengths[i];
        }
    }
}

enum lstm_status tensor_scan(const char *text, size_t n, struct tensor_scan *scan,
                             struct lstm_error *error)
{
    *scan = (struct tensor_scan){0};
    buf_init(&scan->rest, SCAN_MAX_REST);
    if (n > UINT32_MAX)
        return lstm_fail(error, LSTM_INVALID, "a body of %zu bytes is more than can be scanned", n);
    scan->arena = calloc(1, sizeof *scan->arena);
    if (scan->arena == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a body of %zu bytes", n);
    buf_init(&scan->arena->values, SIZE_MAX / 2);
    buf_init(&scan->arena->tensors, SIZE_MAX / 2);
    for (size_t i = 0; i < TENSOR_MAX_RANK; i++)
        buf_init(&scan->arena->lengths[i], SIZE_MAX / 2);

    struct scanner s = {.text = text,
                        .p = text,
                        .end = text + n,
                        .copied = text,
                        .rest = &scan->rest,
                        .arena = scan->arena,
                        .error = error};
    const enum lstm_status status = scan_text(&s);
    if (status != LSTM_OK) {
        tensor_scan_release(scan);
        return status;
    }
    scan->n_tensors = s.n_tensors;
    link_tensors(scan);
    return LSTM_OK;
}

void tensor_scan_release(struct tensor_scan *scan)
{
    if (scan == NULL)
        return;
    buf_release(&scan->rest);
    if (scan->arena != NULL) {
        buf_release(&scan->arena->values);
        buf_release(&scan->arena->tensors);
        for (size_t i = 0; i < TENSOR_MAX_RANK; i++)
            buf_release(&scan->arena->lengths[i]);
        free(scan->arena);
    }
    *scan = (struct tensor_scan){0};
}
