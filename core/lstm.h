/* lstm.h: recurrent networks with TensorFlow 1 semantics: load, run, train and save them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one public header of liblstm.a. A newcomer needs three things from it:
 *
 *   lstm_model    what a network is and knows: architecture and weights. Immutable once made, so
 *                 any number of threads may share one.
 *   lstm_runner   the scratch memory of one thread that runs models: dynamic_rnn and the layers
 *                 after it, over a batch of sequences of different lengths.
 *   lstm_trainer  the master copy of the weights of a model that learns, its gradients and its
 *                 optimizer. lstm_trainer_snapshot() turns what it knows into a new lstm_model.
 *
 * The library never logs, exits, starts a thread or opens a socket. It needs libc, CBLAS, jansson
 * (model.json) and zlib (gzip data sets, checksums).
 *
 * Errors. What can fail returns an enum lstm_status and, through an optional last argument, a
 * sentence that says what was wrong, where, and what was expected. On failure every output
 * pointer is NULL and every output buffer is unspecified, unless the function says otherwise.
 *
 * Ownership. "new": the caller must give it to the matching destroy. "borrowed": it belongs to
 * the object that it came from and lives as long. Every destroy accepts NULL.
 *
 * Arrays are row-major float32. Shapes are written [B, T, D]: B sequences of a batch, T time
 * steps, D values a step; U is num_units, H what a cell puts out: U, or num_proj.
 */
#ifndef LSTM_H
#define LSTM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LSTM_VERSION "0.1.0"

#if defined(__GNUC__)
#define LSTM_MUST_CHECK   __attribute__((warn_unused_result))
#define LSTM_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define LSTM_MUST_CHECK
#define LSTM_PRINTF(f, a)
#endif

/* ---- Status and errors -------------------------------------------------------------------- */

/* The numbers are stable: they are part of the interface. */
#define LSTM_STATUS_LIST(X)                                                                        \
    X(OK, 0, "ok")                                                                                 \
    X(INVALID, 1, "invalid argument")                                                              \
    X(SHAPE, 2, "wrong shape")                                                                     \
    X(FORMAT, 3, "malformed file")                                                                 \
    X(NOT_FOUND, 4, "not found")                                                                   \
    X(IO, 5, "input or output failed")                                                             \
    X(NO_MEMORY, 6, "out of memory")                                                               \
    X(NON_FINITE, 7, "not a finite number")                                                        \
    X(UNSUPPORTED, 8, "not supported")                                                             \
    X(NO_SPACE, 9, "no space left on the disk")

enum lstm_status {
#define X(name, number, text) LSTM_##name = number,
    LSTM_STATUS_LIST(X)
#undef X
};

/* Where a failing call leaves its sentence. Caller-owned; its content before the call is ignored.
 */
struct lstm_error {
    enum lstm_status status;
    char text[256];
};

/* The constant's name ("SHAPE") and its meaning ("wrong shape"). Never NULL. */
const char *lstm_status_name(enum lstm_status status);
const char *lstm_status_text(enum lstm_status status);

/* ---- Models ------------------------------------------------------------------------------- */

struct lstm_model;

/* How a value is stored in a weights file; everything is computed in float32. */
enum lstm_dtype { LSTM_F32, LSTM_F64, LSTM_F16, LSTM_BF16 };

enum lstm_loss {
    LSTM_SOFTMAX_CROSS_ENTROPY,
    LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX, /* the logits argument is a softmax already */
    LSTM_MEAN_SQUARED_ERROR
};

enum lstm_optimizer { LSTM_ADAM, LSTM_SGD };

/* The "training" object of model.json; its defaults are TensorFlow 1's. */
struct lstm_training {
    enum lstm_loss loss;           /* softmax_cross_entropy */
    enum lstm_optimizer optimizer; /* adam */
    double learning_rate;          /* 0.001 */
    double beta1, beta2, epsilon;  /* 0.9, 0.999, 1e-8 */
    double clip_norm;              /* largest global norm of the gradient; 0: not clipped */
};

/* One layer, for showing. Texts are borrowed. */
struct lstm_layer_info {
    const char *type, *name; /* "lstm"; "" for a dropout's name */
    const char *activation;  /* of a pooling layer "mean", "max" or "last" */
    size_t inputs, units;
    size_t n_parameters; /* shared ones counted with the layer that has them first */
};

/* What a model takes and gives. Sizes are numbers of floats. */
struct lstm_model_info {
    size_t steps;            /* exact number of steps of a whole instance; 0: any number */
    size_t features;         /* D of the input; 1 for token ids in front of an embedding */
    size_t vocabulary;       /* token ids run from 0 to vocabulary - 1; 0: inputs are numbers */
    float scale;             /* factor for byte inputs (uint8 bodies, images) */
    size_t output_size;      /* values per row of output */
    bool output_is_sequence; /* output is [T, output_size] instead of [output_size] */
    bool output_is_softmax;  /* the last layer's activation is softmax */
    size_t rnn_output_size; /* values of h of the last recurrent layer; of two cells concatenated */
    size_t state_size;      /* of all recurrent layers: c then h of each LSTM, h of each GRU */
    size_t gates_size;  /* of all recurrent layers: i, j, f, o of each LSTM; r, u, c of each GRU */
    size_t n_recurrent; /* cells: one of each recurrent layer, fw and bw of a bidirectional one */
    bool reads_backwards; /* a layer is bidirectional or has go_backwards: only whole sequences mean
                             anything */
    bool pools_steps;     /* a pooling layer makes one row of all steps of a sequence */
    bool needs_whole;     /* one of the two: a sequence cannot be sent in pieces */
    size_t n_parameters;  /* number of weights, shared ones counted once */
    size_t n_labels;      /* 0, or output_size */
    const char *const *labels; /* borrowed */
    struct lstm_training training;
};

/* Where cell k keeps its part of a state of state_size floats, and of the gates. */
struct lstm_state_info {
    const char *name; /* the layer's; of two cells "<name>/fw" and "<name>/bw"; borrowed */
    bool has_c;       /* LSTM: c and h. GRU: h alone, and c_offset means nothing */
    bool reads_backwards;
    size_t units;                  /* values of c, and of each gate */
    size_t h_units;                /* values of h: units, or the LSTM's num_proj */
    size_t c_offset, h_offset;     /* in state_size */
    size_t gates_offset, n_gates;  /* in gates_size; n_gates blocks of `units` floats */
    const char *const *gate_names; /* n_gates of them, in stored order; borrowed */
};

/* One tensor of a model's weights. */
struct lstm_tensor {
    const char *name; /* "rnn/basic_lstm_cell/kernel"; borrowed */
    size_t rank;      /* 1 or 2 */
    size_t shape[2];
    const float *data; /* borrowed */
};

/* A model of this description (the text of a model.json) with freshly initialised weights: the
 * same seed gives the same bits. *model is new.
 * INVALID: text is not such a description (the sentence names the key). NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_model_create(const char *json, size_t json_bytes,
                                                   uint64_t seed, struct lstm_model **model,
                                                   struct lstm_error *error);

/* The same with the weights of a safetensors file's bytes. Both texts are treated as hostile.
 * INVALID or FORMAT: which key or tensor, what was expected, what was found. UNSUPPORTED: a tensor
 * of integers. NO_MEMORY. Weights may be NaN or infinite: lstm_model_check() tells. */
LSTM_MUST_CHECK enum lstm_status lstm_model_parse(const char *json, size_t json_bytes,
                                                  const void *weights, size_t weights_bytes,
                                                  struct lstm_model **model,
                                                  struct lstm_error *error);

/* Reads folder/model.json and folder/weights.safetensors. *model is new.
 * NOT_FOUND, IO, and what lstm_model_parse() gives. */
LSTM_MUST_CHECK enum lstm_status lstm_model_load(const char *folder, struct lstm_model **model,
                                                 struct lstm_error *error);

/* Writes both files into an existing folder, and to disk before it returns (fsync of both and of
 * the folder). The stored type is the model's "dtype". NON_FINITE: a weight is no finite number as
 * that; nothing was written. IO, NO_SPACE: what failed; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_model_save(const struct lstm_model *model, const char *folder,
                                                 struct lstm_error *error);

/* NON_FINITE: a weight is NaN or infinite, and which. */
LSTM_MUST_CHECK enum lstm_status lstm_model_check(const struct lstm_model *model,
                                                  struct lstm_error *error);

void lstm_model_destroy(struct lstm_model *model);

/* Borrowed descriptions. state: k < n_recurrent. tensor: k < lstm_model_n_tensors(). */
const struct lstm_model_info *lstm_model_info(const struct lstm_model *model);
const struct lstm_state_info *lstm_model_state(const struct lstm_model *model, size_t k);
size_t lstm_model_n_layers(const struct lstm_model *model);
struct lstm_layer_info lstm_model_layer(const struct lstm_model *model, size_t k);
size_t lstm_model_n_tensors(const struct lstm_model *model);
struct lstm_tensor lstm_model_tensor(const struct lstm_model *model, size_t k);

/* Whether a runner or a trainer made for one works for the other: same layers, same shapes. */
bool lstm_model_same_architecture(const struct lstm_model *a, const struct lstm_model *b);

/* ---- Running ------------------------------------------------------------------------------- */

/* One sequence of a batch: what goes in, and where what comes out is to be written. Everything
 * is borrowed for the time of the call. Output pointers may be NULL: not wanted. */
struct lstm_sequence {
    const float *input; /* [steps, features] */
    size_t step_stride; /* floats from one step to the next; 0: features (packed) */
    size_t steps;       /* sequence_length. 0: outputs nothing, the final state is the initial */
    const float *initial_state; /* [state_size]; NULL: zeros */
    float *output;              /* [output_size] or [steps, output_size]: the last layer's */
    float *rnn_output;          /* [steps, rnn_output_size]: the last recurrent layer's h */
    size_t rnn_output_stride;   /* floats from one step to the next; 0: rnn_output_size */
    float *final_state;         /* [state_size]; may be the initial_state's memory */
    float *state_trace;         /* [steps, state_size]: the state after every step */
    float *gates_trace;         /* [steps, gates_size]: the gates of every step, activated */
};

/* Zero means the default. */
struct lstm_runner_options {
    size_t max_batch;           /* most sequences of one call (default 256) */
    size_t parallel_iterations; /* time steps whose input projections run as one matrix product
                                   (default 32); never changes a result beyond rounding */
};

struct lstm_runner;

/* Scratch for one thread, for `model` and all of its architecture. *runner is new; the model is
 * not kept. One thread at a time may use a runner. options may be NULL. INVALID: an option above
 * what is sensible; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_runner_create(const struct lstm_model *model,
                                                    const struct lstm_runner_options *options,
                                                    struct lstm_runner **runner,
                                                    struct lstm_error *error);

/* Runs n sequences through the model as one batch: dynamic_rnn masked by each sequence's steps,
 * then the layers after it. Allocates nothing. A sequence's results depend on the others of its
 * batch by rounding only (1e-5). Memory does not grow with the number of steps.
 *
 * A model that reads backwards needs a sequence whole: its runner keeps two arrays of rows as wide
 * as the widest layer, one row for each step of the longest sequence that came, or 4096 rows if
 * that is more. They are allocated when a sequence is longer than all before it; with the model's
 * `steps` given, or after a run of the longest sequence, nothing is.
 *
 * A cell that reads backwards begins at the last step (of the sequence's own steps). Its outputs,
 * trace and gates stand in the order of the inputs: at step t is what it had when it had read the
 * steps from the last one to t; its final state is the trace at step 0.
 *
 * Steps that the first layer skips (masking, mask_zero) change nothing: the state is copied
 * through, the output of the last recurrent layer repeats that of the step read before, zeros if
 * there is none; of a bidirectional layer it is zeros, as Keras has it. Gates of such a step are
 * zeros.
 * INVALID: n above max_batch, another architecture than the runner's, a token id that is not a
 * whole number below the vocabulary. NO_MEMORY: of a model that reads backwards; nothing ran. */
LSTM_MUST_CHECK enum lstm_status lstm_runner_run(struct lstm_runner *runner,
                                                 const struct lstm_model *model,
                                                 const struct lstm_sequence *sequences, size_t n,
                                                 struct lstm_error *error);

void lstm_runner_destroy(struct lstm_runner *runner);

/* The arguments of tf.nn.dynamic_rnn that belong to the call; those of the cell (num_units,
 * forget_bias, activation, name, reuse, dtype) are the model's layers. `cell` is the model up to
 * its last recurrent layer. */
struct lstm_dynamic_rnn_args {
    size_t batch, time;             /* B, T */
    const float *inputs;            /* [B, T, D], or [T, B, D] if time_major */
    const int32_t *sequence_length; /* [B], each 0 .. T; NULL: all T */
    const float *initial_state; /* NULL: zeros. state_is_tuple: for each recurrent layer c [B, U]
                                   and h [B, H], one after the other. Otherwise: [B, state_size],
                                   c first in each row */
    bool time_major;
    bool state_is_tuple;
    float *outputs;     /* [B, T, H] or [T, B, H]: zero past each sequence's length */
    float *final_state; /* shaped as initial_state; may be NULL */
};

/* tf.nn.dynamic_rnn(cell, inputs, sequence_length, initial_state, time_major): outputs and final
 * state. Runs in pieces of the runner's max_batch sequences.
 * INVALID: a sequence_length below 0 or above T (TensorFlow accepts the latter silently), and what
 * lstm_runner_run() gives, which also says when something is allocated. */
LSTM_MUST_CHECK enum lstm_status lstm_dynamic_rnn(struct lstm_runner *runner,
                                                  const struct lstm_model *model,
                                                  const struct lstm_dynamic_rnn_args *args,
                                                  struct lstm_error *error);

/* The instruction set that the gate kernels use on this machine: "avx512", "avx2" or "generic". */
const char *lstm_cpu_kernels(void);

/* ---- Training ------------------------------------------------------------------------------ */

struct lstm_trainer;

/* Zero means the default. */
struct lstm_trainer_options {
    size_t parallel_iterations; /* as the runner's */
    const char *swap_folder;    /* swap_memory: keep the activations that the backward pass needs in
                                   a mapped temporary file in this folder. NULL: in memory */
    uint64_t seed;              /* of the dropout masks */

    /* Called again and again in the middle of a step, on its thread, after some ten million
     * multiplications each: it may wait, so that a long step does not keep a core from others. It
     * must not touch the trainer. NULL: no pauses. */
    void (*give_way)(void *context);
    void *context; /* of give_way */
};

/* A target is output_size floats: a probability row (one-hot for a class number) for the softmax
 * losses, the wanted output for the squared error. An example has one; of a model that gives
 * sequences it has one for each of its steps, those of skipped steps being read by nobody. The loss
 * is then the mean over all steps of the batch that are not skipped, so that a long example counts
 * more than a short one; an example's weight is the weight of each of its steps. */
struct lstm_examples {
    const struct lstm_sequence *sequences; /* [n]; only input, step_stride, steps and
                                              initial_state are read */
    const float *targets;                  /* [n, output_size]; of a model that gives sequences
                                              [steps, output_size] of each example in turn */
    const float *weights;                  /* [n] weight of each example's loss; NULL: all 1 */
    size_t n;
};

struct lstm_training_result {
    uint64_t step;        /* optimizer steps applied so far, this one included */
    double loss;          /* mean over the targets, before the step; weighted by the weights */
    double gradient_norm; /* global norm before clipping; 0 from evaluate */
    size_t n_targets;     /* examples, or their steps that are not skipped */
    size_t n_correct;     /* targets whose largest value is where the largest output is */
};

/* A trainer that starts from the model's weights and training settings. *trainer is new; the model
 * is not kept. One thread at a time may use it. options may be NULL. UNSUPPORTED: the loss does not
 * fit the model's last activation. NO_MEMORY, IO. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_create(const struct lstm_model *model,
                                                     const struct lstm_trainer_options *options,
                                                     struct lstm_trainer **trainer,
                                                     struct lstm_error *error);

/* The settings in force, to read or to change between two steps. Borrowed. */
struct lstm_training *lstm_trainer_settings(struct lstm_trainer *trainer);

/* One optimizer step on these examples: forward, loss, backward, clip, update. Deterministic: the
 * same steps from the same weights give the same bits on the same machine.
 * INVALID (n is 0, or a model that gives sequences has no step to learn from), NON_FINITE (loss or
 * gradient, or a weight would leave +-1e18; the step is not applied), NO_MEMORY, IO. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_step(struct lstm_trainer *trainer,
                                                   const struct lstm_examples *examples,
                                                   struct lstm_training_result *result,
                                                   struct lstm_error *error);

/* The first half of a step: loss and gradients, nothing applied (dropout is on). The gradient of
 * tensor k (numbered as lstm_model_tensor() numbers them) is borrowed, shaped as the tensor. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_gradients(struct lstm_trainer *trainer,
                                                        const struct lstm_examples *examples,
                                                        struct lstm_training_result *result,
                                                        struct lstm_error *error);
const float *lstm_trainer_gradient(const struct lstm_trainer *trainer, size_t k);

/* The second half: clips and applies the gradients that lstm_trainer_gradients() left.
 * NON_FINITE: they are not finite, or a weight would leave +-1e18; nothing was applied. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_apply(struct lstm_trainer *trainer,
                                                    struct lstm_error *error);

/* Loss and n_correct as a step would see them, with dropout off; applies nothing. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_evaluate(struct lstm_trainer *trainer,
                                                       const struct lstm_examples *examples,
                                                       struct lstm_training_result *result,
                                                       struct lstm_error *error);

/* Bytes of activations that a step on examples with these sequences takes, of a trainer of this
 * model: about 7 times its units for each of their steps. They are given back when they are many.
 * NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_measure(const struct lstm_model *model,
                                                      const struct lstm_sequence *sequences,
                                                      size_t n, size_t *bytes,
                                                      struct lstm_error *error);

/* A model of the weights as they are now. *model is new. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_snapshot(const struct lstm_trainer *trainer,
                                                       struct lstm_model **model,
                                                       struct lstm_error *error);

/* All that a trainer needs to go on as if it had never stopped: weights, optimizer slots, step
 * number; a checksummed safetensors file, written beside the path, flushed and renamed over it.
 * `note` (may be NULL) is a caller's text kept with it. restore() leaves the trainer as it was on
 * failure, and copies the note, cut to note_bytes. NOT_FOUND, FORMAT, SHAPE, IO, NO_SPACE (also a
 * quota or a limit), NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status lstm_trainer_save(const struct lstm_trainer *trainer,
                                                   const char *path, const char *note,
                                                   struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status lstm_trainer_restore(struct lstm_trainer *trainer,
                                                      const char *path, char *note,
                                                      size_t note_bytes, struct lstm_error *error);

/* The same in memory: `to` goes on as `from` would. Both are of the same architecture. */
void lstm_trainer_copy(struct lstm_trainer *to, const struct lstm_trainer *from);

/* Optimizer steps applied since the model's weights were new: a trainer that was restored or copied
 * has those of its source. */
uint64_t lstm_trainer_n_steps(const struct lstm_trainer *trainer);

void lstm_trainer_destroy(struct lstm_trainer *trainer);

/* ---- Parts of this header ------------------------------------------------------------------ */

#include "lstm_data.h"
#include "lstm_import.h"

#ifdef __cplusplus
}
#endif

#endif
