/* readers.c: the tables of formats and of namings. SPDX-License-Identifier: Apache-2.0
 *
 * A row makes a format known to `lstmd convert`, `inspect` and `serve --model`. The order is that
 * of asking; each format is recognised by content that no other has. */
#include "core/import/readers.h"

#include "core/import/names_keras.h"
#include "core/import/names_torch.h"
#include "core/status.h"

const struct import_reader *const import_readers[] = {
    &reader_lstmd,        &reader_onnx,  &reader_safetensors, &reader_tf_checkpoint,
    &reader_saved_model,  &reader_keras, &reader_keras_h5,    &reader_torch,
    &reader_torch_legacy, NULL,
};

const struct import_naming import_namings[] = {
    {"Keras", names_keras_probe, names_keras_plan}, /* has TensorFlow's kernel and bias, too */
    {"TensorFlow 1", names_tf1_probe, names_tf1_plan},
    {"PyTorch", names_torch_probe, names_torch_plan},
    {0},
};

enum lstm_status import_plan_by_names(struct import_source *source,
                                      const struct lstm_import_options *options,
                                      struct import_plan *plan, struct lstm_error *error)
{
    for (const struct import_naming *naming = import_namings; naming->title != NULL; naming++)
        if (naming->probe(source))
            return naming->plan(source, options, plan, error);
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "no recurrent layer is known by the names of its %zu arrays; `lstmd inspect` "
                     "lists them",
                     source->n_arrays);
}
