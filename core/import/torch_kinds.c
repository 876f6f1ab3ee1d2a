/* torch_kinds.c: which kind of module parameters belong to, by their names and shapes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/torch_modules.h"
#include "core/status.h"

/* ---- Modules that have no layer here ----------------------------------------------------------
 */

/* Parameters that tell of them. The first row that fits is named. */
static const struct {
    const char *parameter; /* the name, or its end if it begins with '*' */
    size_t rank;           /* at least; 0: any */
    const char *what;
} other_modules[] = {
    {"running_mean", 0, "a batch normalisation"},
    {"in_proj_weight", 0, "an attention (nn.MultiheadAttention)"},
    {"*_g", 0, "a layer under weight normalisation: save after remove_weight_norm()"},
    {"*_u", 0, "a layer under spectral normalisation: save after remove_spectral_norm()"},
    {"*_mask", 0, "a layer that is pruned: save after torch.nn.utils.prune.remove()"},
    {"*_orig", 0, "a layer that is pruned or normalised: save after its remove()"},
    {"*_raw", 0, "a layer under weight dropping: save it without"},
    {"_packed_params", 0, "a quantised layer"},
    {"weight", 4, "a convolution"},
    {"weight", 3, "a convolution or nn.Bilinear"},
    {"weight", 0, "a normalisation or nn.PReLU"},
};

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* Of torch.nn.utils.parametrizations: "fc" has the arrays "fc.parametrizations.weight.original". */
static const char *find_parametrized(const struct torch_module *module)
{
    static const char folder[] = "parametrizations.";
    const size_t n = strlen(folder);
    const bool is_inside = memmem(module->prefix, module->n_prefix, folder, n) != NULL;
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        if (strncmp(name, module->prefix, module->n_prefix) == 0 &&
            (is_inside || strncmp(name + module->n_prefix, folder, n) == 0))
            return name;
    }
    return NULL;
}

const char *torch_module_stranger(const struct torch_module *module, const char **name)
{
    *name = find_parametrized(module);
    if (*name != NULL)
        return "a parametrized layer: save after "
               "torch.nn.utils.parametrize.remove_parametrizations()";
    for (size_t row = 0; row < sizeof other_modules / sizeof *other_modules; row++)
        for (size_t k = 0; k < module->source->n_arrays; k++) {
            const struct import_array *array = &module->source->arrays[k];
            const char *wanted = other_modules[row].parameter;
            if (!torch_module_owns(module, array->name) || array->rank < other_modules[row].rank)
                continue;
            *name = array->name + module->n_prefix;
            if (wanted[0] == '*' ? ends_with(*name, wanted + 1) : strcmp(*name, wanted) == 0) {
                *name = array->name;
                return other_modules[row].what;
            }
        }
    return NULL;
}

static enum lstm_status refuse_module(const struct torch_module *module, struct lstm_error *error)
{
    const char *name, *what = torch_module_stranger(module, &name);
    for (size_t k = 0; what == NULL && k < module->source->n_arrays; k++) {
        name = module->source->arrays[k].name;
        if (!torch_module_owns(module, name))
            continue;
        what = strcmp(name + module->n_prefix, "bias") == 0 ? "a module without a 'weight'"
                                                            : "a module of no known kind";
    }
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "'%.60s' belongs to %s; lstmd has LSTM, GRU, Linear and Embedding, and "
                     "--layers names those that run",
                     name, what);
}

/* ---- Linear layers and embeddings --------------------------------------------------------------
 */

/* Whether the module has no other parameters than these. */
static bool has_only(const struct torch_module *module, const char *const *names)
{
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        size_t i = 0;
        if (!torch_module_owns(module, name))
            continue;
        while (names[i] != NULL && strcmp(names[i], name + module->n_prefix) != 0)
            i++;
        if (names[i] == NULL)
            return false;
    }
    return true;
}

/* ---- Recurrent modules ------------------------------------------------------------------------
 */

/* A parameter of nn.LSTM and its like: "weight_ih_l0_reverse". */
struct cell_parameter {
    size_t n_start; /* characters of "weight_ih" */
    size_t layer;
    bool is_reverse;
};

/* Whether `name` is one; without a number if it is a cell's. */
static bool read_cell_parameter(const char *name, bool numbered, struct cell_parameter *parameter)
{
    static const char *const starts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                         "weight_hr"};
    *parameter = (struct cell_parameter){0};
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
        if (strncmp(name, starts[k], strlen(starts[k])) == 0)
            parameter->n_start = strlen(starts[k]);
    const char *end = name + parameter->n_start;
    if (parameter->n_start == 0 || !numbered)
        return parameter->n_start > 0 && *end == '\0';
    const size_t n_digits = strncmp(end, "_l", 2) == 0 ? strspn(end + 2, "0123456789") : 0;
    if (n_digits == 0 || (n_digits > 1 && end[2] == '0'))
        return false;
    parameter->layer = strtoul(end + 2, NULL, 10);
    end += 2 + n_digits;
    parameter->is_reverse = strcmp(end, "_reverse") == 0;
    return *end == '\0' || parameter->is_reverse;
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

/* Names what keeps a parameter from being used: PyTorch saves all of a module's or none. */
static enum lstm_status check_used(const struct torch_module *module, const char *path,
                                   const struct cell_parameter *parameter, struct lstm_error *error)
{
    const char *missing = NULL, *name = path + module->n_prefix;
    char first[64];
    snprintf(first, sizeof first, "weight_ih_l%zu", module->n_layers);
    if (module->n_layers > 0 && parameter->layer >= module->n_layers)
        missing = first;
    else if (parameter->is_reverse && !module->bidirectional)
        missing = "weight_ih_l0_reverse";
    else if (strncmp(name, "weight_hr", parameter->n_start) == 0 && !module->projected)
        missing = "weight_hr_l0";
    else if (strncmp(name, "bias", strlen("bias")) == 0 && !module->biased)
        missing = module->n_layers > 0 ? "bias_ih_l0" : "bias_ih";
    if (missing == NULL)
        return LSTM_OK;
    return lstm_fail(error, LSTM_NOT_FOUND,
                     "'%.80s' is there, but its module has no '%s': the file is not whole; save "
                     "all of model.state_dict()",
                     path, missing);
}

static enum lstm_status read_recurrent(struct torch_module *module, struct lstm_error *error)
{
    const bool numbered = torch_module_parameter(module, "weight_ih") == NULL;
    struct cell_parameter parameter;
    for (size_t k = 0; k < module->source->n_arrays; k++) {
        const char *name = module->source->arrays[k].name;
        if (torch_module_owns(module, name) &&
            !read_cell_parameter(name + module->n_prefix, numbered, &parameter))
            return refuse_module(module, error);
    }
    enum lstm_status status = measure_cell(module, numbered ? "_l0" : "", error);
    if (status != LSTM_OK)
        return status;
    module->biased = torch_module_parameter(module, numbered ? "bias_ih_l0" : "bias_ih") != NULL;
    module->bidirectional = torch_module_parameter(module, "weight_ih_l0_reverse") != NULL;
    module->width *= module->bidirectional ? 2 : 1;
    char next[64] = "weight_ih_l0";
    while (module->n_layers <= IMPORT_MAX_LAYERS && torch_module_parameter(module, next) != NULL)
        snprintf(next, sizeof next, "weight_ih_l%zu", ++module->n_layers);
    for (size_t k = 0; k < module->source->n_arrays && status == LSTM_OK; k++) {
        const char *name = module->source->arrays[k].name;
        if (torch_module_owns(module, name) &&
            read_cell_parameter(name + module->n_prefix, numbered, &parameter))
            status = check_used(module, name, &parameter, error);
    }
    return status;
}

/* Arrays that the source has, and of which it does not say what they hold. */
static enum lstm_status check_readable(const struct torch_module *module, struct lstm_error *error)
{
    for (size_t k = 0; k < module->source->n_arrays; k++)
        if (module->source->arrays[k].dtype == IMPORT_OTHER &&
            torch_module_owns(module, module->source->arrays[k].name))
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "'%.80s' is no tensor that can be read (a NumPy array, another object "
                             "of Python, or a rare type); save tensors: "
                             "torch.save(model.state_dict(), path)",
                             module->source->arrays[k].name);
    return LSTM_OK;
}

enum lstm_status torch_module_read(struct torch_module *module, struct lstm_error *error)
{
    enum lstm_status status = check_readable(module, error);
    if (status != LSTM_OK)
        return status;
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
