/* names_tf1_dense.c: dense layers and embeddings, which may have any name: matrices, and the
 * vectors that belong to them. SPDX-License-Identifier: Apache-2.0
 *
 * Names that TensorFlow gives (kernel and bias, weights and biases) tell which belong together, as
 * those of most programs do (softmax_w and softmax_b). tf.Variable without a name numbers what it
 * makes: there the order of creation tells. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

/* A word of a kernel's name, and what stands in its place in the bias's. */
static const struct {
    const char *kernel, *bias;
} pairs[] = {{"kernel", "bias"}, {"weights", "biases"},
             {"weight", "bias"}, {"Weights", "Biases"},
             {"Weight", "Bias"}, {"Matrix", "Bias"},
             {"W_0", "B"},       {"weights", "bias"},
             {"W", "b"},         {"w", "b"},
             {"W", "B"}};

/* Last parts of names below the scope of a dense layer. */
static const char *const usual_parts[] = {"kernel", "weights", "weight", "W", "w",
                                          "Matrix", "W_0",     "bias",   NULL};

/* Words of what is no dense layer that runs in a chain, even where its shape would fit. */
static const char *const strangers[] = {"attention*", "attn*",       "memory",  "query", "norm*",
                                        "layernorm*", "batchnorm*",  "bn",      "conv",  "crf*",
                                        "transition", "transitions", "highway", NULL};

static const char *const embedding_words[] = {"emb*", "lookup", "wordvec*", NULL};

static const char *const dense_words[] = {"kernel", "weights", "weight", "dense*", "fc",
                                          "out*",   "softmax", "logits", "proj*",  "hidden*",
                                          "in",     "input*",  "Matrix", NULL};

/* A layer of such a name comes last, whatever the alphabet says. */
static const char *const last_words[] = {"out*",  "softmax", "logits", "pred*", "head",
                                         "final", "last",    "scores", NULL};

#define COUNT(table) (sizeof(table) / sizeof *(table))

bool tf1_is_embedding(const struct tf1_matrix *matrix)
{
    return matrix->bias == NULL && (tf1_has_word(matrix->kernel->name, embedding_words) ||
                                    strcasestr(matrix->kernel->name, "embed") != NULL);
}

bool tf1_may_be_embedding(const struct tf1_matrix *matrix)
{
    return matrix->bias == NULL && !tf1_has_word(matrix->kernel->name, dense_words);
}

/* ---- Biases --------------------------------------------------------------------------------- */

static bool is_bias(const struct tf1_network *network, const struct import_array *array, size_t n)
{
    return array != NULL && array->rank == 1 && array->shape[0] == n &&
           array->dtype <= IMPORT_BF16 && tf1_is_free(network, array);
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

/* The variable of the kernel's name with the n characters at `at` replaced; NULL: there is none. */
static const struct import_array *find_replaced(const struct import_source *source,
                                                const char *name, const char *at, size_t n,
                                                const char *word)
{
    char text[512];
    const int length =
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - name), name, word, at + n);
    return length > 0 && (size_t)length < sizeof text ? import_find(source, text) : NULL;
}

/* By the words of the kernel's name: "W_out" has "b_out", "Wout" has "bout". */
static const struct import_array *find_partner(const struct tf1_network *network,
                                               const struct import_array *kernel)
{
    const char *name = kernel->name;
    if (strlen(name) >= 512)
        return NULL;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const size_t n = strlen(pairs[i].kernel);
        for (const char *at = name; (at = strstr(at, pairs[i].kernel)) != NULL; at++) {
            const bool begins = at == name || !is_letter(at[-1]), ends = !is_letter(at[n]);
            if (!begins && !ends)
                continue;
            const struct import_array *found =
                find_replaced(network->source, name, at, n, pairs[i].bias);
            if (is_bias(network, found, kernel->shape[1]))
                return found;
        }
    }
    return NULL;
}

/* ---- Variables without names ---------------------------------------------------------------- */

/* "a/" of "a/Variable_1"; SIZE_MAX: it has a name. */
static size_t unnamed_scope(const char *name)
{
    const char *last = tf1_last_part(name);
    static const char unnamed[] = "Variable";
    const size_t n = sizeof unnamed - 1;
    if (strncmp(last, unnamed, n) != 0 || strspn(last + n, "_0123456789") != strlen(last + n))
        return SIZE_MAX;
    return (size_t)(last - name);
}

/* Kernels, or biases, of n outputs without names, in the order in which they were created. */
struct unnamed {
    size_t n;
    const struct import_array *list[IMPORT_MAX_LAYERS];
};

static int by_creation(const void *a, const void *b)
{
    const struct import_array *const *x = a, *const *y = b;
    return tf1_compare_names((*x)->name, (*y)->name);
}

/* Those in the kernel's scope with as many outputs. None, if there are more than layers. */
static void list_unnamed(const struct tf1_network *network, const struct import_array *kernel,
                         size_t rank, struct unnamed *unnamed)
{
    const size_t n_scope = unnamed_scope(kernel->name);
    unnamed->n = 0;
    for (size_t i = 0; i < network->source->n_arrays; i++) {
        const struct import_array *array = &network->source->arrays[i];
        if (array->rank != rank || array->shape[rank - 1] != kernel->shape[1] ||
            array->dtype > IMPORT_BF16 || unnamed_scope(array->name) != n_scope ||
            strncmp(array->name, kernel->name, n_scope) != 0 || !tf1_is_free(network, array))
            continue;
        if (unnamed->n == IMPORT_MAX_LAYERS) {
            unnamed->n = 0;
            return;
        }
        unnamed->list[unnamed->n++] = array;
    }
    if (unnamed->n > 1)
        qsort(unnamed->list, unnamed->n, sizeof *unnamed->list, by_creation);
}

static size_t count_before(const struct unnamed *unnamed, const char *name)
{
    size_t n = 0;
    while (n < unnamed->n && tf1_compare_names(unnamed->list[n]->name, name) < 0)
        n++;
    return n;
}

/* The k-th such kernel has the k-th such bias, whether biases were created behind each kernel or
 * behind all of them. Where some have none, it is that which comes before the next kernel. */
static const struct import_array *find_created(const struct tf1_network *network,
                                               const struct import_array *kernel)
{
    struct unnamed kernels, biases;
    list_unnamed(network, kernel, 2, &kernels);
    list_unnamed(network, kernel, 1, &biases);
    const size_t k = count_before(&kernels, kernel->name);
    if (kernels.n == biases.n)
        return k < biases.n ? biases.list[k] : NULL;
    const size_t next = count_before(&biases, kernel->name);
    return next < biases.n && count_before(&kernels, biases.list[next]->name) == k + 1
               ? biases.list[next]
               : NULL;
}

/* ---- Names that have nothing in common ------------------------------------------------------ */

static bool sounds_like_bias(const char *name)
{
    static const char *const words[] = {"b", "bias*", NULL};
    return tf1_has_word(name, words);
}

/* The only vector that calls itself a bias, for the only kernel that may have it. */
static const struct import_array *find_only(const struct tf1_network *network,
                                            const struct import_array *kernel)
{
    const struct import_array *found = NULL;
    for (size_t i = 0; i < network->source->n_arrays; i++) {
        const struct import_array *array = &network->source->arrays[i];
        const bool is_vector = is_bias(network, array, kernel->shape[1]);
        if (!tf1_is_free(network, array) || tf1_is_bookkeeping(network->source, array))
            continue;
        if (array != kernel && array->rank == 2 && array->shape[1] == kernel->shape[1])
            return NULL;
        if (is_vector && sounds_like_bias(array->name) && found != NULL)
            return NULL;
        if (is_vector && sounds_like_bias(array->name))
            found = array;
    }
    return found;
}

static const struct import_array *find_bias(const struct tf1_network *network,
                                            const struct import_array *kernel)
{
    static const char *const tensorflows[] = {"kernel", "weights", "Matrix", NULL};
    const struct import_array *partner = find_partner(network, kernel);
    if (partner != NULL || tf1_has_word(tf1_last_part(kernel->name), tensorflows))
        return partner;
    return unnamed_scope(kernel->name) != SIZE_MAX ? find_created(network, kernel)
                                                   : find_only(network, kernel);
}

/* ---- Matrices ------------------------------------------------------------------------------- */

void tf1_matrix_name(const char *kernel, char name[NAME_MAX_BYTES])
{
    const char *last = tf1_last_part(kernel);
    size_t n = strlen(kernel);
    for (size_t i = 0; usual_parts[i] != NULL && last > kernel; i++)
        if (strcmp(last, usual_parts[i]) == 0)
            n = (size_t)(last - kernel) - 1;
    n = n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES - 1;
    memcpy(name, kernel, n);
    name[n] = '\0';
}

void tf1_read_matrix(const struct tf1_network *network, const struct import_array *kernel,
                     struct tf1_matrix *matrix)
{
    *matrix = (struct tf1_matrix){.kernel = kernel, .bias = find_bias(network, kernel)};
    tf1_matrix_name(kernel->name, matrix->name);
}

static bool is_matrix(const struct tf1_network *network, const struct import_array *array)
{
    return array->rank == 2 && array->dtype <= IMPORT_BF16 && tf1_is_free(network, array) &&
           !tf1_is_bookkeeping(network->source, array) && !tf1_has_word(array->name, strangers) &&
           strstr(array->name, "multi_rnn_cell/cell_") == NULL &&
           strstr(array->name, "MultiRNNCell/Cell") == NULL;
}

static int in_order(const void *a, const void *b)
{
    const char *x = ((const struct tf1_matrix *)a)->kernel->name;
    const char *y = ((const struct tf1_matrix *)b)->kernel->name;
    const int is_last = tf1_has_word(x, last_words), is_other_last = tf1_has_word(y, last_words);
    return is_last != is_other_last ? is_last - is_other_last : tf1_compare_names(x, y);
}

enum lstm_status tf1_find_matrices(struct tf1_network *network)
{
    const struct import_source *source = network->source;
    for (size_t i = 0; i < source->n_arrays; i++) {
        if (!is_matrix(network, &source->arrays[i]))
            continue;
        if (network->n_matrices == IMPORT_MAX_LAYERS)
            return lstm_fail(network->error, LSTM_UNSUPPORTED,
                             "there are more than %d matrices beside the cells; --layers names the "
                             "layers that run",
                             IMPORT_MAX_LAYERS);
        network->matrices[network->n_matrices++].kernel = &source->arrays[i];
    }
    for (size_t k = 0; k < network->n_matrices; k++)
        tf1_read_matrix(network, network->matrices[k].kernel, &network->matrices[k]);
    for (size_t k = 0; k < network->n_matrices; k++) {
        tf1_own(network, network->matrices[k].kernel);
        tf1_own(network, network->matrices[k].bias);
    }
    if (network->n_matrices > 1)
        qsort(network->matrices, network->n_matrices, sizeof *network->matrices, in_order);
    return LSTM_OK;
}
