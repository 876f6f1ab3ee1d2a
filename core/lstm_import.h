/* lstm_import.h: model files of other programs; the part of lstm.h that includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LSTM_IMPORT_H
#define LSTM_IMPORT_H

#include "lstm.h"

/* Files of other programs become models. They are treated as hostile, and never executed. What a
 * source may not say: zero, NULL or NaN are as the source says, else the convention of its format.
 * One that the source says itself, or that has nothing to change in it, must not be given.
 * Everything is borrowed for the time of the call. */
struct lstm_import_options {
    const char *activation;           /* of the recurrent cells */
    const char *recurrent_activation; /* of their gates */
    const char *hidden_activation;    /* of the dense layers but the last */
    const char *output_activation;    /* of the last dense layer */
    double forget_bias;               /* NaN: TensorFlow 1 adds 1, the others nothing */
    size_t steps;                     /* exact number of steps of an instance */
    double scale;                     /* of byte inputs */
    const char *scope;                /* only the arrays whose names begin so */
    const char *const *layers;        /* [n_layers] PyTorch's modules, TensorFlow 1's scopes or the
                                         layers of Keras weights that run, in this order; the
                                         others are left out */
    size_t n_layers;                  /* 0: all, in the order that the format's convention gives */
    size_t shared_layers;             /* so many layers share the one cell of a checkpoint */
    bool return_sequences;            /* the last recurrent layer gives an output for every step */
    const char *pooling; /* "mean", "max" or "last" of its outputs at all steps goes on; NULL: the
                            final h */
    const char *inputs;  /* ONNX: folder with input_<k>.pb of inputs that are weights */
    const char *const *labels;
    size_t n_labels;
};

/* A file or folder that was opened. One thread at a time may use it, and nobody may change the
 * files meanwhile: they are mapped, not copied. */
struct lstm_source;

/* Everything in it is borrowed. */
struct lstm_source_array {
    const char *name;
    const char *dtype; /* "float32" */
    size_t rank;
    const size_t *shape;
    size_t bytes; /* 0 for strings and other things without a fixed size */
};

/* A file of a source in memory. */
struct lstm_source_file {
    const char *path; /* "model.ckpt.index" */
    const void *data; /* NULL: a folder */
    size_t n;
};

/* The k-th format's name ("tf-checkpoint") and title; false past the last. */
bool lstm_source_format(size_t k, const char **name, const char **title);

/* Opens a file, a folder or a checkpoint's prefix. `format` is a format's name, NULL: recognised by
 * content. *source is new. NOT_FOUND, IO; UNSUPPORTED: no known format; INVALID: no format of this
 * name; FORMAT: which byte or array is wrong; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_source_open(const char *path, const char *format,
                                                  struct lstm_source **source,
                                                  struct lstm_error *error);

/* The same of files in memory, borrowed until it is destroyed: the source, then those beside it. */
LSTM_MUST_CHECK enum lstm_status lstm_source_parse(const struct lstm_source_file *files,
                                                   size_t n_files, const char *format,
                                                   struct lstm_source **source,
                                                   struct lstm_error *error);

/* Borrowed: its format, its arrays (k < lstm_source_n_arrays()), and what had to be
 * assumed of the network, a sentence each. */
const char *lstm_source_name(const struct lstm_source *source);
const char *lstm_source_title(const struct lstm_source *source);
size_t lstm_source_n_arrays(const struct lstm_source *source);
struct lstm_source_array lstm_source_array(const struct lstm_source *source, size_t k);
size_t lstm_source_n_notes(const struct lstm_source *source);
const char *lstm_source_note(const struct lstm_source *source, size_t k);

/* Finds out which network is in it. options may be NULL; what they point to is borrowed until then.
 * UNSUPPORTED: what the network has that lstmd has not; SHAPE: which array does not fit; INVALID:
 * an option that does not fit the source; FORMAT, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_source_recognise(struct lstm_source *source,
                                                       const struct lstm_import_options *options,
                                                       struct lstm_error *error);

/* The layers of the network that was recognised last; none if that failed. Borrowed. */
size_t lstm_source_n_layers(const struct lstm_source *source);
struct lstm_layer_info lstm_source_layer(const struct lstm_source *source, size_t k);

/* Writes that network as lstm_model_save() writes a model, without memory for its weights: a piece
 * of them at a time. INVALID: none was recognised; SHAPE, and what lstm_model_save() gives. */
LSTM_MUST_CHECK enum lstm_status lstm_source_save(struct lstm_source *source, const char *folder,
                                                  struct lstm_error *error);

/* Recognises the network and makes a model that computes the same. options may be NULL. *model is
 * new and needs the source no longer. What lstm_source_recognise() gives. */
LSTM_MUST_CHECK enum lstm_status lstm_source_model(struct lstm_source *source,
                                                   const struct lstm_import_options *options,
                                                   struct lstm_model **model,
                                                   struct lstm_error *error);

/* A trainer of the network that was recognised last, with the Adam slots and step number of the
 * source. *trainer is new. NOT_FOUND: it has none; and what lstm_trainer_create() gives. */
LSTM_MUST_CHECK enum lstm_status lstm_source_trainer(const struct lstm_source *source,
                                                     struct lstm_trainer **trainer,
                                                     struct lstm_error *error);

void lstm_source_destroy(struct lstm_source *source);

#endif
