/* keras_order.c: keras_groups.h: the order of layers that are known by their weights alone.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keras 3 names the groups of a file of weights by the classes of the layers, counted in their
 * order: that of two LSTM layers is known, and that of an LSTM and a GRU is not. So names that
 * differ in their numbers alone keep the order of these; how the others lie between them must be
 * told by the sizes, in one way only. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/keras_groups.h"
#include "core/status.h"

/* Layers looked at before the search gives up. */
enum { MAX_SEARCHED = 20000 };

/* ---- Kinds of names ------------------------------------------------------------------------- */

static int rank_of(const struct keras_group *group)
{
    return group->kind == IMPORT_EMBEDDING ? 0 : keras_group_is_recurrent(group) ? 1 : 2;
}

/* The next character of a name that is no part of a number, nor the "_" in front of one. */
static char next_letter(const char **at)
{
    while (isdigit((unsigned char)**at) || (**at == '_' && isdigit((unsigned char)(*at)[1])))
        ++*at;
    return **at == '\0' ? '\0' : *(*at)++;
}

/* Compares names without their numbers: "lstm_1/lstm_1" and "lstm_2/lstm_2" are of one kind. */
static int compare_kinds(const char *a, const char *b)
{
    for (;;) {
        const char x = next_letter(&a), y = next_letter(&b);
        if (x != y || x == '\0')
            return (unsigned char)x - (unsigned char)y;
    }
}

static int compare_groups(const void *a, const void *b)
{
    const struct keras_group *first = a, *second = b;
    const int ranks = rank_of(first) - rank_of(second);
    const int kinds = compare_kinds(first->scope, second->scope);
    return ranks != 0 ? ranks : kinds != 0 ? kinds : strverscmp(first->scope, second->scope);
}

/* ---- Orders that the sizes allow ------------------------------------------------------------ */

struct search {
    const struct keras_groups *groups;      /* sorted */
    size_t rank_begin[IMPORT_MAX_LAYERS];   /* first of those of the same rank */
    bool continues_kind[IMPORT_MAX_LAYERS]; /* comes behind the one in front of it, by number */
    bool is_used[IMPORT_MAX_LAYERS];
    size_t order[IMPORT_MAX_LAYERS], first[IMPORT_MAX_LAYERS]; /* the one that was found first */
    size_t n_found, n_searched;
};

static void begin_search(struct search *search, const struct keras_groups *groups)
{
    const struct keras_group *list = groups->list;
    *search = (struct search){.groups = groups};
    for (size_t k = 1; k < groups->n; k++) {
        const bool is_same_rank = rank_of(&list[k]) == rank_of(&list[k - 1]);
        search->rank_begin[k] = is_same_rank ? search->rank_begin[k - 1] : k;
        search->continues_kind[k] =
            is_same_rank && compare_kinds(list[k].scope, list[k - 1].scope) == 0;
    }
}

static bool follows(const struct keras_group *before, const struct keras_group *group)
{
    return group->kind != IMPORT_EMBEDDING && group->inputs == before->outputs;
}

/* Whether group k may stand at place n. */
static bool is_candidate(const struct search *search, size_t n, size_t k)
{
    const struct keras_group *list = search->groups->list;
    return !search->is_used[k] && n >= search->rank_begin[k] &&
           (!search->continues_kind[k] || search->is_used[k - 1]) &&
           (n == 0 || follows(&list[search->order[n - 1]], &list[k]));
}

/* Finds up to two orders. Recursion is as deep as there are layers. */
static void search_from(struct search *search, size_t n)
{
    const size_t n_groups = search->groups->n;
    if (n == n_groups && search->n_found++ == 0)
        memcpy(search->first, search->order, sizeof search->first);
    for (size_t k = 0; k < n_groups && search->n_found < 2; k++) {
        if (!is_candidate(search, n, k) || ++search->n_searched > MAX_SEARCHED)
            continue;
        search->is_used[k] = true;
        search->order[n] = k;
        search_from(search, n + 1);
        search->is_used[k] = false;
    }
}

/* ---- The order ------------------------------------------------------------------------------ */

static enum lstm_status check(const struct keras_groups *groups, struct lstm_error *error)
{
    const struct keras_group *list = groups->list;
    for (size_t k = 1; k < groups->n; k++)
        if (!follows(&list[k - 1], &list[k]))
            return lstm_fail(error, LSTM_SHAPE,
                             "layers %.60s and %.60s do not follow each other: the first gives "
                             "%zu values, the second takes %zu; --layers names those that run, in "
                             "their order",
                             list[k - 1].scope, list[k].scope, list[k - 1].outputs, list[k].inputs);
    return LSTM_OK;
}

/* The names as --layers takes them. */
static void list_names(const struct keras_groups *groups, char *text, size_t room)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t k = 0; k < groups->n && n < room; k++)
        n += (size_t)snprintf(text + n, room - n, "%s%s", k == 0 ? "" : ",",
                              keras_group_name(&groups->list[k]));
}

static enum lstm_status sort(const size_t *order, struct keras_groups *groups,
                             struct lstm_error *error)
{
    struct keras_groups *sorted = malloc(sizeof *sorted);
    if (sorted == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    for (size_t k = 0; k < groups->n; k++)
        sorted->list[k] = groups->list[order[k]];
    memcpy(groups->list, sorted->list, groups->n * sizeof *groups->list);
    free(sorted);
    return LSTM_OK;
}

enum lstm_status keras_groups_order(struct import_source *source, bool is_said,
                                    struct keras_groups *groups, struct lstm_error *error)
{
    char names[256];
    struct search search;
    if (is_said || groups->n < 2)
        return check(groups, error);
    qsort(groups->list, groups->n, sizeof *groups->list, compare_groups);
    begin_search(&search, groups);
    search_from(&search, 0);
    if (search.n_found == 0 && search.n_searched <= MAX_SEARCHED)
        return check(groups, error);
    list_names(groups, names, sizeof names);
    if (search.n_found != 1 || search.n_searched > MAX_SEARCHED)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "the layers fit together in more than one order, and the file does not "
                         "say which; --layers says it: %s, or another",
                         names);
    const enum lstm_status status = sort(search.first, groups, error);
    list_names(groups, names, sizeof names);
    import_note(source,
                "order of the layers: %s; the file does not say it: embeddings, then recurrent "
                "layers, then dense ones, by their numbers; --layers changes it",
                names);
    return status;
}
