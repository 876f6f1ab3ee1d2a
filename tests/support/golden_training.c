/* golden_training.c: the network of the training cases. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/golden_training.h"

#include "tests/support/model_builder.h"

const struct golden_training golden_trainings[N_GOLDEN_TRAININGS] = {
    {"demo7_double_softmax", "{\"loss\":\"softmax_cross_entropy_on_softmax\"}", {2, 2, 2}},
    {"plain", "{\"loss\":\"softmax_cross_entropy\"}", {2, 2, 2}},
    {"plain_sequence_length", "{\"loss\":\"softmax_cross_entropy\"}", {2, 1, 2}},
};

static void load_tensor(const json_t *golden, const char *key, struct reference_tensor *tensor)
{
    golden_values(golden, key, tensor->data, tensor->n);
}

struct lstm_model *golden_training_model(const json_t *golden,
                                         const struct golden_training *this_case)
{
    struct reference_network network = {
        .features = GOLDEN_EMBED,
        .n_layers = 2,
        .layers = {{.kind = REFERENCE_LSTM,
                    .name = "rnn/basic_lstm_cell",
                    .units = GOLDEN_UNITS,
                    .forget_bias = 1},
                   {.kind = REFERENCE_DENSE,
                    .name = "softmax",
                    .units = GOLDEN_CLASSES,
                    .activation = "softmax"}},
    };
    reference_init(&network, 1);
    load_tensor(golden, "init/kernel", &network.layers[0].tensors[0]);
    load_tensor(golden, "init/bias", &network.layers[0].tensors[1]);
    load_tensor(golden, "init/w", &network.layers[1].tensors[0]);
    load_tensor(golden, "init/b", &network.layers[1].tensors[1]);
    const struct build_options options = {.training = this_case->training};
    struct lstm_model *model = build_model(&network, &options);
    reference_release(&network);
    return model;
}
