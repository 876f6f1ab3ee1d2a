/* torch_names.h: what the names of modules tell. SPDX-License-Identifier: Apache-2.0 */
#ifndef TORCH_NAMES_H
#define TORCH_NAMES_H

#include <stddef.h>

/* What a module is that may have nothing but a matrix. */
enum torch_meaning {
    TORCH_NAMES_NOTHING,
    TORCH_NAMES_EMBEDDING,
    TORCH_NAMES_LINEAR,
    TORCH_NAMES_OUTPUT /* a linear layer, and the last one */
};

/* Of the prefix "lm_head.", its last part first: a word in it ("embed", "head") tells. */
enum torch_meaning torch_name_meaning(const char *prefix, size_t n);

/* Below, 0 or above 0 as a comes before, with or behind b, where "cells.2" comes before
 * "cells.10". */
int torch_names_compare(const char *a, size_t n_a, const char *b, size_t n_b);

#endif
