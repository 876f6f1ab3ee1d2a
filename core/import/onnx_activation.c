/* onnx_activation.c: the table of activations. SPDX-License-Identifier: Apache-2.0
 *
 * Defaults are those of onnx/docs/Operators.md. A row whose parameters must have one value has it
 * as its default; hard sigmoid alone is known with two. */
#include "core/import/onnx_activation.h"

#include <math.h>
#include <strings.h>

static const struct {
    const char *name, *ours; /* ours NULL: known, but not to lstmd */
    struct onnx_parameters parameters;
} activations[] = {
    {"Affine", "linear", {2, {1, 0}}},
    {"Elu", "elu", {1, {1}}},
    {"Exp", "exponential", {0}},
    {"HardSigmoid", "hard_sigmoid", {2, {0.2, 0.5}}},
    {"LeakyRelu", NULL, {1, {0.01}}},
    {"LogSoftmax", "log_softmax", {0}},
    {"Relu", "relu", {0}},
    {"ScaledTanh", NULL, {2, {1, 1}}},
    {"Selu", "selu", {2, {1.67326319217681884765625, 1.05070102214813232421875}}},
    {"Sigmoid", "sigmoid", {0}},
    {"Softmax", "softmax", {0}},
    {"Softplus", "softplus", {0}},
    {"Softsign", "softsign", {0}},
    {"Tanh", "tanh", {0}},
    {"ThresholdedRelu", NULL, {1, {1}}},
};

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < sizeof activations / sizeof *activations &&
           strcasecmp(activations[i].name, name) != 0)
        i++;
    return i;
}

bool onnx_activation_parameters(const char *name, struct onnx_parameters *parameters)
{
    const size_t i = find(name);
    if (i == sizeof activations / sizeof *activations)
        return false;
    *parameters = activations[i].parameters;
    return true;
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

const char *onnx_activation_find(const char *name, const struct onnx_parameters *parameters)
{
    const size_t i = find(name);
    if (i == sizeof activations / sizeof *activations || activations[i].ours == NULL)
        return NULL;
    const struct onnx_parameters *expected = &activations[i].parameters;
    bool same = true;
    for (size_t k = 0; k < expected->n; k++)
        same &= is_near(parameters->value[k], expected->value[k]);
    if (same)
        return activations[i].ours;
    /* PyTorch's and Keras 3's: relu6(x + 3) / 6. */
    if (strcasecmp(name, "HardSigmoid") == 0 && is_near(parameters->value[0], 1.0 / 6) &&
        is_near(parameters->value[1], 0.5))
        return "hard_sigmoid_keras3";
    return NULL;
}
