/* version_folder.h: how a new version of a model gets into its folder, whole or not at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A version is prepared in a hidden folder beside the others, then renamed to the next number, so
 * that a reader of MODELS/NAME never sees half of one. */
#ifndef VERSION_FOLDER_H
#define VERSION_FOLDER_H

#include <limits.h>

#include "core/lstm.h"

/* out = folder/name. INVALID: longer than PATH_MAX allows. */
LSTM_MUST_CHECK enum lstm_status folder_path(char out[PATH_MAX], const char *folder,
                                             const char *name, struct lstm_error *error);

/* Makes the folder and those above it that are missing, on disk. IO, NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status folder_make(const char *path, struct lstm_error *error);

/* Removes a folder and the files in it; best effort, for what is left over. */
void folder_remove(const char *path);

/* Makes an empty hidden folder in model_folder and puts its path into `unfinished`. IO,
 * NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status
version_folder_begin(const char *model_folder, char unfinished[PATH_MAX], struct lstm_error *error);

/* Renames it to the number after the largest in model_folder (1 if there is none) and puts that
 * path into `published`. The files in it are on disk already, and when this returns, so is the
 * name. On failure it is where it was. IO, NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status version_folder_publish(const char *model_folder,
                                                        const char *unfinished,
                                                        char published[PATH_MAX],
                                                        struct lstm_error *error);

/* found: a version in model_folder with the same model.json and weights as the folder `like`.
 * NOT_FOUND; IO. */
LSTM_MUST_CHECK enum lstm_status version_folder_find(const char *model_folder, const char *like,
                                                     char found[PATH_MAX],
                                                     struct lstm_error *error);

#endif
