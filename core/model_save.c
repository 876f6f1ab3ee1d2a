/* model_save.c: models written. SPDX-License-Identifier: Apache-2.0
 *
 * The weights go out row by row as somebody gives them, so that whoever makes them from elsewhere
 * needs no memory for all of them. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/float_formats.h"
#include "core/model.h"
#include "core/safetensors.h"
#include "core/status.h"

static enum lstm_status put_header(const struct spec *spec, struct file_writer *writer,
                                   struct lstm_error *error)
{
    char *header = NULL;
    size_t n;
    struct safetensors_tensor *tensors = calloc(spec->n_tensors, sizeof *tensors);
    if (tensors == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu tensors", spec->n_tensors);
    for (size_t k = 0; k < spec->n_tensors; k++)
        tensors[k] = (struct safetensors_tensor){
            .name = spec->tensors[k].name,
            .rank = spec->tensors[k].rank,
            .shape = {spec->tensors[k].shape[0], spec->tensors[k].shape[1]},
            .dtype = (enum lstm_dtype)spec->dtype};
    const enum lstm_status status =
        safetensors_header(tensors, spec->n_tensors, NULL, 0, &header, &n, error);
    if (status == LSTM_OK)
        file_put(writer, header, n);
    free(header);
    free(tensors);
    return status;
}

/* Values of a tensor from number `first` on, as the file will have them. */
static enum lstm_status check_values(const struct spec *spec, const struct tensor_spec *tensor,
                                     size_t first, const float *values, size_t n,
                                     struct lstm_error *error)
{
    const size_t k = float_format_find_non_finite((enum lstm_dtype)spec->dtype, values, n);
    if (k == n)
        return LSTM_OK;
    return lstm_fail(error, LSTM_NON_FINITE,
                     "tensor %s: value %zu is %g, which is no finite number as %s; expected "
                     "weights that the model's dtype holds",
                     tensor->name, first + k, (double)values[k], spec_dtype_names[spec->dtype]);
}

static enum lstm_status put_tensor(const struct spec *spec, const struct tensor_spec *tensor,
                                   const struct model_rows *rows, struct file_writer *writer,
                                   struct lstm_error *error)
{
    const size_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
    const size_t most = rows->most > columns ? rows->most / columns : 1;
    for (size_t row = 0, n; row < tensor->shape[0]; row += n) {
        const float *values;
        n = tensor->shape[0] - row < most ? tensor->shape[0] - row : most;
        enum lstm_status status = rows->get(rows->context, tensor, row, n, &values, error);
        if (status == LSTM_OK)
            status = check_values(spec, tensor, row * columns, values, n * columns, error);
        if (status != LSTM_OK)
            return status;
        const struct safetensors_tensor piece = {.rank = 1,
                                                 .shape = {n * columns},
                                                 .data = values,
                                                 .dtype = (enum lstm_dtype)spec->dtype};
        safetensors_put(&piece, 1, writer);
    }
    return LSTM_OK;
}

static enum lstm_status put_weights(const struct spec *spec, const struct model_rows *rows,
                                    struct file_writer *writer, struct lstm_error *error)
{
    enum lstm_status status = put_header(spec, writer, error);
    for (size_t k = 0; k < spec->n_tensors && status == LSTM_OK; k++)
        status = put_tensor(spec, &spec->tensors[k], rows, writer, error);
    return status;
}

static enum lstm_status begin(struct file_writer *writer, const char *folder, const char *name,
                              struct lstm_error *error)
{
    char path[PATH_MAX];
    const enum lstm_status status = model_path(path, folder, name, error);
    return status == LSTM_OK ? file_begin(writer, path, 0644, error) : status;
}

enum lstm_status model_save(const struct spec *spec, const struct model_rows *rows,
                            const char *folder, struct lstm_error *error)
{
    enum { WEIGHTS, MODEL, N_FILES };
    struct file_writer writers[N_FILES];
    enum lstm_status status = begin(&writers[WEIGHTS], folder, WEIGHTS_FILE, error);
    if (status != LSTM_OK)
        return status;
    status = put_weights(spec, rows, &writers[WEIGHTS], error);
    if (status == LSTM_OK)
        status = begin(&writers[MODEL], folder, MODEL_FILE, error);
    if (status == LSTM_OK) {
        file_put(&writers[MODEL], spec->json, spec->json_bytes);
        return file_finish_all(writers, N_FILES, error);
    }
    file_discard(&writers[WEIGHTS]);
    return status;
}

/* ---- A model in memory ---------------------------------------------------------------------- */

static enum lstm_status get_rows(void *context, const struct tensor_spec *tensor, size_t first,
                                 size_t n, const float **values, struct lstm_error *error)
{
    const float *weights = context;
    (void)n, (void)error;
    *values = weights + tensor->offset + first * (tensor->rank == 2 ? tensor->shape[1] : 1);
    return LSTM_OK;
}

enum lstm_status lstm_model_save(const struct lstm_model *model, const char *folder,
                                 struct lstm_error *error)
{
    const struct model_rows rows = {get_rows, model->weights, SIZE_MAX};
    return model_save(model->spec, &rows, folder, error);
}
