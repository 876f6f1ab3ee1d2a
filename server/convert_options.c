/* convert_options.c: the options of `lstmd convert` and `lstmd inspect`.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "server/commands.h"
#include "server/convert_config.h"

#define FIELD(name) offsetof(struct convert_config, name)

const struct option convert_options[] = {
    {"activation", OPTION_TEXT, FIELD(activation), .value = "NAME",
     .help = "activation of the recurrent cells, where the source does not say it"},
    {"forget-bias", OPTION_REAL, FIELD(forget_bias), .min = -1000, .max = 1000, .value = "X",
     .help = "what an LSTM adds to its forget gate at run time; TensorFlow 1 adds 1, which its "
             "checkpoints do not hold, the others 0"},
    {"format", OPTION_TEXT, FIELD(format), .value = "NAME",
     .help = "format of the source, as lstmd inspect names it; none: recognised by its content"},
    {"hidden-activation", OPTION_TEXT, FIELD(hidden_activation), .value = "NAME",
     .help = "activation of the dense layers but the last, where the source does not say it"},
    {"if-empty", OPTION_FLAG, FIELD(if_empty),
     .help = "write nothing where the model has a version already, and succeed: for whoever fills "
             "a repository each time that something starts"},
    {"inputs", OPTION_TEXT, FIELD(inputs), .value = "FOLDER",
     .help = "of an ONNX graph whose weights are inputs: the folder beside the file that has their "
             "values, input_<k>.pb"},
    {"labels", OPTION_TEXT, FIELD(labels), .value = "LIST",
     .help = "names of the outputs, as a,b,c, or @FILE with one a line"},
    {"layers", OPTION_TEXT, FIELD(layers), .value = "LIST",
     .help = "PyTorch's modules, TensorFlow 1's scopes or the layers of Keras weights that run, as "
             "a,b,c in this order, the others being left out; none: as the output tells"},
    {"out", OPTION_TEXT, FIELD(out), .value = "DIR",
     .help = "the model's folder, MODELS/NAME; the next version is written there (required)"},
    {"output-activation", OPTION_TEXT, FIELD(output_activation), .value = "NAME",
     .help = "activation of the last dense layer, where the source does not say it"},
    {"pooling", OPTION_TEXT, FIELD(pooling), .value = "NAME",
     .help = "what the last recurrent layer passes on, where the source does not say it: the mean, "
             "max or last of its outputs at all steps, as output[:, -1] is; none: its final h"},
    {"recurrent-activation", OPTION_TEXT, FIELD(recurrent_activation), .value = "NAME",
     .help = "activation of the gates, where the source does not say it"},
    {"return-sequences", OPTION_FLAG, FIELD(return_sequences),
     .help = "give an output for every time step, where the source does not say it"},
    {"scale", OPTION_REAL, FIELD(scale), "0", -1e9, 1e9, .value = "X",
     .help = "factor for inputs that come as bytes, like 0.00392156862745098; 0: 1"},
    {"scope", OPTION_TEXT, FIELD(scope), .value = "TEXT",
     .help = "look only at the arrays whose names begin so"},
    {"shared-layers", OPTION_INTEGER, FIELD(shared_layers), "0", 0, 64, .value = "N",
     .help = "so many layers share the one cell of the source, as MultiRNNCell([cell] * N) makes "
             "them; 0: none do"},
    {"steps", OPTION_INTEGER, FIELD(steps), "0", 0, 16777216, .value = "N",
     .help = "exact number of time steps of an instance; 0: as the source says, or any"},
    {0}};

#undef FIELD
#define FIELD(name) offsetof(struct inspect_config, name)

const struct option inspect_options[] = {
    {"format", OPTION_TEXT, FIELD(format), .value = "NAME",
     .help = "format of the file; none: recognised by its content"},
    {"json", OPTION_FLAG, FIELD(json), .help = "print one JSON object instead of tables"},
    {0}};
