/* torch_order.c: torch_order.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_order.h"

#include <stdio.h>
#include <string.h>

#include "core/import/torch_names.h"
#include "core/status.h"

enum { MAX_TRIALS = 100000 };

/* A search through the orders, those first that are preferred. */
struct search {
    const struct torch_modules *modules;
    size_t preferred[IMPORT_MAX_LAYERS];
    enum torch_meaning meanings[IMPORT_MAX_LAYERS]; /* of the modules' names */
    bool by_names; /* names decide what is an embedding; else the place */
    bool is_used[IMPORT_MAX_LAYERS];
    size_t n, numbers[IMPORT_MAX_LAYERS];
    bool embeds;
    size_t n_trials;
    struct torch_order *found; /* n 0: none yet */
};

/* ---- Preference ------------------------------------------------------------------------------ */

/* An array alone that its name does not tell of is an embedding if it is the first of all. */
static int rank_of(const struct torch_module *module, enum torch_meaning meaning, bool is_first)
{
    enum { EMBEDDING, RECURRENT, LINEAR, OUTPUT };
    if (torch_module_is_recurrent(module))
        return RECURRENT;
    if (module->kind == TORCH_WEIGHT &&
        (meaning == TORCH_NAMES_EMBEDDING || (meaning == TORCH_NAMES_NOTHING && is_first)))
        return EMBEDDING;
    return meaning == TORCH_NAMES_OUTPUT ? OUTPUT : LINEAR;
}

static void sort(struct search *search, const int *ranks)
{
    const struct torch_module *modules = search->modules->modules;
    for (size_t k = 1; k < search->modules->n; k++)
        for (size_t i = k; i > 0; i--) {
            const size_t a = search->preferred[i - 1], b = search->preferred[i];
            const int order = ranks[a] != ranks[b]
                                  ? ranks[a] - ranks[b]
                                  : torch_names_compare(modules[a].prefix, modules[a].n_prefix,
                                                        modules[b].prefix, modules[b].n_prefix);
            if (order <= 0)
                break;
            search->preferred[i - 1] = b;
            search->preferred[i] = a;
        }
}

static void prefer(struct search *search)
{
    int ranks[IMPORT_MAX_LAYERS] = {0};
    const size_t n = search->modules->n;
    for (size_t k = 0; k < n; k++) {
        const struct torch_module *module = &search->modules->modules[k];
        search->preferred[k] = k;
        search->meanings[k] = torch_name_meaning(module->prefix, module->n_prefix);
    }
    if (search->modules->is_given || !search->modules->is_sorted)
        return;
    sort(search, ranks);
    const size_t first = search->preferred[0];
    for (size_t k = 0; k < n; k++)
        ranks[k] = rank_of(&search->modules->modules[k], search->meanings[k], k == first);
    sort(search, ranks);
}

/* ---- The search ----------------------------------------------------------------------------- */

/* Whether the module can come next, as an embedding or not, behind one that gives `values`. An
 * embedding is the first, or nowhere. */
static bool can_follow(const struct search *search, size_t number, bool embeds, size_t values)
{
    const struct torch_module *module = &search->modules->modules[number];
    const bool is_named = search->by_names && module->kind == TORCH_WEIGHT;
    const enum torch_meaning meaning = is_named ? search->meanings[number] : TORCH_NAMES_NOTHING;
    if (embeds)
        return search->n == 0 && module->kind == TORCH_WEIGHT && meaning < TORCH_NAMES_LINEAR;
    return meaning != TORCH_NAMES_EMBEDDING && (search->n == 0 || module->inputs == values);
}

/* Whether nothing more is to be found out. */
static bool keep(struct search *search)
{
    struct torch_order *found = search->found;
    const size_t bytes = search->n * sizeof *search->numbers;
    if (found->n > 0) {
        found->is_only = memcmp(found->numbers, search->numbers, bytes) == 0;
        return !found->is_only;
    }
    found->n = search->n;
    found->embeds = search->embeds;
    found->is_only = true;
    memcpy(found->numbers, search->numbers, bytes);
    return false;
}

/* Puts the other modules behind those that are there; whether the search has ended. */
static bool complete(struct search *search, size_t values)
{
    const size_t n = search->modules->n;
    if (search->n == n)
        return keep(search);
    for (size_t k = 0; k < 2 * n; k++) {
        const size_t number = search->preferred[k / 2];
        const struct torch_module *module = &search->modules->modules[number];
        const bool embeds = k % 2 == 0;
        if (search->is_used[number] || !can_follow(search, number, embeds, values) ||
            (search->modules->is_given && number != search->n))
            continue;
        if (++search->n_trials > MAX_TRIALS)
            return true;
        search->embeds = search->n == 0 ? embeds : search->embeds;
        search->numbers[search->n++] = number;
        search->is_used[number] = true;
        if (complete(search, embeds ? module->inputs : module->width))
            return true;
        search->n--;
        search->is_used[number] = false;
    }
    return false;
}

static enum lstm_status refuse(const struct search *search, struct lstm_error *error)
{
    const struct torch_modules *modules = search->modules;
    char title[128], before[128];
    for (size_t k = 1; k < modules->n; k++) {
        const struct torch_module *module = &modules->modules[search->preferred[k]],
                                  *last = &modules->modules[search->preferred[k - 1]];
        const size_t values = k == 1 && last->kind == TORCH_WEIGHT ? last->inputs : last->width;
        if (module->inputs == values)
            continue;
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "'%.50s' takes %zu values and '%.50s' before it gives %zu%s%s; --layers "
                         "names those that run, in their order",
                         torch_module_title(module, title), module->inputs,
                         torch_module_title(last, before), values,
                         module->inputs % values == 0 && torch_module_is_recurrent(last)
                             ? " (all steps at once cannot be given to a layer)"
                             : "",
                         modules->is_given ? "" : "; no order of the modules fits");
    }
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "no order of the %zu modules connects them; --layers names those that run, in "
                     "their order",
                     modules->n);
}

enum lstm_status torch_order_find(const struct torch_modules *modules, struct torch_order *order,
                                  struct lstm_error *error)
{
    struct search search = {.modules = modules, .by_names = true, .found = order};
    *order = (struct torch_order){.modules = modules};
    prefer(&search);
    (void)complete(&search, 0);
    if (order->n == 0) { /* names may mislead */
        struct search again = {.modules = modules, .found = order};
        memcpy(again.preferred, search.preferred, sizeof again.preferred);
        (void)complete(&again, 0);
    }
    return order->n > 0 ? LSTM_OK : refuse(&search, error);
}

const struct torch_module *torch_order_module(const struct torch_order *order, size_t k)
{
    return &order->modules->modules[order->numbers[k]];
}

/* ---- Notes ---------------------------------------------------------------------------------- */

/* Whether there are two recurrent modules or two linear ones. */
static bool has_choice(const struct torch_order *order)
{
    size_t n_recurrent = 0;
    for (size_t k = 0; k < order->n; k++)
        n_recurrent += torch_module_is_recurrent(torch_order_module(order, k));
    return n_recurrent > 1 || order->n - n_recurrent - order->embeds > 1 || !order->is_only;
}

static void note_order(struct import_source *source, const struct torch_order *order)
{
    char names[384];
    int n = 0;
    for (size_t k = 0; k < order->n && n >= 0 && (size_t)n < sizeof names; k++) {
        char title[128];
        n += snprintf(names + n, sizeof names - (size_t)n, "%s%.60s", k == 0 ? "" : ", ",
                      torch_module_title(torch_order_module(order, k), title));
    }
    import_note(source, "modules are taken to run one after another: %s%s; --layers changes it",
                names, order->is_only ? "" : " (another order fits as well)");
}

/* [N, M] without a bias may be either. */
static void note_weight(struct import_source *source, const struct torch_order *order, size_t k)
{
    const struct torch_module *module = torch_order_module(order, k);
    const enum torch_meaning meaning = torch_name_meaning(module->prefix, module->n_prefix);
    const bool embeds = k == 0 && order->embeds;
    char title[128];
    import_note(
        source,
        "%.60s [%zu, %zu] without a bias is taken for %s, by its %s; --layers with another order "
        "changes it",
        torch_module_title(module, title), module->width, module->inputs,
        embeds ? "an embedding" : "a linear layer",
        (embeds ? meaning == TORCH_NAMES_EMBEDDING : meaning >= TORCH_NAMES_LINEAR) ? "name"
        : k == 0 && !embeds                                                         ? "shape"
                                                                                    : "place");
}

void torch_order_note(struct import_source *source, const struct torch_order *order)
{
    if (!order->modules->is_given && has_choice(order))
        note_order(source, order);
    for (size_t k = 0; k < order->n; k++)
        if (torch_order_module(order, k)->kind == TORCH_WEIGHT)
            note_weight(source, order, k);
}
