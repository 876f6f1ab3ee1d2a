/* repository.h: what lies in a model repository's folder. SPDX-License-Identifier: Apache-2.0 */
#ifndef REPOSITORY_H
#define REPOSITORY_H

#include <limits.h>

#include "core/lstm.h"

enum { MODEL_NAME_BYTES = 128 };

/* Letters, digits, '_', '-' and '.', not a '.' first. */
bool repository_is_model_name(const char *name);

/* Whether `folder`, a command's --out, can be a model's: its name is one that a server finds.
 * INVALID: there is none (NULL, or empty), or it is not. */
LSTM_MUST_CHECK enum lstm_status repository_check_out(const char *folder, struct lstm_error *error);

/* The largest number that a version may have: 18 digits. */
#define REPOSITORY_MAX_VERSION UINT64_C(999999999999999999)

/* The number that a folder's name, of digits alone, says; 0 if it is no version's. */
uint64_t repository_version_number(const char *name);

/* The model names in the folder, sorted: *names is new (free()), of n entries. Names of other than
 * letters, digits, '_', '-' and '.', or that begin with '.', are passed over. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status repository_models(const char *folder,
                                                   char (**names)[MODEL_NAME_BYTES], size_t *n,
                                                   struct lstm_error *error);

/* A version on disk. */
struct repository_version {
    uint64_t number;
    char folder[64]; /* its name: "1", or "00001" */
    int64_t changed; /* changes when a file in it does */
};

/* A number that changes when the file does; 0: there is none. */
int64_t repository_file_stamp(const char *path);

/* The versions of a model, largest first, each once ("1" or "01"): *versions is new (free()).
 * Folders whose names are not whole numbers are passed over. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status repository_versions(const char *folder, const char *model,
                                                     struct repository_version **versions,
                                                     size_t *n, struct lstm_error *error);

#endif
