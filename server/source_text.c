/* source_text.c: sources and models as tables and as JSON. SPDX-License-Identifier: Apache-2.0 */
#include "server/source_text.h"

#include <stdio.h>
#include <string.h>

#include "server/json_text.h"

enum { SHAPE_BYTES = 8 * 24 };

/* "[128, 400]" */
static const char *shape_text(const struct lstm_source_array *array, char text[SHAPE_BYTES])
{
    size_t n = (size_t)snprintf(text, SHAPE_BYTES, "[");
    for (size_t i = 0; i < array->rank && n < SHAPE_BYTES; i++)
        n += (size_t)snprintf(text + n, SHAPE_BYTES - n, "%s%zu", i > 0 ? ", " : "",
                              array->shape[i]);
    if (n < SHAPE_BYTES)
        snprintf(text + n, SHAPE_BYTES - n, "]");
    return text;
}

void source_write_layers(const struct lstm_source *source, struct buf *out)
{
    buf_printf(out, "%-10s %-40s %8s %8s %10s  %s\n", "layer", "name", "inputs", "units", "weights",
               "activation");
    for (size_t k = 0; k < lstm_source_n_layers(source); k++) {
        const struct lstm_layer_info layer = lstm_source_layer(source, k);
        buf_printf(out, "%-10s %-40s %8zu %8zu %10zu  %s\n", layer.type, layer.name, layer.inputs,
                   layer.units, layer.n_parameters, layer.activation);
    }
}

void source_write_notes(const struct lstm_source *source, struct buf *out)
{
    for (size_t k = 0; k < lstm_source_n_notes(source); k++)
        buf_printf(out, "note: %s\n", lstm_source_note(source, k));
}

/* Names come from the file: control characters must not reach a terminal. */
static void write_name(const char *name, struct buf *out)
{
    for (const char *c = name; *c != '\0'; c++) {
        const char shown = (unsigned char)*c < ' ' || *c == 127 ? '?' : *c;
        buf_append(out, &shown, 1);
    }
}

void source_write_arrays(const struct lstm_source *source, struct buf *out)
{
    buf_printf(out, "%-10s %-20s %12s  %s\n", "type", "shape", "bytes", "name");
    for (size_t k = 0; k < lstm_source_n_arrays(source); k++) {
        const struct lstm_source_array array = lstm_source_array(source, k);
        char shape[SHAPE_BYTES];
        buf_printf(out, "%-10s %-20s %12zu  ", array.dtype, shape_text(&array, shape), array.bytes);
        write_name(array.name, out);
        buf_text(out, "\n");
    }
}

static void write_text(const char *key, const char *text, struct buf *out)
{
    buf_printf(out, "\"%s\": ", key);
    if (text == NULL)
        buf_text(out, "null");
    else
        json_append_string(out, text, strlen(text));
}

static void write_array(const struct lstm_source_array *array, struct buf *out)
{
    char shape[SHAPE_BYTES];
    buf_text(out, "{");
    write_text("name", array->name, out);
    buf_printf(out, ", \"dtype\": \"%s\", \"shape\": %s, \"bytes\": %zu}", array->dtype,
               shape_text(array, shape), array->bytes);
}

static void write_layer(const struct lstm_layer_info *layer, struct buf *out)
{
    buf_printf(out, "{\"type\": \"%s\", ", layer->type);
    write_text("name", layer->name, out);
    buf_printf(out, ", \"inputs\": %zu, \"units\": %zu, \"weights\": %zu, \"activation\": \"%s\"}",
               layer->inputs, layer->units, layer->n_parameters, layer->activation);
}

void source_write_json(const struct lstm_source *source, const char *problem, struct buf *out)
{
    buf_text(out, "{");
    write_text("format", lstm_source_name(source), out);
    buf_text(out, ", ");
    write_text("title", lstm_source_title(source), out);
    buf_text(out, ", \"arrays\": [");
    for (size_t k = 0; k < lstm_source_n_arrays(source); k++) {
        const struct lstm_source_array array = lstm_source_array(source, k);
        buf_text(out, k > 0 ? ", " : "");
        write_array(&array, out);
    }
    buf_text(out, problem == NULL ? "], \"layers\": [" : "], \"layers\": null");
    for (size_t k = 0; problem == NULL && k < lstm_source_n_layers(source); k++) {
        const struct lstm_layer_info layer = lstm_source_layer(source, k);
        buf_text(out, k > 0 ? ", " : "");
        write_layer(&layer, out);
    }
    buf_text(out, problem == NULL ? "], \"notes\": [" : ", \"notes\": [");
    for (size_t k = 0; k < lstm_source_n_notes(source); k++) {
        const char *const note = lstm_source_note(source, k);
        buf_text(out, k > 0 ? ", " : "");
        json_append_string(out, note, strlen(note));
    }
    buf_text(out, "], ");
    write_text("problem", problem, out);
    buf_text(out, "}\n");
}
