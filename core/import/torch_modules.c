/* torch_modules.c: torch_modules.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_modules.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

enum { MAX_PATH_BYTES = 640 };

/* ---- One module ----------------------------------------------------------------------------- */

/* Where the last part of a parameter's name begins. */
static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    if (dot == NULL || (slash != NULL && slash > dot))
        dot = slash;
    return dot == NULL ? name : dot + 1;
}

bool torch_module_owns(const struct torch_module *module, const char *name)
{
    return strncmp(name, module->prefix, module->n_prefix) == 0 &&
           last_part(name) == name + module->n_prefix;
}

bool torch_module_is_recurrent(const struct torch_module *module)
{
    return module->kind == TORCH_LSTM || module->kind == TORCH_GRU;
}

/* Characters of the prefix that say nothing: a checkpoint's dicts, and what nn.DataParallel,
 * torch.compile() and Lightning put in front of every name. */
static size_t wrapping(const struct torch_module *module)
{
    static const char *const wrappers[] = {"module.", "model.", "_orig_mod."};
    size_t n = module->n_group;
    for (size_t k = 0; k < sizeof wrappers / sizeof *wrappers; k++) {
        const size_t n_wrapper = strlen(wrappers[k]);
        if (module->n_prefix - n < n_wrapper ||
            strncmp(module->prefix + n, wrappers[k], n_wrapper) != 0)
            continue;
        n += n_wrapper;
        k = SIZE_MAX; /* they come in any order */
    }
    return n;
}

const char *torch_module_title(const struct torch_module *module, char title[128])
{
    static const char *const kinds[] = {"lstm", "gru", "linear", "embedding"};
    const size_t begin = wrapping(module), n = module->n_prefix - begin;
    if (n <= 1)
        snprintf(title, 128, "%s", kinds[module->kind]);
    else
        snprintf(title, 128, "%.*s", (int)(n - 1 < 127 ? n - 1 : 127), module->prefix + begin);
    return title;
}

const struct import_array *torch_module_parameter(const struct torch_module *module,
                                                  const char *name)
{
    char path[MAX_PATH_BYTES];
    if (module->n_prefix + strlen(name) >= sizeof path)
        return NULL;
    memcpy(path, module->prefix, module->n_prefix);
    memcpy(path + module->n_prefix, name, strlen(name) + 1);
    return import_find(module->source, path);
}

enum lstm_status torch_module_array(const struct torch_module *module, const char *name,
                                    bool optional, size_t rank, size_t rows, size_t columns,
                                    struct import_array *array, struct lstm_error *error)
{
    char title[128];
    const struct import_array *found = torch_module_parameter(module, name);
    *array = (struct import_array){0};
    if (found == NULL && optional)
        return LSTM_OK;
    if (found == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "module '%.80s' has no parameter '%.60s'",
                         torch_module_title(module, title), name);
    if (found->rank != rank || found->shape[0] != rows || (rank == 2 && found->shape[1] != columns))
        return lstm_fail(error, LSTM_SHAPE,
                         "'%.100s': expected rank %zu and %zu rows of %zu, found rank %zu and %zu "
                         "of %zu",
                         found->name, rank, rows, columns, found->rank, found->shape[0],
                         found->rank == 2 ? found->shape[1] : 1);
    if (found->dtype > IMPORT_BF16)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "'%.100s' holds %s: weights are float32, float64, float16 or bfloat16",
                         found->name, import_dtype_name(found->dtype));
    *array = *found;
    return LSTM_OK;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static size_t group_bytes(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? 0 : (size_t)(slash - name) + 1;
}

static bool is_recurrent_weight(const char *name)
{
    const char *last = last_part(name);
    return strcmp(last, "weight_ih_l0") == 0 || strcmp(last, "weight_ih") == 0;
}

static struct torch_module module_of(const struct import_source *source, const char *name)
{
    return (struct torch_module){.source = source,
                                 .prefix = name,
                                 .n_prefix = (size_t)(last_part(name) - name),
                                 .n_group = group_bytes(name)};
}

static struct torch_module *find_owner(struct torch_modules *modules, const char *name)
{
    for (size_t k = 0; k < modules->n; k++)
        if (torch_module_owns(&modules->modules[k], name))
            return &modules->modules[k];
    return NULL;
}

static void leave_out(struct torch_modules *modules, const char *name)
{
    if (modules->n_left_out++ == 0)
        modules->left_out = name;
}

/* ---- Those that --layers names ----------------------------------------------------------------
 */

/* Whether the name, in full or without what says nothing in front of it, is the module's. */
static bool is_named(const struct torch_module *module, const char *name, bool in_full)
{
    static const char *const kinds[] = {"lstm", "gru"}; /* the titles of modules without a name */
    const size_t begins[] = {module->n_group, wrapping(module)}, n = strlen(name);
    if (in_full)
        return module->n_prefix == n + 1 && strncmp(module->prefix, name, n) == 0;
    for (size_t k = 0; k < 2; k++)
        if (module->n_prefix - begins[k] == n + 1 &&
            strncmp(module->prefix + begins[k], name, n) == 0)
            return true;
    return module->n_prefix == 0 && (strcmp(name, kinds[0]) == 0 || strcmp(name, kinds[1]) == 0);
}

static enum lstm_status find_named(const struct import_source *source, const char *scope,
                                   const char *name, struct torch_module *module,
                                   struct lstm_error *error)
{
    const char *found = NULL;
    for (size_t pass = 0; pass < 2 && found == NULL; pass++)
        for (size_t k = 0; k < source->n_arrays; k++) {
            const char *path = source->arrays[k].name;
            const struct torch_module owner = module_of(source, path);
            if (strncmp(path, scope, strlen(scope)) != 0 || !is_named(&owner, name, pass == 0) ||
                (found != NULL && torch_module_owns(&owner, found)))
                continue;
            if (found != NULL)
                return lstm_fail(error, LSTM_INVALID,
                                 "--layers: '%.40s' names the modules of '%.60s' and of '%.60s'; "
                                 "give the name in full",
                                 name, found, path);
            found = path;
        }
    if (found == NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "--layers: no module is named '%.60s'; `lstmd inspect` lists the arrays, "
                         "whose names are those of modules up to the last dot",
                         name);
    *module = module_of(source, found);
    return LSTM_OK;
}

static enum lstm_status find_all_named(const struct import_source *source, const char *scope,
                                       const struct lstm_import_options *options,
                                       struct torch_modules *modules, struct lstm_error *error)
{
    if (options->n_layers > IMPORT_MAX_LAYERS)
        return lstm_fail(error, LSTM_UNSUPPORTED, "--layers names more than %d modules",
                         IMPORT_MAX_LAYERS);
    for (size_t k = 0; k < options->n_layers; k++) {
        struct torch_module module = module_of(source, "");
        enum lstm_status status = find_named(source, scope, options->layers[k], &module, error);
        if (status == LSTM_OK && find_owner(modules, module.prefix) != NULL)
            return lstm_fail(error, LSTM_INVALID, "--layers names '%.60s' twice",
                             options->layers[k]);
        if (status == LSTM_OK)
            status = torch_module_read(&module, error);
        if (status != LSTM_OK)
            return status;
        modules->modules[modules->n++] = module;
    }
    for (size_t k = 0; k < source->n_arrays; k++)
        if (find_owner(modules, source->arrays[k].name) == NULL)
            leave_out(modules, source->arrays[k].name);
    return LSTM_OK;
}

/* ---- Those of a state_dict --------------------------------------------------------------------
 */

/* The arrays of a state_dict. */
struct group {
    const char *scope, *name; /* its arrays' names begin with both */
    size_t n_name;
};

static bool is_in_scope(const struct group *group, const char *name)
{
    return strncmp(name, group->scope, strlen(group->scope)) == 0;
}

static bool is_in(const struct group *group, const char *name)
{
    return is_in_scope(group, name) && group_bytes(name) == group->n_name &&
           strncmp(name, group->name, group->n_name) == 0;
}

/* Names the reason if there are recurrent weights in another form. */
static enum lstm_status refuse_group(const struct import_source *source, const struct group *group,
                                     struct lstm_error *error)
{
    for (size_t k = 0; k < source->n_arrays; k++) {
        struct torch_module module = module_of(source, source->arrays[k].name);
        if (!is_in_scope(group, module.prefix) || strstr(module.prefix, "weight_ih") == NULL)
            continue;
        const enum lstm_status status = torch_module_read(&module, error);
        if (status != LSTM_OK)
            return status;
        break;
    }
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "none of the %zu arrays%s%.60s is a recurrent layer's (weight_ih_l0 or "
                     "weight_ih); lstmd serves networks "
                     "that have an LSTM or a GRU; `lstmd inspect` lists the arrays",
                     source->n_arrays, group->scope[0] == '\0' ? "" : " under ", group->scope);
}

/* Of the dicts of a checkpoint, that with recurrent weights is the state_dict. */
static enum lstm_status find_group(const struct import_source *source, struct group *group,
                                   struct lstm_error *error)
{
    bool is_found = false;
    for (size_t k = 0; k < source->n_arrays; k++) {
        const char *name = source->arrays[k].name;
        const size_t n = group_bytes(name);
        if (!is_in_scope(group, name) || !is_recurrent_weight(name))
            continue;
        if (is_found && (n != group->n_name || strncmp(group->name, name, n) != 0))
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "there are networks under '%.*s' and under '%.*s': --scope says "
                             "which, or --layers names the modules",
                             (int)(group->n_name < 80 ? group->n_name : 80), group->name,
                             (int)(n < 80 ? n : 80), name);
        is_found = true;
        group->name = name;
        group->n_name = n;
    }
    return is_found ? LSTM_OK : refuse_group(source, group, error);
}

/* Whether all that is recurrent lies below the module: it is the network, or wraps it. */
static bool is_network(const struct torch_module *module, const struct group *group)
{
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        if (is_in(group, name) && is_recurrent_weight(name) &&
            strncmp(name, module->prefix, module->n_prefix) != 0)
            return false;
    }
    return true;
}

/* Whether the arrays are none of a layer: the network's own buffers, or a loss's weights. */
static bool is_loose(const struct torch_module *module, const struct group *group)
{
    static const char *const losses[] = {"criterion.", "loss.", "loss_fn.", "loss_func."};
    const char *other, *name = module->prefix + wrapping(module);
    const size_t n = module->n_prefix - wrapping(module);
    if (torch_module_parameter(module, "weight_ih_l0") != NULL ||
        torch_module_parameter(module, "weight_ih") != NULL)
        return false;
    for (size_t k = 0; k < sizeof losses / sizeof *losses; k++)
        if (n == strlen(losses[k]) && strncmp(name, losses[k], n) == 0)
            return true;
    return torch_module_parameter(module, "weight") == NULL && is_network(module, group) &&
           torch_module_stranger(module, &other) == NULL;
}

static void note_loose(struct torch_modules *modules, const char *name)
{
    if (modules->n_loose < sizeof modules->loose / sizeof *modules->loose)
        modules->loose[modules->n_loose] = name;
    modules->n_loose++;
}

/* Whether array k comes behind the one before it, as in files that are sorted by type and name;
 * PyTorch defines weight_ih in front of weight_hh. */
static bool is_behind(const struct import_source *source, size_t k)
{
    return k == 0 || source->arrays[k - 1].dtype != source->arrays[k].dtype ||
           strcmp(source->arrays[k - 1].name, source->arrays[k].name) < 0;
}

static enum lstm_status find_all(const struct import_source *source, const struct group *group,
                                 struct torch_modules *modules, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    modules->is_sorted = true;
    for (size_t k = 0; k < source->n_arrays && status == LSTM_OK; k++) {
        const char *name = source->arrays[k].name;
        if (!is_in(group, name)) {
            leave_out(modules, name);
            continue;
        }
        modules->is_sorted = modules->is_sorted && is_behind(source, k);
        struct torch_module *module = find_owner(modules, name);
        if (module == NULL && modules->n == IMPORT_MAX_LAYERS)
            return lstm_fail(error, LSTM_UNSUPPORTED, "there are more than %d modules",
                             IMPORT_MAX_LAYERS);
        if (module == NULL) {
            module = &modules->modules[modules->n++];
            *module = module_of(source, name);
            module->is_loose = is_loose(module, group);
            status = module->is_loose ? LSTM_OK : torch_module_read(module, error);
        }
        if (module->is_loose)
            note_loose(modules, name);
    }
    size_t n = 0;
    for (size_t k = 0; k < modules->n; k++)
        if (!modules->modules[k].is_loose)
            modules->modules[n++] = modules->modules[k];
    modules->n = n;
    return status;
}

enum lstm_status torch_modules_find(const struct import_source *source,
                                    const struct lstm_import_options *options,
                                    struct torch_modules *modules, struct lstm_error *error)
{
    struct group group = {.scope = options->scope == NULL ? "" : options->scope, .name = ""};
    *modules = (struct torch_modules){.is_given = options->n_layers > 0};
    if (modules->is_given)
        return find_all_named(source, group.scope, options, modules, error);
    enum lstm_status status = find_group(source, &group, error);
    return status == LSTM_OK ? find_all(source, &group, modules, error) : status;
}
