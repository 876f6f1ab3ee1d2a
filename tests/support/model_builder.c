/* model_builder.c: writes model.json and weights.safetensors for tests.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model_builder.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"

/* Text that grows in a FILE, so that nothing here has to guess a size. */
struct text {
    char *data;
    size_t size;
    FILE *file;
};

static void text_open(struct text *text)
{
    text->file = open_memstream(&text->data, &text->size);
    ck_assert_ptr_nonnull(text->file);
}

static char *text_close(struct text *text)
{
    ck_assert_int_eq(fclose(text->file), 0);
    return text->data;
}

struct weights_bytes weights_compose(const char *header, const void *data, size_t n_data)
{
    size_t n_header = strlen(header);
    struct weights_bytes bytes = {malloc(8 + n_header + n_data), 8 + n_header + n_data};
    ck_assert_ptr_nonnull(bytes.data);
    for (size_t k = 0; k < 8; k++)
        bytes.data[k] = (uint8_t)(n_header >> (8 * k));
    memcpy(bytes.data + 8, header, n_header);
    if (n_data > 0)
        memcpy(bytes.data + 8 + n_header, data, n_data);
    return bytes;
}

/* What is not said is left out, so that the defaults are tested, too. */
static void write_variant(FILE *file, const struct reference_layer *layer)
{
    if (strcmp(layer->recurrent_activation, "sigmoid") != 0)
        fprintf(file, ",\"recurrent_activation\":\"%s\"", layer->recurrent_activation);
    if (layer->use_peepholes)
        fputs(",\"use_peepholes\":true", file);
    if (layer->num_proj > 0)
        fprintf(file, ",\"num_proj\":%zu", layer->num_proj);
    if (layer->cell_clip > 0)
        fprintf(file, ",\"cell_clip\":%.17g", layer->cell_clip);
    if (layer->proj_clip > 0)
        fprintf(file, ",\"proj_clip\":%.17g", layer->proj_clip);
    if (layer->reset_after)
        fputs(",\"reset_after\":true", file);
}

static void write_recurrent(FILE *file, const struct reference_layer *layer)
{
    fprintf(file, ",\"units\":%zu,\"activation\":\"%s\"%s", layer->units, layer->activation,
            layer->return_sequences ? ",\"return_sequences\":true" : "");
    if (layer->kind == REFERENCE_LSTM)
        fprintf(file, ",\"forget_bias\":%.17g", layer->forget_bias);
    write_variant(file, layer);
    if (layer->go_backwards)
        fputs(",\"go_backwards\":true", file);
    if (layer->bidirectional != NULL)
        fprintf(file, ",\"bidirectional\":\"%s\"", layer->bidirectional);
}

static void write_layer(FILE *file, const struct reference_layer *layer)
{
    static const char *const types[] = {
        [REFERENCE_LSTM] = "lstm",           [REFERENCE_GRU] = "gru",
        [REFERENCE_EMBEDDING] = "embedding", [REFERENCE_DENSE] = "dense",
        [REFERENCE_DROPOUT] = "dropout",     [REFERENCE_MASKING] = "masking",
        [REFERENCE_POOLING] = "pooling",
    };
    fprintf(file, "{\"type\":\"%s\"", types[layer->kind]);
    if (layer->name != NULL)
        fprintf(file, ",\"name\":\"%s\"", layer->name);
    if (layer->kind == REFERENCE_EMBEDDING)
        fprintf(file, ",\"units\":%zu,\"vocabulary\":%zu,\"mask_zero\":%s", layer->units,
                layer->vocabulary, layer->mask_zero ? "true" : "false");
    else if (layer->kind == REFERENCE_DENSE)
        fprintf(file, ",\"units\":%zu,\"activation\":\"%s\"", layer->units, layer->activation);
    else if (layer->kind == REFERENCE_MASKING)
        fprintf(file, ",\"mask_value\":%.17g", layer->mask_value);
    else if (layer->kind == REFERENCE_POOLING)
        fprintf(file, ",\"reduce\":\"%s\"", layer->reduce);
    else if (layer->kind == REFERENCE_DROPOUT)
        fprintf(file, ",\"rate\":%.17g", layer->rate);
    else
        write_recurrent(file, layer);
    fputs(layer->reuse ? ",\"reuse\":true}" : "}", file);
}

char *build_json(const struct reference_network *network, const struct build_options *options)
{
    static const struct build_options none;
    struct text text;
    text_open(&text);
    if (options == NULL)
        options = &none;
    fprintf(text.file, "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":%s,\"features\":%zu}",
            options->steps ? options->steps : "null", network->features);
    fputs(",\"layers\":[", text.file);
    for (size_t k = 0; k < network->n_layers; k++) {
        if (k > 0)
            fputc(',', text.file);
        write_layer(text.file, &network->layers[k]);
    }
    fputc(']', text.file);
    if (options->dtype != NULL)
        fprintf(text.file, ",\"dtype\":\"%s\"", options->dtype);
    if (options->training != NULL)
        fprintf(text.file, ",\"training\":%s", options->training);
    if (options->labels != NULL)
        fprintf(text.file, ",\"labels\":%s", options->labels);
    fputc('}', text.file);
    return text_close(&text);
}

static void write_entry(FILE *file, const char *layer, const struct reference_tensor *tensor,
                        size_t offset)
{
    fprintf(file, "%s\"%s/%s%s\":{\"dtype\":\"F32\",\"shape\":[", offset ? "," : "", layer,
            tensor->scope, tensor->suffix);
    if (tensor->rows > 0)
        fprintf(file, "%zu,", tensor->rows);
    fprintf(file, "%zu],\"data_offsets\":[%zu,%zu]}", tensor->columns, offset,
            offset + 4 * tensor->n);
}

struct weights_bytes build_weights(const struct reference_network *network)
{
    struct text header, data;
    text_open(&header);
    text_open(&data);
    fputc('{', header.file);
    size_t offset = 0;
    for (size_t k = 0; k < network->n_layers; k++) {
        const struct reference_layer *layer = &network->layers[k];
        for (size_t t = 0; !layer->reuse && t < layer->n_tensors; t++) {
            const struct reference_tensor *tensor = &layer->tensors[t];
            write_entry(header.file, layer->name, tensor, offset);
            offset += 4 * tensor->n;
            for (size_t v = 0; v < tensor->n; v++) {
                float value = (float)tensor->data[v];
                fwrite(&value, sizeof value, 1, data.file);
            }
        }
    }
    fputc('}', header.file);
    char *header_text = text_close(&header), *data_bytes = text_close(&data);
    struct weights_bytes bytes = weights_compose(header_text, data_bytes, offset);
    free(header_text);
    free(data_bytes);
    return bytes;
}

struct lstm_model *build_model(const struct reference_network *network,
                               const struct build_options *options)
{
    char *json = build_json(network, options);
    struct weights_bytes weights = build_weights(network);
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status =
        lstm_model_parse(json, strlen(json), weights.data, weights.size, &model, &error);
    ck_assert_msg(status == LSTM_OK, "%s\n%s", error.text, json);
    free(json);
    free(weights.data);
    return model;
}

struct lstm_model *create_model(const char *json, uint64_t seed)
{
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    assert_ok(lstm_model_create(json, strlen(json), seed, &model, &error), &error);
    return model;
}

size_t find_tensor(const struct lstm_model *model, const char *name)
{
    size_t n = lstm_model_n_tensors(model), k = 0;
    while (k < n && strcmp(lstm_model_tensor(model, k).name, name) != 0)
        k++;
    ck_assert_msg(k < n, "the model has no tensor %s", name);
    return k;
}

struct lstm_runner *create_runner(const struct lstm_model *model, size_t max_batch,
                                  size_t parallel_iterations)
{
    struct lstm_runner_options options = {max_batch, parallel_iterations};
    struct lstm_runner *runner = NULL;
    struct lstm_error error = {.text = ""};
    assert_ok(lstm_runner_create(model, &options, &runner, &error), &error);
    return runner;
}
