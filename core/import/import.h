/* import.h: what a reader of other programs' model files fills in.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A source (a file, or a folder such as a SavedModel) is read in two steps. open() finds every
 * array of it, which is all that `lstmd inspect` needs; plan() recognises a network in these arrays
 * and lays it out as layers of lstmd. build.c then makes the model: one place that writes
 * model.json, orders gates, sums biases and converts numbers, for every format.
 *
 * Arrays are views: a pointer into the source's bytes with a shape and strides, so that a
 * transposed or cut array costs nothing until the model's own memory is filled from it.
 *
 * Every source is hostile. A reader checks each offset, size, count and product before it uses it,
 * bounds its recursion, and never runs anything that a file contains. */
#ifndef IMPORT_H
#define IMPORT_H

#include "core/fields.h"
#include "core/lstm.h"

enum { IMPORT_MAX_RANK = 8, IMPORT_MAX_LAYERS = 64, IMPORT_MAX_NOTES = 32 };

/* Types that sources store. Only the first four can become weights. */
#define IMPORT_DTYPE_LIST(X)                                                                       \
    X(F32, "float32", 4)                                                                           \
    X(F64, "float64", 8)                                                                           \
    X(F16, "float16", 2)                                                                           \
    X(BF16, "bfloat16", 2)                                                                         \
    X(I8, "int8", 1)                                                                               \
    X(I16, "int16", 2)                                                                             \
    X(I32, "int32", 4)                                                                             \
    X(I64, "int64", 8)                                                                             \
    X(U8, "uint8", 1)                                                                              \
    X(U16, "uint16", 2)                                                                            \
    X(U32, "uint32", 4)                                                                            \
    X(U64, "uint64", 8)                                                                            \
    X(BOOL, "bool", 1)                                                                             \
    X(TEXT, "string", 0)                                                                           \
    X(OTHER, "other", 0)

/* The first four have the numbers of enum lstm_dtype. */
enum import_dtype {
#define X(id, name, bytes) IMPORT_##id,
    IMPORT_DTYPE_LIST(X)
#undef X
};

const char *import_dtype_name(enum import_dtype dtype);
size_t import_dtype_bytes(enum import_dtype dtype);

/* A view of an array of a source. Little-endian, possibly unaligned. data NULL: there is none
 * (an optional array that is absent). */
struct import_array {
    const char *name; /* in the source, for messages; borrowed from it */
    enum import_dtype dtype;
    size_t rank, shape[IMPORT_MAX_RANK];
    size_t stride[IMPORT_MAX_RANK]; /* elements from one index to the next; 0: repeated */
    const unsigned char *data;      /* borrowed from the source */
};

/* Gates in the order of lstmd: LSTM i, j, f, o; GRU r, u, c. */
enum { IMPORT_MAX_GATES = 4 };

/* One direction of a recurrent layer, gate by gate. D inputs, U units, H outputs (U, or the size of
 * the projection). Biases are added up; an absent one is zeros. */
struct import_cell {
    struct import_array kernel[IMPORT_MAX_GATES];         /* [D, U] */
    struct import_array recurrent[IMPORT_MAX_GATES];      /* [H, U] */
    struct import_array bias[IMPORT_MAX_GATES];           /* [U] */
    struct import_array recurrent_bias[IMPORT_MAX_GATES]; /* [U]; with reset_after kept apart */
    struct import_array peephole[IMPORT_MAX_GATES];       /* [U]: i, -, f, o */
    struct import_array projection;                       /* [U, H] */
};

/* Those from IMPORT_DROPOUT on have no arrays, and need no name. */
enum import_kind {
    IMPORT_LSTM,
    IMPORT_GRU,
    IMPORT_DENSE,
    IMPORT_EMBEDDING,
    IMPORT_DROPOUT,
    IMPORT_MASKING,
    IMPORT_POOLING
};

/* A layer of the network. Texts are names as model.json has them (core/activation.h); an empty one
 * is the layer's default. Zero means "not said" for every number but forget_bias. */
struct import_layer {
    enum import_kind kind;
    char name[NAME_MAX_BYTES]; /* scope in the new model; made unique by build.c */
    size_t units;
    char activation[32];
    char recurrent_activation[32]; /* of the gates; default sigmoid */
    double forget_bias;            /* LSTM: added at run time; 0 when it is in the bias already */
    double cell_clip, proj_clip;   /* LSTM */
    bool reset_after;              /* GRU */
    bool return_sequences;
    bool reuse; /* shares the weights of the nearest layer of its kind before it */
    bool go_backwards;
    char bidirectional[8];            /* "concat", "sum", "mul", "ave"; empty: one direction */
    double rate;                      /* dropout */
    double mask_value;                /* masking */
    const char *reduce;               /* pooling: "mean", "max", "last"; borrowed */
    bool mask_zero;                   /* embedding */
    struct import_cell cells[2];      /* forward; backward of a bidirectional layer */
    struct import_array kernel, bias; /* dense [D, U], [U]; embedding kernel [vocabulary, U] */
};

/* The network that was recognised. */
struct import_plan {
    size_t steps; /* exact number of steps; 0: any */
    size_t
        features; /* D of the input; 1 in front of an embedding. 0: of the first layer's kernel */
    double scale; /* 0: 1 */
    size_t n_layers;
    struct import_layer *layers; /* IMPORT_MAX_LAYERS, zeroed */
    /* Training state, if the source has it: the name of a variable's slot is the variable's with
     * this suffix ("/Adam", "/Adam_1"); empty if it has none. */
    char slot_m[32], slot_v[32];
    uint64_t optimizer_step;
};

/* Options that not every source has a use for. */
#define IMPORT_OPTION_LIST(X)                                                                      \
    X(ACTIVATION, "--activation", options->activation != NULL)                                     \
    X(RECURRENT_ACTIVATION, "--recurrent-activation", options->recurrent_activation != NULL)       \
    X(HIDDEN_ACTIVATION, "--hidden-activation", options->hidden_activation != NULL)                \
    X(OUTPUT_ACTIVATION, "--output-activation", options->output_activation != NULL)                \
    X(FORGET_BIAS, "--forget-bias", !isnan(options->forget_bias))                                  \
    X(SCOPE, "--scope", options->scope != NULL)                                                    \
    X(LAYERS, "--layers", options->n_layers > 0)                                                   \
    X(SHARED_LAYERS, "--shared-layers", options->shared_layers > 0)                                \
    X(RETURN_SEQUENCES, "--return-sequences", options->return_sequences)                           \
    X(POOLING, "--pooling", options->pooling != NULL)                                              \
    X(INPUTS, "--inputs", options->inputs != NULL)

enum import_option {
#define X(id, name, is_given) IMPORT_OPTION_##id,
    IMPORT_OPTION_LIST(X)
#undef X
};

struct import_source;
struct spec;

/* A reader of one format. Found by content, never by the file's name. */
struct import_reader {
    const char *name;  /* "tf-checkpoint"; what --format takes */
    const char *title; /* "TensorFlow checkpoint (V2)" */
    /* Whether the source's first bytes (and, for a folder, its files) are of this format. */
    bool (*probe)(const struct import_source *source);
    /* Finds the arrays: import_add_array() for each. */
    enum lstm_status (*open)(struct import_source *source, struct lstm_error *error);
    /* Recognises the network. The plan comes zeroed, with room for its layers; options are
     * borrowed and say what the source does not. What was assumed goes to import_note(). */
    enum lstm_status (*plan)(struct import_source *source,
                             const struct lstm_import_options *options, struct import_plan *plan,
                             struct lstm_error *error);
    void (*close)(struct import_source *source); /* frees source->state; may be NULL */
    /* Instead of plan(), for what is a model of lstmd already. */
    enum lstm_status (*load)(struct import_source *source, struct lstm_model **model,
                             struct lstm_error *error);
};

/* Ended by NULL (readers.c). */
extern const struct import_reader *const import_readers[];

/* A file or folder being read. Readers use these members and the functions below. */
struct import_source {
    const char *path; /* as it was given; of a checkpoint's prefix, that of its index */
    bool is_folder;
    const unsigned char *bytes; /* of the file, mapped read-only; NULL for a folder */
    size_t n;
    size_t n_arrays;
    struct import_array *arrays; /* in the source's order */
    void *state;                 /* the reader's own, from open to close */
    struct import_memory *memory;
    size_t n_notes;
    char *notes[IMPORT_MAX_NOTES];
    unsigned used; /* a bit of each option that import_use() was told of */
    /* The activation behind the matrix of this name, where a graph says it; NULL: unknown. The
     * member itself is NULL where there is no graph. */
    const char *(*activation_of)(const struct import_source *source, const char *matrix);
};

/* Memory that lives as long as the source, zeroed, aligned for any type; bounded, so that a hostile
 * count is an error. NULL: none. */
void *import_allocate(struct import_source *source, size_t n);
/* n bytes of text with a NUL behind them; NULL: no memory. */
char *import_text(struct import_source *source, const char *text, size_t n);

/* Maps another file of the source read-only until the source is closed: a path inside the folder,
 * or relative to the folder that the file lies in ("model.data-00000-of-00001"). A path that leaves
 * it, by ".." or from the root, is an error. NOT_FOUND, INVALID, IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status import_map(struct import_source *source, const char *path,
                                            const unsigned char **bytes, size_t *n,
                                            struct lstm_error *error);

/* Whether import_map() would find a regular file there. */
bool import_has(const struct import_source *source, const char *path);

/* Adds a copy of the view to source->arrays, which may move: pointers into it are good once open()
 * has returned. NO_MEMORY; FORMAT: two of one name. */
LSTM_MUST_CHECK enum lstm_status import_add_array(struct import_source *source,
                                                  const struct import_array *array,
                                                  struct lstm_error *error);
/* NULL if there is none. */
const struct import_array *import_find(const struct import_source *source, const char *name);

/* A packed row-major array; its old shape may be the new one. FORMAT: its product overflows, or is
 * more than `available` bytes. */
LSTM_MUST_CHECK enum lstm_status import_array_init(struct import_array *array, const char *name,
                                                   enum import_dtype dtype, size_t rank,
                                                   const size_t *shape, const unsigned char *data,
                                                   size_t available, struct lstm_error *error);

/* UNSUPPORTED: the array holds what no weight is; its values may have been left where they are. */
LSTM_MUST_CHECK enum lstm_status import_check_floats(const struct import_array *array,
                                                     struct lstm_error *error);

/* Views of views. Axes and ranges must lie inside; they are checked by assert alone. */
struct import_array import_transpose(struct import_array array); /* rank 2 */
struct import_array import_cut(struct import_array array, size_t axis, size_t begin, size_t n);
struct import_array import_drop_axis(struct import_array array, size_t axis, size_t index);

/* Cuts `whole` along `axis` into as many blocks as `order` has letters, and puts the block of each
 * letter where `wanted` has it: import_split(kernel, 1, "ifco", "icfo", cell->kernel) for Keras.
 * SHAPE: the axis cannot be divided. */
LSTM_MUST_CHECK enum lstm_status import_split(struct import_array whole, size_t axis,
                                              const char *order, const char *wanted,
                                              struct import_array *parts, struct lstm_error *error);

/* The next layer of the plan, zeroed but for kind and name. UNSUPPORTED: too many. */
LSTM_MUST_CHECK enum lstm_status import_add_layer(struct import_plan *plan, enum import_kind kind,
                                                  const char *name, struct import_layer **layer,
                                                  struct lstm_error *error);

/* A sentence that tells the user what was assumed or left out: "activation tanh: a checkpoint does
 * not say it; --activation changes it". Those beyond IMPORT_MAX_NOTES are dropped. */
LSTM_PRINTF(2, 3) void import_note(struct import_source *source, const char *format, ...);

/* Tells that the option decides something of this source, whether it is given or not. Options that
 * are given although they decide nothing are refused when the plan is made. */
void import_use(struct import_source *source, enum import_option option);

/* The description of the model that a plan is. labels may be NULL. *spec is new. SHAPE: which
 * array, expected and found; UNSUPPORTED: an array of integers; INVALID: the description that the
 * plan makes is none that lstmd runs. The plan's names become the model's. */
LSTM_MUST_CHECK enum lstm_status import_describe(struct import_plan *plan,
                                                 const char *const *labels, size_t n_labels,
                                                 struct spec **spec, struct lstm_error *error);

/* The model of a plan and its description. *model is new. SHAPE: its arrays leave weights unset. */
LSTM_MUST_CHECK enum lstm_status import_build(const struct import_plan *plan, struct spec *spec,
                                              struct lstm_model **model, struct lstm_error *error);

/* The same as files in an existing folder, as lstm_model_save() writes them, a piece at a time. */
LSTM_MUST_CHECK enum lstm_status import_save(const struct import_plan *plan,
                                             const struct spec *spec, const char *folder,
                                             struct lstm_error *error);

/* The optimizer slots of a plan that was described, in the shape of its model's weights: one of the
 * plan's suffixes chooses which. NOT_FOUND: a slot is missing; SHAPE: it is not like its
 * variable. */
LSTM_MUST_CHECK enum lstm_status import_fill_slot(const struct import_source *source,
                                                  const struct import_plan *plan,
                                                  const char *suffix, const struct spec *spec,
                                                  float *slot, struct lstm_error *error);

/* What an option says that several recognisers share: `chosen` if it is not NULL, else
 * `convention`, with a note that tells what was assumed and that the option changes it. The option
 * was used. Copied into name[32]. INVALID: longer than any name. */
LSTM_MUST_CHECK enum lstm_status import_choose(struct import_source *source, const char *chosen,
                                               const char *convention, const char *what,
                                               enum import_option option, char name[32],
                                               struct lstm_error *error);

/* A recogniser by the names of arrays, one for each naming; readers of containers without an
 * architecture (safetensors, checkpoints) share them: names_tf1.c, names_keras.c, names_torch.c.
 * The signatures are the reader's. */
struct import_naming {
    const char *title; /* "TensorFlow 1" */
    bool (*probe)(const struct import_source *source);
    enum lstm_status (*plan)(struct import_source *source,
                             const struct lstm_import_options *options, struct import_plan *plan,
                             struct lstm_error *error);
};

/* Ended by a row without a title (readers.c); the first that says yes is taken. */
extern const struct import_naming import_namings[];

bool names_tf1_probe(const struct import_source *source);
LSTM_MUST_CHECK enum lstm_status names_tf1_plan(struct import_source *source,
                                                const struct lstm_import_options *options,
                                                struct import_plan *plan, struct lstm_error *error);

#endif
