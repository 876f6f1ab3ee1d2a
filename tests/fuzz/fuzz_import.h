/* fuzz_import.h: what the fuzzers of importers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_IMPORT_H
#define FUZZ_IMPORT_H

#include <stdlib.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Opens the bytes as a file of this format and makes a model of it. What is refused has a sentence,
 * and leaves nothing behind. */
static void fuzz_import(const uint8_t *data, size_t size, const char *format)
{
    const struct lstm_source_file file = {"input", data, size};
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_source_parse(&file, 1, format, &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, &model, &error);
    if (status == LSTM_OK ? model == NULL : model != NULL || error.text[0] == '\0')
        abort();
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}

#endif
