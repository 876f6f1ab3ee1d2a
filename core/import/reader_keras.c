/* reader_keras.c: Keras 3's .keras files: a zip archive of config.json, metadata.json and the
 * weights as HDF5. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/hdf5.h"
#include "core/import/keras_config.h"
#include "core/import/readers.h"
#include "core/import/zip.h"
#include "core/status.h"

static const char weights_name[] = "model.weights.h5";

/* The central directory of an archive of three members lies within its last bytes. */
enum { DIRECTORY_BYTES = 1 << 12 };

/* The JSON texts, borrowed from the archive. */
struct keras_zip {
    const unsigned char *config, *metadata; /* metadata NULL: there is none */
    size_t n_config, n_metadata;
};

static bool probe(const struct import_source *source)
{
    const size_t n = source->n < DIRECTORY_BYTES ? source->n : DIRECTORY_BYTES;
    return zip_probe(source->bytes, source->n) &&
           memmem(source->bytes + source->n - n, n, weights_name, sizeof weights_name - 1) != NULL;
}

/* A member's bytes; *bytes NULL if it is not there. */
static enum lstm_status read_member(struct import_source *source, const struct zip_archive *archive,
                                    const char *name, const unsigned char **bytes, size_t *n,
                                    struct lstm_error *error)
{
    const struct zip_member *member = zip_find(archive, name);
    *bytes = NULL;
    *n = member == NULL ? 0 : member->n;
    return member == NULL ? LSTM_OK : zip_read(source, archive, member, bytes, error);
}

static enum lstm_status add_weights(struct import_source *source, const unsigned char *bytes,
                                    size_t n, struct lstm_error *error)
{
    static const char *const wanted[] = {NULL};
    struct hdf5_tree tree;
    enum lstm_status status = hdf5_read(source, bytes, n, wanted, &tree, error);
    for (size_t k = 0; status == LSTM_OK && k < tree.n_arrays; k++)
        status = import_add_array(source, &tree.arrays[k], error);
    return status;
}

static enum lstm_status open_file(struct import_source *source, struct lstm_error *error)
{
    struct zip_archive archive;
    const unsigned char *weights;
    size_t n_weights;
    struct keras_zip *state = import_allocate(source, sizeof *state);
    if (state == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a Keras file");
    enum lstm_status status = zip_open(source, source->bytes, source->n, &archive, error);
    if (status == LSTM_OK)
        status =
            read_member(source, &archive, "config.json", &state->config, &state->n_config, error);
    if (status == LSTM_OK)
        status = read_member(source, &archive, "metadata.json", &state->metadata,
                             &state->n_metadata, error);
    if (status == LSTM_OK)
        status = read_member(source, &archive, weights_name, &weights, &n_weights, error);
    if (status != LSTM_OK)
        return status;
    if (state->config == NULL || weights == NULL)
        return lstm_fail(error, LSTM_FORMAT, "Keras archive: it has no %s",
                         weights == NULL ? weights_name : "config.json");
    source->state = state;
    return add_weights(source, weights, n_weights, error);
}

/* 3 unless metadata.json tells another: TensorFlow 2.12 to 2.15 write such files, too. */
static enum lstm_status read_generation(const struct keras_zip *state, unsigned *generation,
                                        struct lstm_error *error)
{
    struct doc *metadata;
    const char *version;
    *generation = 3;
    if (state->metadata == NULL)
        return LSTM_OK;
    enum lstm_status status =
        doc_parse((const char *)state->metadata, state->n_metadata, &metadata, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "metadata.json");
    const struct doc *value = doc_get(metadata, "keras_version");
    if (value != NULL && doc_text(value, &version))
        *generation = keras_generation(version);
    doc_destroy(metadata);
    return LSTM_OK;
}

/* Where the layers' weights are: the first versions of the format had another name for it. */
static const char *find_prefix(const struct import_source *source)
{
    static const char early[] = "_layer_checkpoint_dependencies/";
    for (size_t k = 0; k < source->n_arrays; k++)
        if (strncmp(source->arrays[k].name, early, sizeof early - 1) == 0)
            return early;
    return "layers/";
}

static enum lstm_status plan_file(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    (void)options; /* the file says everything */
    const struct keras_zip *state = source->state;
    struct keras_model model = {.prefix = find_prefix(source), .is_by_class = true};
    enum lstm_status status = read_generation(state, &model.generation, error);
    if (status != LSTM_OK)
        return status;
    struct doc *config;
    status = doc_parse((const char *)state->config, state->n_config, &config, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "config.json");
    model.config = config;
    status = keras_config_plan(source, &model, plan, error);
    doc_destroy(config);
    return status;
}

const struct import_reader reader_keras = {.name = "keras",
                                           .title = "Keras 3 (.keras)",
                                           .probe = probe,
                                           .open = open_file,
                                           .plan = plan_file};
