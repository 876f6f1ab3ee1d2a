/* names_torch.c: names_torch.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/names_torch.h"

#include <stdio.h>
#include <string.h>

#include "core/import/torch_order.h"
#include "core/status.h"

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

/* ---- Layers --------------------------------------------------------------------------------- */

/* Which activation a linear layer has: by convention none behind the last one, and none between one
 * and a recurrent module, which has its own. */
static enum lstm_status choose_activation(struct import_source *source,
                                          const struct torch_order *order, size_t k,
                                          const struct lstm_import_options *options, char name[32],
                                          struct lstm_error *error)
{
    char title[128], what[160];
    const bool is_output = k + 1 == order->n;
    const bool is_input = !is_output && torch_module_is_recurrent(torch_order_module(order, k + 1));
    snprintf(what, sizeof what, "the activation of %.60s%s",
             torch_module_title(torch_order_module(order, k), title),
             is_output  ? ", the output layer,"
             : is_input ? ", in front of a recurrent layer,"
                        : "");
    return is_output
               ? import_choose(source, options->output_activation, "linear", what,
                               IMPORT_OPTION_OUTPUT_ACTIVATION, name, error)
               : import_choose(source, options->hidden_activation, is_input ? "linear" : "relu",
                               what, IMPORT_OPTION_HIDDEN_ACTIVATION, name, error);
}

static enum lstm_status add_linear(const struct torch_module *module, const char activation[32],
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
    memcpy(layer->activation, activation, sizeof layer->activation);
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

static enum lstm_status add_layers(struct import_source *source, const struct torch_order *order,
                                   const struct lstm_import_options *options,
                                   struct import_plan *plan, struct lstm_error *error)
{
    struct import_layer *last_recurrent = NULL;
    for (size_t k = 0; k < order->n; k++) {
        const struct torch_module *module = torch_order_module(order, k);
        char activation[32];
        enum lstm_status status;
        if (torch_module_is_recurrent(module)) {
            status = torch_cells_add(module, options, plan, error);
            last_recurrent = &plan->layers[plan->n_layers - 1];
        } else if (k == 0 && order->embeds) {
            status = add_embedding(module, plan, error);
        } else {
            status = choose_activation(source, order, k, options, activation, error);
            if (status == LSTM_OK)
                status = add_linear(module, activation, plan, error);
        }
        if (status != LSTM_OK)
            return status;
    }
    if (last_recurrent == NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "none of the modules that --layers names is recurrent; lstmd serves "
                         "networks that have an LSTM or a GRU");
    last_recurrent->return_sequences = options->return_sequences;
    return LSTM_OK;
}

/* ---- Notes ---------------------------------------------------------------------------------- */

static void note_recurrent(struct import_source *source, const struct torch_order *order,
                           const struct lstm_import_options *options)
{
    const struct torch_module *last = NULL;
    for (size_t k = 0; k < order->n; k++)
        if (torch_module_is_recurrent(torch_order_module(order, k)))
            last = torch_order_module(order, k);
    import_use(source, IMPORT_OPTION_ACTIVATION);
    import_use(source, IMPORT_OPTION_RECURRENT_ACTIVATION);
    import_use(source, IMPORT_OPTION_RETURN_SEQUENCES);
    import_use(source, IMPORT_OPTION_POOLING);
    const bool takes_final = !options->return_sequences && options->pooling == NULL;
    if (takes_final)
        import_note(source, "the last step's output of the recurrent layers is what goes on; "
                            "--return-sequences takes that of every step, --pooling one row of "
                            "all");
    if (last != NULL && last->bidirectional && takes_final)
        import_note(source, "two directions: the final outputs of both go on, as h_n has them; "
                            "--pooling last takes output[:, -1], which has the first step of the "
                            "backward one");
    import_note(source, "requests are batch first, whatever batch_first was");
}

static void note_left_out(struct import_source *source, const struct torch_modules *modules)
{
    char names[256];
    int n = 0;
    for (size_t k = 0; k < modules->n_loose && k < sizeof modules->loose / sizeof *modules->loose;
         k++)
        n += snprintf(names + n, sizeof names - (size_t)n, "%s'%.60s'", k == 0 ? "" : ", ",
                      modules->loose[k]);
    if (modules->n_loose > 0)
        import_note(source,
                    "left out: %s (%zu in all), which belong to no layer; what the network does "
                    "with them is not served",
                    names, modules->n_loose);
    if (modules->n_left_out > 0)
        import_note(source, "left out: %zu array%s beside the weights, '%s' first",
                    modules->n_left_out, modules->n_left_out == 1 ? "" : "s", modules->left_out);
}

enum lstm_status names_torch_plan(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    struct torch_modules modules;
    struct torch_order order;
    import_use(source, IMPORT_OPTION_SCOPE);
    import_use(source, IMPORT_OPTION_LAYERS);
    enum lstm_status status = torch_modules_find(source, options, &modules, error);
    if (status == LSTM_OK)
        status = torch_order_find(&modules, &order, error);
    if (status == LSTM_OK)
        status = add_layers(source, &order, options, plan, error);
    if (status != LSTM_OK)
        return status;
    note_recurrent(source, &order, options);
    torch_order_note(source, &order);
    note_left_out(source, &modules);
    return LSTM_OK;
}
