/* golden_forward.c: the table of cases, and their numbers. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/golden_forward.h"

#include <stdio.h>

const struct golden_case golden_cases[N_GOLDEN_CASES] = {
    {"single", 1, false, false, 1},
    {"single_forget_bias_0", 0, false, false, 1},
    {"single_initial_state", 1, true, false, 1},
    {"single_sequence_length", 1, true, true, 1},
    {"multi", 1, false, false, 2},
};

const size_t golden_lengths[GOLDEN_BATCH] = {2, 1, 0};

static void load_tensor(const json_t *golden, const char *key, struct reference_tensor *tensor)
{
    golden_values(golden, key, tensor->data, tensor->n);
}

struct reference_network golden_network(const json_t *golden, const struct golden_case *this_case)
{
    struct reference_network network = {.features = GOLDEN_EMBED, .n_layers = this_case->n_cells};
    for (size_t k = 0; k < this_case->n_cells; k++)
        network.layers[k] = (struct reference_layer){
            .kind = REFERENCE_LSTM,
            .name = k == 0 ? "cell_0" : "cell_1",
            .units = GOLDEN_UNITS,
            .forget_bias = this_case->forget_bias,
            .return_sequences = k + 1 < this_case->n_cells,
        };
    reference_init(&network, 1);
    for (size_t k = 0; k < this_case->n_cells; k++) {
        load_tensor(golden, k == 0 ? "kernel" : "kernel2", &network.layers[k].tensors[0]);
        load_tensor(golden, k == 0 ? "bias" : "bias2", &network.layers[k].tensors[1]);
    }
    return network;
}

void golden_state(const json_t *golden, const struct golden_case *this_case, size_t step,
                  const char *part, size_t cell, double *values)
{
    char path[96];
    if (this_case->n_cells == 1)
        snprintf(path, sizeof path, "%s/steps/%zu/%s", this_case->name, step, part);
    else
        snprintf(path, sizeof path, "%s/steps/%zu/%s/%zu", this_case->name, step, part, cell);
    golden_values(golden, path, values, GOLDEN_BATCH * GOLDEN_UNITS);
}

void golden_output(const json_t *golden, const struct golden_case *this_case, size_t step,
                   double *values)
{
    char path[96];
    snprintf(path, sizeof path, "%s/steps/%zu/output", this_case->name, step);
    golden_values(golden, path, values, GOLDEN_BATCH * GOLDEN_UNITS);
}
