/* direction_networks.c: the table. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/direction_networks.h"

#include "tests/support/reference_layers.h"

#define RECURRENT(cell, label, width, sequences)                                                   \
    .kind = REFERENCE_##cell, .name = label, .units = width, .forget_bias = 1,                     \
    .return_sequences = sequences
#define ONE(cell, label, width, sequences)                                                         \
    {                                                                                              \
        RECURRENT(cell, label, width, sequences)                                                   \
    }
#define BACKWARDS(cell, label, width, sequences)                                                   \
    {                                                                                              \
        RECURRENT(cell, label, width, sequences), .go_backwards = true                             \
    }
#define BOTH(cell, label, width, merge, sequences)                                                 \
    {                                                                                              \
        RECURRENT(cell, label, width, sequences), .bidirectional = merge                           \
    }
#define MASK(value)                                                                                \
    {                                                                                              \
        .kind = REFERENCE_MASKING, .mask_value = value                                             \
    }
#define WORDS                                                                                      \
    {                                                                                              \
        .kind = REFERENCE_EMBEDDING, .name = "words", .units = 3, .vocabulary = 3,                 \
        .mask_zero = true                                                                          \
    }
#define POOL(how)                                                                                  \
    {                                                                                              \
        .kind = REFERENCE_POOLING, .reduce = how                                                   \
    }
#define NETWORK(count, ...)                                                                        \
    {                                                                                              \
        .features = 2, .n_layers = count, .layers = { __VA_ARGS__ }                                \
    }

const struct reference_network direction_networks[N_DIRECTION_NETWORKS] = {
    /* One direction, from the end. */
    NETWORK(2, BACKWARDS(LSTM, "a", 5, false), DENSE("out", 3, "softmax")),
    NETWORK(1, BACKWARDS(GRU, "a", 5, true)),
    NETWORK(2, BACKWARDS(LSTM, "a", 5, true), DENSE("out", 3, "tanh")),
    /* Both, each way to merge, for sequences and for the last h. */
    NETWORK(1, BOTH(LSTM, "a", 5, "concat", true)),
    NETWORK(1, BOTH(LSTM, "a", 5, "sum", true)),
    NETWORK(1, BOTH(LSTM, "a", 5, "mul", true)),
    NETWORK(1, BOTH(LSTM, "a", 5, "ave", true)),
    NETWORK(2, BOTH(GRU, "a", 17, "concat", false), DENSE("out", 3, "softmax")),
    NETWORK(2, BOTH(GRU, "a", 4, "sum", false), DENSE("out", 3, "softmax")),
    NETWORK(2, BOTH(GRU, "a", 4, "mul", false), DENSE("out", 3, "softmax")),
    NETWORK(2, BOTH(LSTM, "a", 4, "ave", false), DENSE("out", 3, "softmax")),
    NETWORK(1, BOTH(LSTM, "a", 4, "concat", false)),
    /* Stacked, mixed with the other kinds. */
    NETWORK(3, BOTH(LSTM, "a", 4, "concat", true), BOTH(LSTM, "b", 3, "concat", false),
            DENSE("out", 3, "softmax")),
    NETWORK(4, ONE(LSTM, "a", 6, true), BOTH(GRU, "b", 3, "mul", true), ONE(GRU, "c", 5, true),
            BACKWARDS(LSTM, "d", 2, true)),
    NETWORK(5, DENSE("in", 4, "tanh"), BOTH(GRU, "a", 3, "concat", true),
            DENSE("mid", 7, "sigmoid"), BACKWARDS(LSTM, "b", 4, true), DENSE("out", 3, "softmax")),
    NETWORK(4, BOTH(LSTM, "a", 4, "ave", true), {.kind = REFERENCE_DROPOUT, .rate = 1e-12},
            ONE(LSTM, "b", 3, false), DENSE("out", 3, "softmax")),
    NETWORK(3, BOTH(LSTM, "a", 2, "sum", true),
            {.kind = REFERENCE_LSTM,
             .name = "a",
             .units = 2,
             .forget_bias = 1,
             .reuse = true,
             .bidirectional = "sum"},
            DENSE("out", 3, "softmax")),
    /* Variants of the cells. */
    NETWORK(2,
            {RECURRENT(LSTM, "a", 5, true), .bidirectional = "concat", .use_peepholes = true,
             .num_proj = 3},
            DENSE("out", 3, "softmax")),
    NETWORK(2, {RECURRENT(GRU, "a", 5, false), .bidirectional = "mul", .reset_after = true},
            DENSE("out", 3, "softmax")),
    /* Steps skipped. */
    NETWORK(3, MASK(0.5), ONE(LSTM, "a", 5, false), DENSE("out", 3, "softmax")),
    NETWORK(3, MASK(0), ONE(GRU, "a", 5, true), DENSE("out", 3, "softmax")),
    NETWORK(4, MASK(-1), ONE(LSTM, "a", 5, true), DENSE("mid", 4, "relu"), ONE(GRU, "b", 4, true)),
    NETWORK(3, MASK(0), BACKWARDS(LSTM, "a", 5, true), DENSE("out", 3, "sigmoid")),
    NETWORK(4, MASK(0), BOTH(LSTM, "a", 5, "mul", true), DENSE("mid", 4, "sigmoid"),
            DENSE("out", 3, "softmax")),
    NETWORK(4, MASK(2), BOTH(GRU, "a", 5, "concat", true), ONE(LSTM, "b", 4, true),
            DENSE("out", 3, "softmax")),
    {.features = 1,
     .n_layers = 3,
     .layers = {WORDS, ONE(LSTM, "a", 5, true), DENSE("out", 3, "softmax")}},
    {.features = 1,
     .n_layers = 3,
     .layers = {WORDS, BOTH(LSTM, "a", 5, "concat", false), DENSE("out", 3, "softmax")}},
    /* All steps to one row. */
    NETWORK(3, ONE(LSTM, "a", 5, true), POOL("mean"), DENSE("out", 3, "softmax")),
    NETWORK(3, ONE(GRU, "a", 17, true), POOL("max"), DENSE("out", 3, "softmax")),
    NETWORK(3, BOTH(LSTM, "a", 5, "concat", true), POOL("last"), DENSE("out", 3, "softmax")),
    NETWORK(2, BOTH(GRU, "a", 5, "sum", true), POOL("max")),
    NETWORK(2, ONE(LSTM, "a", 5, true), POOL("mean")),
    NETWORK(5, ONE(LSTM, "a", 5, true), DENSE("mid", 4, "tanh"), POOL("max"), DENSE("d", 4, "relu"),
            DENSE("out", 3, "softmax")),
    NETWORK(4, MASK(0.5), BOTH(LSTM, "a", 5, "mul", true), POOL("mean"),
            DENSE("out", 3, "softmax")),
    {.features = 1,
     .n_layers = 4,
     .layers = {WORDS, BACKWARDS(GRU, "a", 5, true), POOL("last"), DENSE("out", 3, "softmax")}},
};
