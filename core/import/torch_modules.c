/* torch_modules.c: torch_modules.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_modules.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

enum { MAX_PATH_BYTES = 640 };

/* Parameters that tell of a module that has no layer here. The first row that fits is named. */
static const struct {
    const char *parameter; /* the name, or its end if it begins with '*' */
    size_t rank;           /* at least; 0: any */
    const char *what;
} other_modules[] = {
    {"running_mean", 0, "a batch normalisation"},
    {"in_proj_weight", 0, "an attention (nn.MultiheadAttention)"},
    {"*_g", 0, "a layer under weight normalisation: save after remove_weight_norm()"},
    {"*_v", 0, "a layer under weight normalisation: save after remove_weight_norm()"},
    {"*_orig", 0, "a layer that is pruned or under spectral norm: save after its remove()"},
    {"*_raw", 0, "a layer under weight dropping: save it without"},
    {"_packed_params", 0, "a quantised layer"},
    {"weight", 3, "a convolution"},
    {"weight", 0, "a normalisation"},
    {"*", 0, "of a kind that is not known"},
};

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* ---- One module ----------------------------------------------------------------------------- */

/* Where the last part of a parameter's name begins. */
static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    if (dot == NULL || (slash != NULL && slash > dot))
        dot = slash;
    return dot == NULL ? name : dot + 1;
}

static bool is_in(const struct torch_module *module, const char *name)
{
    return strncmp(name, module->prefix, module->n_prefix) == 0 &&
           last_part(name) == name + module->n_prefix;
}

bool torch_module_is_recurrent(const struct torch_module *module)
{
    return module->kind == TORCH_LSTM || module->kind == TORCH_GRU;
}

const char *torch_module_title(const struct torch_module *module, char title[128])
{
    static const char *const kinds[] = {"lstm", "gru", "linear", "embedding"};
    static const char *const wrappers[] = {"module.", "model."};
    const char *name = module->prefix + module->n_group;
    size_t n = module->n_prefix - module->n_group;
    for (size_t k = 0; k < sizeof wrappers / sizeof *wrappers; k++)
        while (n > strlen(wrappers[k]) && strncmp(name, wrappers[k], strlen(wrappers[k])) == 0) {
            name += strlen(wrappers[k]);
            n -= strlen(wrappers[k]);
        }
    if (n <= 1 || strncmp(name, "module.", n) == 0 || strncmp(name, "model.", n) == 0)
        snprintf(title, 128, "%s", kinds[module->kind]);
    else
        snprintf(title, 128, "%.*s", (int)(n - 1 < 127 ? n - 1 : 127), name);
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

/* ---- Kinds ---------------------------------------------------------------------------------- */

static enum lstm_status refuse_module(const struct torch_module *module, struct lstm_error *error)
{
    for (size_t row = 0; row < sizeof other_modules / sizeof *other_modules; row++)
        for (size_t k = 0; k < module->source->n_arrays; k++) {
            const struct import_array *array = &module->source->arrays[k];
            const char *wanted = other_modules[row].parameter;
            if (!is_in(module, array->name) || array->rank < other_modules[row].rank)
                continue;
            const char *name = array->name + module->n_prefix;
            if (wanted[0] == '*' ? ends_with(name, wanted + 1) : strcmp(name, wanted) == 0)
                return lstm_fail(error, LSTM_UNSUPPORTED,
                                 "'%.100s' belongs to %s; LSTM, GRU, their cells, Linear and "
                                 "Embedding are known, and --scope picks among modules",
                                 array->name, other_modules[row].what);
        }
    return lstm_fail(error, LSTM_UNSUPPORTED, "a module has no parameters");
}

/* Whether the module has no other parameters than these. */
static bool has_only(const struct torch_module *module, const char *const *names)
{
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        size_t i = 0;
        if (!is_in(module, name))
            continue;
        while (names[i] != NULL && strcmp(names[i], name + module->n_prefix) != 0)
            i++;
        if (names[i] == NULL)
            return false;
    }
    return true;
}

static bool is_cell_parameter(const char *name, bool numbered)
{
    static const char *const starts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                         "weight_hr"};
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        const size_t n = strlen(starts[k]);
        if (strncmp(name, starts[k], n) != 0)
            continue;
        if (!numbered)
            return name[n] == '\0';
        const char *end = name + n;
        if (strncmp(end, "_l", 2) != 0)
            return false;
        end += 2 + strspn(end + 2, "0123456789");
        return *end == '\0' || strcmp(end, "_reverse") == 0;
    }
    return false;
}

/* The gates tell the kind: as many blocks of U rows has weight_hh. */
static enum lstm_status measure_cell(struct torch_module *module, const char *suffix,
                                     struct lstm_error *error)
{
    char names[3][32];
    static const char *const starts[] = {"weight_ih", "weight_hh", "weight_hr"};
    for (size_t k = 0; k < 3; k++)
        snprintf(names[k], sizeof names[k], "%s%s", starts[k], suffix);
    const struct import_array *kernel = torch_module_parameter(module, names[0]);
    const struct import_array *recurrent = torch_module_parameter(module, names[1]);
    const struct import_array *projection = torch_module_parameter(module, names[2]);
    if (recurrent == NULL || kernel->rank != 2 || recurrent->rank != 2 ||
        (projection != NULL && projection->rank != 2))
        return lstm_fail(error, LSTM_SHAPE,
                         "'%.100s': expected rank 2, and a '%s' of rank 2 beside it", kernel->name,
                         names[1]);
    module->projected = projection != NULL;
    module->units = projection != NULL ? projection->shape[1] : recurrent->shape[1];
    module->inputs = kernel->shape[1];
    module->width = recurrent->shape[1];
    const size_t rows = recurrent->shape[0], units = module->units;
    if (units == 0 || module->inputs == 0 || module->width == 0 || rows % units != 0)
        return lstm_fail(error, LSTM_SHAPE, "'%.100s': %zu rows are no gates of %zu units each",
                         recurrent->name, rows, units);
    if (rows == units)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "'%.100s' belongs to a plain nn.RNN; LSTM and GRU are known",
                         kernel->name);
    if (rows / units != 4 && rows / units != 3)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "'%.100s' belongs to a cell of %zu gates; an LSTM has 4, a GRU 3",
                         kernel->name, rows / units);
    module->kind = rows / units == 4 ? TORCH_LSTM : TORCH_GRU;
    return LSTM_OK;
}

static enum lstm_status read_recurrent(struct torch_module *module, struct lstm_error *error)
{
    const bool numbered = torch_module_parameter(module, "weight_ih") == NULL;
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        if (is_in(module, name) && !is_cell_parameter(name + module->n_prefix, numbered))
            return refuse_module(module, error);
    }
    enum lstm_status status = measure_cell(module, numbered ? "_l0" : "", error);
    if (status != LSTM_OK || !numbered)
        return status;
    module->bidirectional = torch_module_parameter(module, "weight_ih_l0_reverse") != NULL;
    module->width *= module->bidirectional ? 2 : 1;
    char name[64] = "weight_ih_l0";
    while (module->n_layers <= IMPORT_MAX_LAYERS && torch_module_parameter(module, name) != NULL)
        snprintf(name, sizeof name, "weight_ih_l%zu", ++module->n_layers);
    return LSTM_OK;
}

static enum lstm_status read_module(struct torch_module *module, struct lstm_error *error)
{
    if (torch_module_parameter(module, "weight_ih_l0") != NULL ||
        torch_module_parameter(module, "weight_ih") != NULL)
        return read_recurrent(module, error);
    const struct import_array *weight = torch_module_parameter(module, "weight");
    const bool is_plain =
        has_only(module, (const char *const[]){"weight", "bias", NULL}) && weight != NULL;
    if (!is_plain || weight->rank != 2 || weight->shape[0] == 0 || weight->shape[1] == 0)
        return refuse_module(module, error);
    module->kind = torch_module_parameter(module, "bias") != NULL ? TORCH_LINEAR : TORCH_WEIGHT;
    module->inputs = weight->shape[1];
    module->width = weight->shape[0];
    return LSTM_OK;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static size_t group_bytes(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? 0 : (size_t)(slash - name) + 1;
}

/* Of the dicts of a checkpoint, that with recurrent weights is the state_dict. */
static enum lstm_status find_group(const struct import_source *source, const char *scope,
                                   const char **group, size_t *n_group, struct lstm_error *error)
{
    *group = NULL;
    for (size_t k = 0; k < source->n_arrays; k++) {
        const char *name = source->arrays[k].name, *last = last_part(name);
        if (strncmp(name, scope, strlen(scope)) != 0 ||
            (strcmp(last, "weight_ih_l0") != 0 && strcmp(last, "weight_ih") != 0))
            continue;
        const size_t n = group_bytes(name);
        if (*group == NULL) {
            *group = name;
            *n_group = n;
        } else if (n != *n_group || strncmp(*group, name, n) != 0) {
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "there are networks under '%.*s' and under '%.*s': --scope says which",
                             (int)(*n_group < 80 ? *n_group : 80), *group, (int)(n < 80 ? n : 80),
                             name);
        }
    }
    if (*group == NULL)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "none of the %zu arrays%s%.60s is a recurrent layer's (weight_ih_l0 or "
                         "weight_ih); lstmd serves networks "
                         "that have an LSTM or a GRU; `lstmd inspect` lists the arrays",
                         source->n_arrays, scope[0] == '\0' ? "" : " under ", scope);
    return LSTM_OK;
}

static bool is_known(const struct torch_modules *modules, const char *name)
{
    for (size_t k = 0; k < modules->n; k++)
        if (is_in(&modules->modules[k], name))
            return true;
    return false;
}

enum lstm_status torch_modules_find(const struct import_source *source, const char *scope,
                                    struct torch_modules *modules, struct lstm_error *error)
{
    const char *group;
    size_t n_group = 0;
    scope = scope == NULL ? "" : scope;
    *modules = (struct torch_modules){0};
    enum lstm_status status = find_group(source, scope, &group, &n_group, error);
    for (size_t k = 0; k < source->n_arrays && status == LSTM_OK; k++) {
        const char *name = source->arrays[k].name;
        if (strncmp(name, scope, strlen(scope)) != 0 || group_bytes(name) != n_group ||
            strncmp(name, group, n_group) != 0) {
            if (modules->n_left_out++ == 0)
                modules->left_out = name;
            continue;
        }
        if (is_known(modules, name))
            continue;
        if (modules->n == IMPORT_MAX_LAYERS)
            return lstm_fail(error, LSTM_UNSUPPORTED, "there are more than %d modules",
                             IMPORT_MAX_LAYERS);
        struct torch_module *module = &modules->modules[modules->n++];
        *module = (struct torch_module){.source = source,
                                        .prefix = name,
                                        .n_prefix = (size_t)(last_part(name) - name),
                                        .n_group = n_group};
        status = read_module(module, error);
    }
    return status;
}
