/* names_tf1_names.c: what names of variables say by themselves. SPDX-License-Identifier: Apache-2.0
 *
 * Slots: TensorFlow python/training/slot_creator.py, which puts the optimizer's name behind the
 * variable's, and the scope that it is called in, in front. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/import/names_tf1.h"

/* A slot's name is looked at so far: its last parts, and scopes in front of its variable's. */
enum { MAX_SLOT_PARTS = 3, MAX_SCOPES = 8, MAX_SLOT_NAME = 512 };

static const char *const slots[] = {"Adam",
                                    "AdaMax",
                                    "Adagrad",
                                    "AdagradDA",
                                    "Adadelta",
                                    "Adafactor",
                                    "Momentum",
                                    "RMSProp",
                                    "Ftrl",
                                    "LARSOptimizer",
                                    "ExponentialMovingAverage",
                                    NULL};

/* Scalars that programs keep beside weights. */
static const char *const counters[] = {"beta",   "step*", "epoch*", "learning", "lr",   "count*",
                                       "iter*",  "best*", "acc",    "accuracy", "loss", "momentum",
                                       "decay*", "batch", "keep",   "dropout",  NULL};

/* ---- Order ---------------------------------------------------------------------------------- */

/* Digits of a number, without the zeros in front. */
static size_t number_length(const char **at)
{
    while (**at == '0' && isdigit((unsigned char)(*at)[1]))
        (*at)++;
    size_t n = 0;
    while (isdigit((unsigned char)(*at)[n]))
        n++;
    return n;
}

int tf1_compare_names(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
            if (*a != *b)
                return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        const size_t n = number_length(&a), m = number_length(&b);
        const int order = n != m ? (n < m ? -1 : 1) : memcmp(a, b, n);
        if (order != 0)
            return order;
        a += n;
        b += m;
    }
    return (*a != '\0') - (*b != '\0');
}

/* ---- Words ---------------------------------------------------------------------------------- */

const char *tf1_last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

static bool is_word(const char *word, size_t n, const char *const *words)
{
    for (; *words != NULL; words++) {
        const size_t length = strlen(*words);
        const bool goes_on = (*words)[length - 1] == '*';
        if (goes_on ? n >= length - 1 && strncasecmp(word, *words, length - 1) == 0
                    : n == length && strncasecmp(word, *words, n) == 0)
            return true;
    }
    return false;
}

/* A number ends a word: "out1". */
bool tf1_has_word(const char *name, const char *const *words)
{
    static const char ends[] = "/_-.: 0123456789";
    while (*name != '\0') {
        const size_t n = strcspn(name, ends);
        if (n > 0 && is_word(name, n, words))
            return true;
        name += n;
        name += strspn(name, ends);
    }
    return false;
}

/* ---- Bookkeeping ---------------------------------------------------------------------------- */

/* Whether the first n characters name a variable, maybe behind the scopes of an optimizer. */
static bool names_variable(const struct import_source *source, const char *name, size_t n)
{
    char variable[MAX_SLOT_NAME];
    memcpy(variable, name, n);
    variable[n] = '\0';
    const char *at = variable;
    for (size_t k = 0; k < MAX_SCOPES && at != NULL; k++) {
        if (import_find(source, at) != NULL)
            return true;
        at = strchr(at, '/');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

static bool is_slot_part(const char *part)
{
    const size_t n = strcspn(part, "/");
    for (size_t i = 0; slots[i] != NULL; i++) {
        const size_t length = strlen(slots[i]);
        if (n >= length && strncmp(part, slots[i], length) == 0 &&
            strspn(part + length, "_0123456789") == n - length)
            return true;
    }
    return false;
}

/* Whether the first n characters name a variable of the array's shape: an optimizer of the user's
 * may have any name. */
static bool names_like(const struct import_source *source, const struct import_array *array,
                       size_t n)
{
    char variable[MAX_SLOT_NAME];
    memcpy(variable, array->name, n);
    variable[n] = '\0';
    const struct import_array *found = import_find(source, variable);
    return found != NULL && found->rank == array->rank &&
           memcmp(found->shape, array->shape, array->rank * sizeof *array->shape) == 0;
}

/* "rnn/kernel/Adam_1", "rnn/kernel/mine". */
static bool is_slot(const struct import_source *source, const struct import_array *array)
{
    const char *name = array->name;
    size_t n = strlen(name);
    if (n >= MAX_SLOT_NAME)
        return false;
    for (size_t k = 0; k < MAX_SLOT_PARTS; k++) {
        while (n > 0 && name[n - 1] != '/')
            n--;
        if (n < 2)
            return false;
        n--;
        if (names_like(source, array, n) ||
            (is_slot_part(name + n + 1) && names_variable(source, name, n)))
            return true;
    }
    return false;
}

bool tf1_is_bookkeeping(const struct import_source *source, const struct import_array *array)
{
    if (array->dtype == IMPORT_TEXT || array->dtype == IMPORT_BOOL)
        return true;
    if (array->rank == 0)
        return array->dtype > IMPORT_BF16 || tf1_has_word(tf1_last_part(array->name), counters) ||
               is_slot(source, array);
    return is_slot(source, array);
}

/* ---- Whose a variable is -------------------------------------------------------------------- */

bool tf1_is_free(const struct tf1_network *network, const struct import_array *array)
{
    const char *scope = network->options->scope;
    return (scope == NULL || strncmp(array->name, scope, strlen(scope)) == 0) &&
           !network->is_owned[array - network->source->arrays];
}

void tf1_own(struct tf1_network *network, const struct import_array *array)
{
    if (array != NULL)
        network->is_owned[array - network->source->arrays] = true;
}
