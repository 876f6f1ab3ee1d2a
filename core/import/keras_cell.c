/* keras_cell.c: keras_weights.h: weights of Keras' recurrent layers in lstmd's order of gates.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keras' columns are i, f, c, o of an LSTM and z, r, h of a GRU. Since h' = z h + (1 - z) hh, z is
 * TensorFlow 1's u, and c its j. The forget gate's bias holds what unit_forget_bias added. */
#include <string.h>

#include "core/import/keras_weights.h"
#include "core/memory.h"
#include "core/status.h"

/* How a kind of cell keeps its gates, and in which order lstmd wants them. */
static const struct {
    const char *stored, *wanted;
    size_t n;
} gates_of[] = {[IMPORT_LSTM] = {"ifco", "icfo", 4}, [IMPORT_GRU] = {"zrh", "rzh", 3}};

bool keras_cell_kind(const struct keras_cell *cell, enum import_kind *kind)
{
    const struct import_array *recurrent = cell->recurrent.whole;
    const struct import_array *const *gates = cell->recurrent.gates;
    if (recurrent == NULL) { /* Keras 1: f is a gate of an LSTM alone, z of a GRU */
        *kind = gates[strchr(KERAS_GATES, 'f') - KERAS_GATES] != NULL ? IMPORT_LSTM : IMPORT_GRU;
        return *kind == IMPORT_LSTM || gates[strchr(KERAS_GATES, 'z') - KERAS_GATES] != NULL;
    }
    if (recurrent->rank != 2 || recurrent->shape[0] == 0)
        return false;
    const size_t units = recurrent->shape[0], columns = recurrent->shape[1];
    *kind = columns / 4 == units ? IMPORT_LSTM : IMPORT_GRU;
    return columns % units == 0 && (columns / units == 4 || columns / units == 3);
}

/* The views of one weight, gate by gate, in lstmd's order. */
static enum lstm_status split(const struct keras_weight *weight, enum import_kind kind, size_t rank,
                              const char *what, const char *layer, struct import_array *parts,
                              struct lstm_error *error)
{
    const char *wanted = gates_of[kind].wanted;
    for (size_t k = 0; k < gates_of[kind].n && weight->whole == NULL; k++) {
        const struct import_array *gate =
            weight->gates[strchr(KERAS_GATES, wanted[k]) - KERAS_GATES];
        if (gate == NULL)
            return lstm_fail(error, LSTM_FORMAT, "layer %.80s: its %s of gate %c is missing", layer,
                             what, wanted[k]);
        parts[k] = *gate;
    }
    if (weight->whole == NULL)
        return LSTM_OK;
    if (weight->whole->rank != rank)
        return lstm_fail(error, LSTM_SHAPE,
                         "layer %.80s: its %s '%.80s' has %zu dimensions; expected %zu", layer,
                         what, weight->whole->name, weight->whole->rank, rank);
    return import_split(*weight->whole, rank - 1, gates_of[kind].stored, wanted, parts, error);
}

static bool is_absent(const struct keras_weight *weight)
{
    for (size_t k = 0; k < KERAS_N_GATES; k++)
        if (weight->gates[k] != NULL)
            return false;
    return weight->whole == NULL;
}

/* Biases: [nU]; a GRU that resets behind the product, [2, nU], for x and for h; CuDNN's, [2nU], the
 * same in one row. *is_cudnn and *is_double say which. */
static enum lstm_status split_bias(const struct keras_weight *bias, enum import_kind kind,
                                   size_t units, const char *layer, struct import_cell *cell,
                                   bool *is_cudnn, bool *is_double, struct lstm_error *error)
{
    const size_t n = gates_of[kind].n;
    const struct import_array *whole = bias->whole;
    *is_cudnn = whole != NULL && whole->rank == 1 && whole->shape[0] / n / 2 == units &&
                whole->shape[0] % (2 * n) == 0;
    *is_double = *is_cudnn || (whole != NULL && whole->rank == 2 && whole->shape[0] == 2);
    if (is_absent(bias))
        return LSTM_OK;
    if (!*is_double)
        return split(bias, kind, 1, "bias", layer, cell->bias, error);
    struct import_array rows[2];
    for (size_t k = 0; k < 2; k++)
        rows[k] = *is_cudnn ? import_cut(*whole, 0, k * n * units, n * units)
                            : import_drop_axis(*whole, 0, k);
    struct keras_weight row = {.whole = &rows[0]};
    enum lstm_status status = split(&row, kind, 1, "bias", layer, cell->bias, error);
    if (status != LSTM_OK)
        return status;
    row.whole = &rows[1];
    return split(&row, kind, 1, "bias", layer, cell->recurrent_bias, error);
}

/* CuDNN's kernel of a gate for x, [D, U] in shape, is [U, D] in memory: the values of the block in
 * their order fill the columns of the real one. */
static enum lstm_status unfold(struct import_source *source, struct import_array *block,
                               struct lstm_error *error)
{
    const size_t rows = block->shape[0], columns = block->shape[1];
    const size_t bytes = import_dtype_bytes(block->dtype);
    size_t total;
    unsigned char *values = NULL;
    if (block->data == NULL) /* it holds no numbers, which build_check.c refuses by name */
        return LSTM_OK;
    if (memory_multiply(rows, columns, &total) && memory_multiply(total, bytes, &total))
        values = import_allocate(source, total + 1);
    if (values == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for '%.100s'", block->name);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(values + (r * columns + c) * bytes,
                   block->data + (r * block->stride[0] + c * block->stride[1]) * bytes, bytes);
    const size_t shape[] = {columns, rows};
    enum lstm_status status =
        import_array_init(block, block->name, block->dtype, 2, shape, values, total, error);
    if (status == LSTM_OK)
        *block = import_transpose(*block);
    return status;
}

static enum lstm_status convert_cudnn(struct import_source *source, struct import_cell *cell,
                                      size_t n, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < n && status == LSTM_OK; k++) {
        status = unfold(source, &cell->kernel[k], error);
        cell->recurrent[k] = import_transpose(cell->recurrent[k]);
    }
    return status;
}

static enum lstm_status fill_cell(struct import_source *source, const struct keras_cell *weights,
                                  struct import_layer *layer, struct import_cell *cell,
                                  struct lstm_error *error)
{
    bool is_cudnn = false, is_double = false;
    if (is_absent(&weights->kernel) || is_absent(&weights->recurrent))
        return lstm_fail(error, LSTM_FORMAT, "layer %.80s: the file has no %s of it", layer->name,
                         is_absent(&weights->kernel) ? "kernel" : "recurrent kernel");
    enum lstm_status status =
        split(&weights->kernel, layer->kind, 2, "kernel", layer->name, cell->kernel, error);
    if (status == LSTM_OK)
        status = split(&weights->recurrent, layer->kind, 2, "recurrent kernel", layer->name,
                       cell->recurrent, error);
    if (status != LSTM_OK)
        return status;
    layer->units = cell->recurrent[0].rank == 2 ? cell->recurrent[0].shape[1] : 0;
    if (layer->units == 0)
        return lstm_fail(error, LSTM_SHAPE, "layer %.80s: its recurrent kernel has no units",
                         layer->name);
    status = split_bias(&weights->bias, layer->kind, layer->units, layer->name, cell, &is_cudnn,
                        &is_double, error);
    layer->reset_after = layer->kind == IMPORT_GRU && (layer->reset_after || is_double);
    if (status != LSTM_OK || !is_cudnn)
        return status;
    import_note(source, "layer %.80s: its weights are laid out as CuDNN's, and were rearranged",
                layer->name);
    return convert_cudnn(source, cell, gates_of[layer->kind].n, error);
}

enum lstm_status keras_cells_fill(struct import_source *source, const struct keras_weights *weights,
                                  struct import_layer *layer, struct lstm_error *error)
{
    enum lstm_status status = fill_cell(source, &weights->cells[0], layer, &layer->cells[0], error);
    if (status == LSTM_OK && weights->is_bidirectional)
        status = fill_cell(source, &weights->cells[1], layer, &layer->cells[1], error);
    return status;
}
