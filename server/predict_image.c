/* predict_image.c: a picture of a digit to a sequence of its 28 rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "core/status.h"
#include "server/png.h"
#include "server/predict_codec.h"

static enum lstm_status check_model(const struct lstm_model_info *info, struct lstm_error *error)
{
    if (info->steps == LSTM_DIGIT_SIDE && info->features == LSTM_DIGIT_SIDE &&
        info->vocabulary == 0)
        return LSTM_OK;
    char steps[32] = "any number of";
    if (info->steps > 0)
        snprintf(steps, sizeof steps, "%zu", info->steps);
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "image/png: expected a model of %d steps of %d numbers; this one takes %s "
                     "steps of %zu %s, so send JSON",
                     LSTM_DIGIT_SIDE, LSTM_DIGIT_SIDE, steps, info->features,
                     info->vocabulary > 0 ? "token ids" : "numbers");
}

enum lstm_status predict_decode_png(const struct lstm_model *model,
                                    const struct predict_limits *limits, const void *body, size_t n,
                                    struct predict_call *call, struct lstm_error *error)
{
    uint8_t digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE];
    struct png_image image = {0};
    *call = (struct predict_call){0};
    enum lstm_status status = check_model(lstm_model_info(model), error);
    if (status == LSTM_OK)
        status = png_decode(body, n, &image, error);
    if (status != LSTM_OK)
        return status;
    if (!lstm_image_ink(image.grey, image.alpha, image.height, image.width, image.grey) ||
        !lstm_digit_prepare(image.grey, image.height, image.width, digit))
        status = lstm_fail(error, LSTM_INVALID,
                           "the body: the picture is empty: nothing in its %zux%zu pixels differs "
                           "from its border; draw a digit",
                           image.width, image.height);
    else
        status =
            predict_decode_octets(model, limits, digit, sizeof digit, OCTET_UINT8, call, error);
    png_image_release(&image);
    return status;
}
