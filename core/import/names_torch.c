/* names_torch.c: names_torch.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/names_torch.h"

#include <stdio.h>
#include <string.h>

#include "core/import/torch_modules.h"
#include "core/status.h"

enum { MAX_TRIALS = 100000 };

bool names_torch_probe(const struct import_source *source)
{
    static const char *const ends[] = {"weight_ih_l0", "weight_ih"};
    for (size_t k = 0; k < source->n_arrays; k++)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            const char *name = source->arrays[k].name;
            const size_t n = strlen(name), n_end = strlen(ends[i]);
            if (n >= n_end && strcmp(name + n - n_end, ends[i]) == 0 &&
                (n == n_end || name[n - n_end - 1] == '.' || name[n - n_end - 1] == '/'))
                return true;
        }
    return false;
}

/* ---- The order of modules -------------------------------------------------------------------- */

/* Modules as they run: numbers in the list of modules. */
struct chain {
    const struct torch_modules *modules;
    size_t n, order[IMPORT_MAX_LAYERS];
    bool is_used[IMPORT_MAX_LAYERS];
    bool embeds; /* the first one is an embedding */
    size_t n_trials;
};

/* Whether the module can come next, behind one that gives `values` (0: it is the first). An
 * embedding is the first, or nowhere. */
static bool can_follow(const struct chain *chain, size_t number, size_t values)
{
    const struct torch_module *module = &chain->modules->modules[number];
    return values == 0 || module->inputs == values;
}

/* Puts the other modules behind those that are there, the first of the source first. */
static bool complete(struct chain *chain, size_t values)
{
    if (chain->n == chain->modules->n)
        return true;
    for (size_t k = 0; k < chain->modules->n; k++) {
        if (chain->is_used[k] || !can_follow(chain, k, values) || ++chain->n_trials > MAX_TRIALS)
            continue;
        const struct torch_module *module = &chain->modules->modules[k];
        const bool may_embed = module->kind == TORCH_WEIGHT && chain->n == 0;
        chain->order[chain->n++] = k;
        chain->is_used[k] = true;
        chain->embeds = may_embed || (chain->n > 1 && chain->embeds);
        if (complete(chain, may_embed ? module->inputs : module->width))
            return true;
        chain->n--;
        chain->is_used[k] = false;
    }
    return false;
}

static enum lstm_status refuse_chain(const struct torch_modules *modules, struct lstm_error *error)
{
    char title[128], before[128];
    for (size_t k = 1; k < modules->n; k++) {
        const struct torch_module *module = &modules->modules[k], *last = module - 1;
        if (module->inputs == last->width)
            continue;
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "'%.60s' takes %zu values and '%.60s' before it gives %zu; no order of "
                         "the modules fits%s; --scope picks among them",
                         torch_module_title(module, title), module->inputs,
                         torch_module_title(last, before), last->width,
                         module->inputs % last->width == 0 && torch_module_is_recurrent(last)
                             ? " (all steps at once cannot be given to a layer)"
                             : "");
    }
    return lstm_fail(error, LSTM_UNSUPPORTED, "no order of the %zu modules connects them",
                     modules->n);
}

/* ---- Layers --------------------------------------------------------------------------------- */

static void set_activation(struct import_layer *layer, const char *name)
{
    snprintf(layer->activation, sizeof layer->activation, "%s", name);
}

static enum lstm_status add_linear(const struct torch_module *module, const char *activation,
                                   struct import_plan *plan, struct lstm_error *error)
{
    struct import_layer *layer;
    struct import_array weight;
    char title[128];
    enum lstm_status status =
        import_add_layer(plan, IMPORT_DENSE, torch_module_title(module, title), &layer, error);
    if (status != LSTM_OK)
        return status;
    for (char *c = layer->name; *c != '\0'; c++)
        if (*c == '.')
            *c = '/';
    layer->units = module->width;
    set_activation(layer, activation);
    status = torch_module_array(module, "weight", false, 2, module->width, module->inputs, &weight,
                                error);
    if (status == LSTM_OK)
        status = torch_module_array(module, "bias", true, 1, module->width, 1, &layer->bias, error);
    if (status == LSTM_OK)
        layer->kernel = import_transpose(weight);
    return status;
}

static enum lstm_status add_embedding(const struct torch_module *module, struct import_plan *plan,
                                      struct lstm_error *error)
{
    struct import_layer *layer;
    char title[128];
    enum lstm_status status =
        import_add_layer(plan, IMPORT_EMBEDDING, torch_module_title(module, title), &layer, error);
    if (status != LSTM_OK)
        return status;
    plan->features = 1;
    layer->units = module->inputs;
    return torch_module_array(module, "weight", false, 2, module->width, module->inputs,
                              &layer->kernel, error);
}

static const char *or_default(const char *text, const char *convention)
{
    return text == NULL ? convention : text;
}

/* The last linear layer behind the recurrent ones; the number of modules if there is none. */
static size_t find_output(const struct chain *chain)
{
    const struct torch_module *last = &chain->modules->modules[chain->order[chain->n - 1]];
    return torch_module_is_recurrent(last) ? chain->n : chain->n - 1;
}

static enum lstm_status add_layers(const struct chain *chain,
                                   const struct lstm_import_options *options,
                                   struct import_plan *plan, struct lstm_error *error)
{
    const size_t output = find_output(chain);
    struct import_layer *last_recurrent = NULL;
    for (size_t k = 0; k < chain->n; k++) {
        const struct torch_module *module = &chain->modules->modules[chain->order[k]];
        enum lstm_status status;
        if (torch_module_is_recurrent(module)) {
            status = torch_cells_add(module, options, plan, error);
            last_recurrent = &plan->layers[plan->n_layers - 1];
        } else if (k == 0 && chain->embeds) {
            status = add_embedding(module, plan, error);
        } else {
            status = add_linear(module,
                                k == output ? or_default(options->output_activation, "linear")
                                            : or_default(options->hidden_activation, "relu"),
                                plan, error);
        }
        if (status != LSTM_OK)
            return status;
    }
    last_recurrent->return_sequences = options->return_sequences;
    return LSTM_OK;
}

/* ---- Notes ---------------------------------------------------------------------------------- */

static void note_linear(struct import_source *source, const struct chain *chain,
                        const struct lstm_import_options *options)
{
    const size_t output = find_output(chain);
    char title[128];
    for (size_t k = 0; k < chain->n; k++) {
        const struct torch_module *module = &chain->modules->modules[chain->order[k]];
        if (torch_module_is_recurrent(module) || (k == 0 && chain->embeds))
            continue;
        torch_module_title(module, title);
        import_use(source,
                   k == output ? IMPORT_OPTION_OUTPUT_ACTIVATION : IMPORT_OPTION_HIDDEN_ACTIVATION);
        if (k == output && options->output_activation == NULL)
            import_note(source,
                        "output layer %s: activation linear; the file does not say it, "
                        "--output-activation does",
                        title);
        if (k != output && options->hidden_activation == NULL)
            import_note(source,
                        "layer %s: activation relu; the file does not say it, "
                        "--hidden-activation does",
                        title);
    }
}

static void note_recurrent(struct import_source *source, const struct chain *chain,
                           const struct lstm_import_options *options)
{
    bool bidirectional = false;
    for (size_t k = 0; k < chain->n; k++)
        bidirectional |= chain->modules->modules[k].bidirectional;
    import_use(source, IMPORT_OPTION_ACTIVATION);
    import_use(source, IMPORT_OPTION_RECURRENT_ACTIVATION);
    import_use(source, IMPORT_OPTION_RETURN_SEQUENCES);
    if (!options->return_sequences)
        import_note(source, "the last step's output of the recurrent layers is what goes on; "
                            "--return-sequences takes that of every step");
    if (bidirectional && !options->return_sequences)
        import_note(source, "two directions: the final outputs of both go on, as h_n has them; "
                            "output[:, -1] would have the first step of the backward one");
    import_note(source, "requests are batch first, whatever batch_first was");
}

static void note_modules(struct import_source *source, const struct chain *chain)
{
    const struct torch_modules *modules = chain->modules;
    bool is_sorted = true;
    for (size_t k = 0; k < chain->n; k++)
        is_sorted = is_sorted && chain->order[k] == k;
    for (size_t k = 0; k < chain->n && !is_sorted; k++) {
        char title[128];
        import_note(source, "module %zu is %s: the order of the file does not fit, this one does",
                    k + 1, torch_module_title(&modules->modules[chain->order[k]], title));
    }
    if (modules->n_left_out > 0)
        import_note(source, "left out: %zu arrays beside the weights, '%s' first",
                    modules->n_left_out, modules->left_out);
}

enum lstm_status names_torch_plan(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    struct torch_modules modules;
    struct chain chain = {.modules = &modules};
    import_use(source, IMPORT_OPTION_SCOPE);
    enum lstm_status status = torch_modules_find(source, options->scope, &modules, error);
    if (status != LSTM_OK)
        return status;
    if (!complete(&chain, 0))
        return refuse_chain(&modules, error);
    status = add_layers(&chain, options, plan, error);
    if (status != LSTM_OK)
        return status;
    note_recurrent(source, &chain, options);
    note_linear(source, &chain, options);
    note_modules(source, &chain);
    return LSTM_OK;
}
