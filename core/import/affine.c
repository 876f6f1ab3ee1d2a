/* affine.c: factors and shifts as weights of dense layers. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/affine.h"

#include <math.h>

#include "core/float_formats.h"
#include "core/import/fill.h"
#include "core/memory.h"
#include "core/status.h"

/* Room for rows * columns float32 numbers, whose bytes an array is made of. */
static enum lstm_status new_values(struct import_source *source, size_t rows, size_t columns,
                                   float **values, struct lstm_error *error)
{
    size_t n, bytes;
    *values = NULL;
    if (memory_multiply(rows, columns, &n) && memory_multiply(n, sizeof **values, &bytes))
        *values = import_allocate(source, bytes);
    return *values != NULL ? LSTM_OK
                           : lstm_fail(error, LSTM_NO_MEMORY,
                                       "out of memory for %zu by %zu factors", rows, columns);
}

/* The values, in host order, as an array of the source: little-endian. */
static enum lstm_status as_array(const char *name, size_t rank, const size_t *shape, float *values,
                                 struct import_array *array, struct lstm_error *error)
{
    const size_t n = rank == 1 ? shape[0] : shape[0] * shape[1];
    for (size_t i = 0; i < n; i++) {
        const float value = values[i];
        float_format_write(LSTM_F32, &value, 1, (unsigned char *)&values[i]);
    }
    return import_array_init(array, name, IMPORT_F32, rank, shape, (unsigned char *)values,
                             n * sizeof *values, error);
}

/* ---- Normalisations -------------------------------------------------------------------------- */

/* values [n], filled with `absent` if there is no array. */
static enum lstm_status read_vector(struct import_source *source, const struct import_array *array,
                                    size_t n, float absent, float **values,
                                    struct lstm_error *error)
{
    if (array != NULL && (array->rank != 1 || array->shape[0] != n))
        return lstm_fail(error, LSTM_SHAPE, "array '%.60s': expected a vector of %zu values",
                         array->name, n);
    enum lstm_status status = array != NULL ? import_check_floats(array, error) : LSTM_OK;
    if (status == LSTM_OK)
        status = new_values(source, n, 1, values, error);
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        (*values)[i] = array != NULL ? 0.0f : absent;
    if (status == LSTM_OK && array != NULL)
        import_add_vector(array, *values);
    return status;
}

enum lstm_status import_norm_read(struct import_source *source, const struct import_norm *norm,
                                  struct import_affine *affine, struct lstm_error *error)
{
    const size_t n = norm->mean->rank == 1 ? norm->mean->shape[0] : 0;
    float *mean = NULL, *variance = NULL;
    *affine = (struct import_affine){.n = n};
    if (n == 0)
        return lstm_fail(error, LSTM_SHAPE, "array '%.60s': expected a vector", norm->mean->name);
    enum lstm_status status = read_vector(source, norm->gamma, n, 1, &affine->scale, error);
    if (status == LSTM_OK)
        status = read_vector(source, norm->beta, n, 0, &affine->shift, error);
    if (status == LSTM_OK)
        status = read_vector(source, norm->mean, n, 0, &mean, error);
    if (status == LSTM_OK)
        status = read_vector(source, norm->variance, n, 1, &variance, error);
    for (size_t i = 0; i < n && status == LSTM_OK; i++) {
        const double scale = (double)affine->scale[i] / sqrt((double)variance[i] + norm->epsilon);
        if (!isfinite(scale))
            return lstm_fail(error, LSTM_FORMAT,
                             "array '%.60s': value %zu, %g, is no variance that can be divided by",
                             norm->variance->name, i, (double)variance[i]);
        affine->scale[i] = (float)scale;
        affine->shift[i] = (float)((double)affine->shift[i] - (double)mean[i] * scale);
    }
    return status;
}

/* ---- Dense layers ---------------------------------------------------------------------------- */

enum lstm_status import_affine_fold(struct import_source *source,
                                    const struct import_affine *affine, struct import_layer *dense,
                                    struct lstm_error *error)
{
    const size_t n = affine->n;
    const struct import_array *kernel = &dense->kernel;
    float *factors, *biases;
    if (kernel->rank != 2 || kernel->shape[1] != n || kernel->dtype > IMPORT_BF16)
        return lstm_fail(error, LSTM_SHAPE,
                         "layer %.60s: a normalisation of %zu values behind it does not fit its "
                         "kernel '%.60s'",
                         dense->name, n, kernel->name);
    const size_t shape[] = {kernel->shape[0], n};
    enum lstm_status status = new_values(source, shape[0], n, &factors, error);
    if (status == LSTM_OK)
        status = read_vector(source, dense->bias.data != NULL ? &dense->bias : NULL, n, 0, &biases,
                             error);
    if (status != LSTM_OK)
        return status;
    import_fill_matrix(kernel, factors, n);
    for (size_t i = 0; i < shape[0] * n; i++)
        factors[i] *= affine->scale[i % n];
    for (size_t i = 0; i < n; i++)
        biases[i] = biases[i] * affine->scale[i] + affine->shift[i];
    status = as_array(kernel->name, 2, shape, factors, &dense->kernel, error);
    return status == LSTM_OK ? as_array("shift", 1, &n, biases, &dense->bias, error) : status;
}

enum lstm_status import_affine_dense(struct import_source *source,
                                     const struct import_affine *affine,
                                     struct import_array *kernel, struct import_array *bias,
                                     struct lstm_error *error)
{
    const size_t n = affine->n, shape[] = {n, n};
    float *factors;
    enum lstm_status status = new_values(source, n, n, &factors, error);
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        factors[i * n + i] = affine->scale[i];
    if (status == LSTM_OK)
        status = as_array("factors", 2, shape, factors, kernel, error);
    return status == LSTM_OK ? as_array("shift", 1, &n, affine->shift, bias, error) : status;
}
