/* safetensors_write.c: the writing half. SPDX-License-Identifier: Apache-2.0
 *
 * Tensors go out in the order given; the header is padded with spaces to 8 bytes, so that a reader
 * may map the data. */
#include <stdlib.h>
#include <string.h>

#include "core/float_formats.h"
#include "core/safetensors.h"
#include "core/spec.h"
#include "core/status.h"
#include "core/text.h"

static size_t elements(const struct safetensors_tensor *tensor)
{
    return tensor->rank == 2 ? tensor->shape[0] * tensor->shape[1] : tensor->shape[0];
}

static size_t data_size(const struct safetensors_tensor *tensor)
{
    return elements(tensor) * float_format_bytes(tensor->dtype);
}

enum lstm_status safetensors_data(const struct safetensors_tensor *tensors, size_t n, char **data,
                                  size_t *data_bytes, struct lstm_error *error)
{
    size_t bytes = 0;
    *data = NULL;
    for (size_t i = 0; i < n; i++)
        bytes += data_size(&tensors[i]);
    unsigned char *made = malloc(bytes + 1);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu bytes of weights", bytes);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        float_format_write(tensors[i].dtype, tensors[i].data, elements(&tensors[i]), made + at);
        at += data_size(&tensors[i]);
    }
    *data = (char *)made;
    *data_bytes = bytes;
    return LSTM_OK;
}

static void put_converted(const struct safetensors_tensor *tensor, struct file_writer *writer)
{
    enum { PIECE = 1 << 16 };
    unsigned char piece[PIECE];
    const size_t bytes = float_format_bytes(tensor->dtype), most = PIECE / bytes;
    const size_t all = elements(tensor);
    for (size_t done = 0, now; done < all; done += now) {
        now = all - done < most ? all - done : most;
        float_format_write(tensor->dtype, tensor->data + done, now, piece);
        file_put(writer, piece, now * bytes);
    }
}

void safetensors_put(const struct safetensors_tensor *tensors, size_t n, struct file_writer *writer)
{
    for (size_t i = 0; i < n; i++)
        if (float_format_is_native(tensors[i].dtype))
            file_put(writer, tensors[i].data, data_size(&tensors[i]));
        else
            put_converted(&tensors[i], writer);
}

static void put_tensor(struct text *out, const struct safetensors_tensor *tensor, size_t begin)
{
    text_printf(out, "\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", tensor->name,
                spec_dtype_names[tensor->dtype], tensor->shape[0]);
    if (tensor->rank == 2)
        text_printf(out, ",%zu", tensor->shape[1]);
    text_printf(out, "],\"data_offsets\":[%zu,%zu]}", begin, begin + data_size(tensor));
}

static void put_texts(struct text *out, const struct safetensors_text *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        text_printf(out, "%s\"%s\":", i > 0 ? "," : "", texts[i].key);
        text_quote(out, texts[i].text);
    }
}

enum lstm_status safetensors_header(const struct safetensors_tensor *tensors, size_t n,
                                    const struct safetensors_text *texts, size_t n_texts,
                                    char **header, size_t *header_bytes, struct lstm_error *error)
{
    struct text out = {0};
    const char length_word[8] = {0};
    size_t begin = 0;
    *header = NULL;
    text_put(&out, length_word, sizeof length_word);
    text_printf(&out, n_texts > 0 ? "{\"__metadata__\":{" : "{");
    put_texts(&out, texts, n_texts);
    if (n_texts > 0)
        text_printf(&out, n > 0 ? "}," : "}");
    for (size_t i = 0; i < n; i++) {
        put_tensor(&out, &tensors[i], begin);
        begin += data_size(&tensors[i]);
        text_printf(&out, i + 1 < n ? "," : "");
    }
    text_put(&out, "}", 1);
    text_printf(&out, "%*s", (int)((8 - out.n % 8) % 8), "");
    if (out.failed) {
        free(out.data);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a header");
    }
    const uint64_t length = out.n - sizeof length_word;
    for (size_t i = 0; i < sizeof length_word; i++)
        out.data[i] = (char)(length >> 8 * i & 0xff);
    *header = out.data;
    *header_bytes = out.n;
    return LSTM_OK;
}
