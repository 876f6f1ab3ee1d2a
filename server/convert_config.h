/* convert_config.h: what the options of `lstmd convert` and `inspect` fill.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONVERT_CONFIG_H
#define CONVERT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct convert_config {
    const char *out, *format, *activation, *recurrent_activation;
    const char *hidden_activation, *output_activation, *scope;
    const char *inputs, *pooling;
    const char *labels, *layers; /* NULL: not given; so are the texts above */
    double forget_bias;          /* NaN: not given */
    double scale;
    int64_t steps, shared_layers;
    bool return_sequences;
    bool if_empty;
};

struct inspect_config {
    const char *format;
    bool json;
};

#endif
