/* predict_octets.c: predict bodies of raw numbers to sequences. SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/predict_call.h"

/* A format of octet bodies. */
struct octet_format {
    const char *name;
    size_t bytes;  /* of a number */
    bool is_float; /* it may be infinite or NaN */
    void (*convert)(const unsigned char *octets, size_t n, float scale, float *values);
};

static void convert_float32(const unsigned char *octets, size_t n, float scale, float *values)
{
    (void)scale; /* floats are taken as they are */
    for (size_t i = 0; i < n; i++, octets += 4) {
        const uint32_t bits = (uint32_t)octets[0] | (uint32_t)octets[1] << 8 |
                              (uint32_t)octets[2] << 16 | (uint32_t)octets[3] << 24;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

/* In blocks, which a compiler turns into vectors at any level of optimisation. */
static void convert_uint8(const unsigned char *restrict octets, size_t n, float scale,
                          float *restrict values)
{
    enum { BLOCK = 16 };
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            values[i + k] = (float)octets[i + k] * scale;
    for (; i < n; i++)
        values[i] = (float)octets[i] * scale;
}

static const struct octet_format formats[] = {
    [OCTET_FLOAT32] = {"float32", 4, true, convert_float32},
    [OCTET_UINT8] = {"uint8", 1, false, convert_uint8},
};

/* values: n, of instances of that many each. */
static enum lstm_status check_values(const struct lstm_model_info *info,
                                     const struct octet_format *format, const float *values,
                                     size_t n, size_t per_instance, struct lstm_error *error)
{
    for (size_t i = 0; format->is_float && i < n; i++) {
        if (!isfinite(values[i]))
            return lstm_fail(error, LSTM_INVALID,
                             "instance %zu, number %zu: expected a finite number, found %g",
                             i / per_instance, i % per_instance, (double)values[i]);
    }
    const size_t bad = predict_call_find_bad_token(info, values, n);
    if (bad == n)
        return LSTM_OK;
    return lstm_fail(error, LSTM_INVALID,
                     "instance %zu, number %zu: expected a whole number from 0 to %zu, found %.9g",
                     bad / per_instance, bad % per_instance, info->vocabulary - 1,
                     (double)values[bad]);
}

/* How many steps a piece of n bytes has: all of the body is one instance. */
static enum lstm_status count_steps(const struct lstm_model_info *info,
                                    const struct predict_limits *limits,
                                    const struct octet_format *format, size_t n, size_t *steps,
                                    struct lstm_error *error)
{
    const size_t step_bytes = info->features * format->bytes;
    const size_t most =
        info->steps > 0 && info->steps < limits->max_steps ? info->steps : limits->max_steps;
    *steps = n / step_bytes;
    if (n > 0 && n % step_bytes == 0 && *steps <= most)
        return LSTM_OK;
    return lstm_fail(error, LSTM_SHAPE,
                     "the body: expected 1 to %zu steps of %zu bytes (%zu %s), found %zu bytes",
                     most, step_bytes, info->features, format->name, n);
}

/* How many instances of the model's steps n bytes are. */
static enum lstm_status count_instances(const struct lstm_model_info *info,
                                        const struct predict_limits *limits,
                                        const struct octet_format *format, size_t n,
                                        size_t *n_instances, struct lstm_error *error)
{
    if (info->steps == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "a body of raw numbers needs a model of a fixed number of steps; this one "
                         "takes any number, so send JSON");
    if (info->steps > limits->max_steps)
        return lstm_fail(error, LSTM_INVALID,
                         "an instance has %zu steps, but the server takes at most %zu", info->steps,
                         limits->max_steps);
    const size_t instance_bytes = info->steps * info->features * format->bytes;
    if (n == 0 || n % instance_bytes != 0)
        return lstm_fail(error, LSTM_SHAPE,
                         "the body: expected a multiple of %zu bytes (%zu steps of %zu %s), found "
                         "%zu bytes",
                         instance_bytes, info->steps, info->features, format->name, n);
    *n_instances = n / instance_bytes;
    return LSTM_OK;
}

enum lstm_status predict_decode_octets(const struct lstm_model *model,
                                       const struct predict_limits *limits, const void *body,
                                       size_t n, enum octet_type type, struct predict_call *call,
                                       struct lstm_error *error)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const struct octet_format *const format = &formats[type];
    const size_t n_values = n / format->bytes;
    size_t n_instances = 1, steps = info->steps;
    *call = (struct predict_call){0};
    enum lstm_status status = limits->takes_pieces
                                  ? count_steps(info, limits, format, n, &steps, error)
                                  : count_instances(info, limits, format, n, &n_instances, error);
    if (status != LSTM_OK)
        return status;
    status = predict_call_init(call, PREDICT_ROW, error);
    if (status != LSTM_OK)
        return status;
    status = predict_call_add_sequences(call, n_instances, limits, "the body", error);
    if (status != LSTM_OK)
        goto out;

    float *const inputs = malloc(n_values * sizeof *inputs);
    predict_call_memory(call)->inputs = inputs;
    if (inputs == NULL) {
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu inputs", n_values);
        goto out;
    }
    format->convert(body, n_values, info->scale, inputs);
    status = check_values(info, format, inputs, n_values, steps * info->features, error);
    if (status != LSTM_OK)
        goto out;
    call->steps = steps;
    for (size_t i = 0; i < n_instances; i++) {
        call->sequences[i].input = inputs + i * steps * info->features;
        call->sequences[i].steps = steps;
    }
out:
    if (status != LSTM_OK)
        predict_call_release(call);
    return status;
}
