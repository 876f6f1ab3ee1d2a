/* fuzz_pickle.c: no pickle crashes the machine or the search for tensors in what it leaves; what is
 * refused, is refused with a sentence. The input is all that stands behind the header of a PyTorch
 * file of before 1.6. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                             "\x80\x02M\xe9\x03.\x80\x02}.";

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void use(struct lstm_source *source)
{
    struct lstm_error error = {.text = ""};
    struct lstm_model *model;
    enum lstm_status status = lstm_source_model(source, NULL, &model, &error);
    require(status == LSTM_OK ? model != NULL : model == NULL && error.text[0] != '\0');
    lstm_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t n_header = sizeof header - 1;
    unsigned char *bytes = malloc(n_header + size);
    memcpy(bytes, header, n_header);
    if (size > 0)
        memcpy(bytes + n_header, data, size);
    const struct lstm_source_file file = {"weights.pt", bytes, n_header + size};
    struct lstm_source *source = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_source_parse(&file, 1, NULL, &source, &error);
    if (status == LSTM_OK)
        use(source);
    else
        require(source == NULL && error.status == status && error.text[0] != '\0');
    lstm_source_destroy(source);
    free(bytes);
    return 0;
}
