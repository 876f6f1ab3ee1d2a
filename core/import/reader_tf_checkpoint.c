/* reader_tf_checkpoint.c: checkpoints of tf.train.Saver: an index file, or a folder whose file
 * `checkpoint` names one. SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/import/readers.h"
#include "core/import/tf_bundle.h"
#include "core/import/tf_table.h"
#include "core/status.h"

static const char list_file[] = "checkpoint", suffix[] = ".index";

static bool probe(const struct import_source *source)
{
    if (source->is_folder)
        return import_has(source, list_file);
    return tf_table_probe(source->bytes, source->n);
}

/* The prefix that a text of `model_checkpoint_path: "..."` names. It may be a path of the machine
 * that wrote it, with either kind of slash: the last part counts. */
static enum lstm_status read_list(const unsigned char *bytes, size_t n, char prefix[NAME_MAX + 1],
                                  struct lstm_error *error)
{
    static const char key[] = "model_checkpoint_path:";
    const char *text = (const char *)bytes, *const end = text + n;
    const char *at = memmem(text, n, key, sizeof key - 1);
    const char *open = at == NULL ? NULL : memchr(at, '"', (size_t)(end - at));
    const char *close = open == NULL ? NULL : memchr(open + 1, '"', (size_t)(end - open - 1));
    if (close == NULL)
        return lstm_fail(error, LSTM_FORMAT, "its file `%s` has no %s \"...\"", list_file, key);
    const char *begin = open + 1;
    for (const char *c = begin; c < close; c++)
        if (*c == '/' || *c == '\\')
            begin = c + 1;
    const size_t length = (size_t)(close - begin);
    if (length > NAME_MAX || memchr(begin, '\0', length) != NULL)
        return lstm_fail(error, LSTM_FORMAT, "its file `%s` names no file", list_file);
    memcpy(prefix, begin, length);
    prefix[length] = '\0';
    return LSTM_OK;
}

static enum lstm_status open_folder(struct import_source *source, struct tf_bundle *bundle,
                                    struct lstm_error *error)
{
    char prefix[NAME_MAX + 1], index[NAME_MAX + 16];
    const unsigned char *bytes;
    size_t n;
    enum lstm_status status = import_map(source, list_file, &bytes, &n, error);
    if (status == LSTM_OK)
        status = read_list(bytes, n, prefix, error);
    if (status != LSTM_OK)
        return status;
    snprintf(index, sizeof index, "%s%s", prefix, suffix);
    status = import_map(source, index, &bytes, &n, error);
    return status == LSTM_OK ? tf_bundle_read(source, bytes, n, prefix, bundle, error) : status;
}

static enum lstm_status open_source(struct import_source *source, struct lstm_error *error)
{
    char prefix[PATH_MAX];
    struct tf_bundle bundle;
    if (source->is_folder)
        return open_folder(source, &bundle, error);
    const char *slash = strrchr(source->path, '/');
    snprintf(prefix, sizeof prefix, "%s", slash == NULL ? source->path : slash + 1);
    const size_t n = strlen(prefix), n_suffix = sizeof suffix - 1;
    if (n >= n_suffix && strcmp(prefix + n - n_suffix, suffix) == 0)
        prefix[n - n_suffix] = '\0';
    return tf_bundle_read(source, source->bytes, source->n, prefix, &bundle, error);
}

/* Variables of TensorFlow 2 lie under their places in Python's objects ("variables/0"), which say
 * nothing of layers. */
static enum lstm_status plan_network(struct import_source *source,
                                     const struct lstm_import_options *options,
                                     struct import_plan *plan, struct lstm_error *error)
{
    const enum lstm_status status = import_plan_by_names(source, options, plan, error);
    if (status != LSTM_UNSUPPORTED || import_find(source, "_CHECKPOINTABLE_OBJECT_GRAPH") == NULL)
        return status;
    return lstm_fail(
        error, LSTM_UNSUPPORTED,
        "these are the variables of a model of TensorFlow 2, without its layers: of a "
        "SavedModel, give the folder that has saved_model.pb; of a checkpoint, load it "
        "and save the model with model.save(\"model.keras\")");
}

const struct import_reader reader_tf_checkpoint = {.name = "tf-checkpoint",
                                                   .title = "TensorFlow checkpoint (V2)",
                                                   .probe = probe,
                                                   .open = open_source,
                                                   .plan = plan_network};
