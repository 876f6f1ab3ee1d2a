/* cmd_inspect.c: `lstmd inspect`: the arrays of a model file, and the network in them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/commands.h"
#include "server/convert_config.h"
#include "server/source_text.h"

/* A file without a network that lstmd knows can still be looked at. */
static void describe(const struct inspect_config *config, struct lstm_source *source,
                     struct buf *out)
{
    const struct lstm_import_options options = {.forget_bias = (double)NAN};
    struct lstm_model *model;
    struct lstm_error error;
    const bool is_known = lstm_source_model(source, &options, &model, &error) == LSTM_OK;
    if (config->json) {
        source_write_json(source, is_known ? NULL : error.text, out);
    } else {
        buf_printf(out, "%s (--format %s)\n\n", lstm_source_title(source),
                   lstm_source_name(source));
        source_write_arrays(source, out);
        buf_text(out, "\n");
        if (is_known)
            source_write_layers(source, out);
        else
            buf_printf(out, "no model can be made of it: %s\n", error.text);
        source_write_notes(source, out);
    }
    lstm_model_destroy(model);
}

int cmd_inspect(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    const struct inspect_config *inspect = config;
    struct lstm_source *source;
    struct lstm_error error;
    struct buf out;
    if (lstm_source_open(arguments[0], inspect->format, &source, &error) != LSTM_OK) {
        fprintf(stderr, "lstmd inspect: %s\n", error.text);
        return error.status == LSTM_IO || error.status == LSTM_NO_MEMORY ? EXIT_FAILURE
                                                                         : EXIT_USAGE;
    }
    buf_init(&out, SIZE_MAX);
    describe(inspect, source, &out);
    lstm_source_destroy(source);
    const bool fine =
        !out.failed && fwrite(out.data, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_release(&out);
    if (!fine)
        fprintf(stderr, "lstmd inspect: cannot write all of it\n");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
