/* fuzz_predict_raw.c: no body of raw numbers and no picture makes its decoder misbehave, and what
 * they accept lies within the limits and its own memory. SPDX-License-Identifier: Apache-2.0
 *
 * The first byte is the kind of body: float32, uint8 or PNG. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/predict_call.h"
#include "tests/fuzz/png_mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MODEL(input) "{\"format\":\"lstmd-model-1\",\"input\":{" input "},\"layers\":[" LAYER "]}"
#define LAYER        "{\"type\":\"gru\",\"units\":1}"

static const char *const model_texts[] = {
    MODEL("\"steps\":2,\"features\":3"),
    MODEL("\"features\":2"),
    MODEL("\"steps\":20,\"features\":1"),
    MODEL("\"steps\":28,\"features\":28,\"scale\":0.00392"),
    "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":3,\"features\":1},\"layers\":["
    "{\"type\":\"embedding\",\"vocabulary\":10,\"units\":2}," LAYER "]}",
};
enum { N_MODELS = sizeof model_texts / sizeof *model_texts };

static const struct predict_limits all_limits[] = {
    {.max_instances = 8, .max_steps = 4},
    {.max_instances = 8, .max_steps = 28},
    {.max_instances = 8, .max_steps = 28, .takes_pieces = true},
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static struct lstm_model *get_model(size_t i)
{
    static struct lstm_model *models[N_MODELS];
    if (models[i] == NULL)
        require(lstm_model_create(model_texts[i], strlen(model_texts[i]), 1, &models[i], NULL) ==
                LSTM_OK);
    return models[i];
}

static void check_call(const struct lstm_model_info *info, const struct predict_limits *limits,
                       const struct predict_call *call)
{
    require(call->n >= 1 && call->n <= limits->max_instances);
    for (size_t i = 0; i < call->n; i++) {
        const struct lstm_sequence *const sequence = &call->sequences[i];
        require(sequence->steps >= 1 && sequence->steps <= limits->max_steps);
        for (size_t k = 0; k < sequence->steps * info->features; k++)
            require(isfinite(sequence->input[k]) &&
                    (info->vocabulary == 0 ||
                     (sequence->input[k] >= 0 && sequence->input[k] < (float)info->vocabulary)));
    }
}

static void decode(const struct lstm_model *model, const struct predict_limits *limits,
                   unsigned kind, const uint8_t *body, size_t n)
{
    struct predict_call call;
    struct lstm_error error = {.text = ""};
    const enum lstm_status status =
        kind == 2 ? predict_decode_png(model, limits, body, n, &call, &error)
                  : predict_decode_octets(model, limits, body, n,
                                          kind == 0 ? OCTET_FLOAT32 : OCTET_UINT8, &call, &error);
    if (status == LSTM_OK)
        check_call(lstm_model_info(model), limits, &call);
    else
        require(call.sequences == NULL && call.memory == NULL && error.text[0] != '\0');
    predict_call_release(&call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const unsigned kind = data[0] % 3;
    if (kind == 2 && png_mend_is_slow(data + 1, size - 1))
        return 0;
    for (size_t i = 0; i < N_MODELS; i++)
        for (size_t k = 0; k < sizeof all_limits / sizeof *all_limits; k++)
            decode(get_model(i), &all_limits[k], kind, data + 1, size - 1);
    return 0;
}
