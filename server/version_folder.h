/* version_folder.h: how a new version of a model gets into its folder, whole or not at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A version is prepared in a hidden folder beside the others, then renamed to the next number, so
 * that a reader of MODELS/NAME never sees half of one. The hidden folder is locked while somebody
 * works on it; the lock goes with the process, so that what a killed one left is known by that.
 * All functions may be called by several threads and programs at once on one model's folder. */
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

/* A version in the making. */
struct version_folder {
    char unfinished[PATH_MAX]; /* the hidden folder that its files go to; "": published */
    int lock;                  /* descriptor that keeps the folder locked */
};

/* Makes an empty hidden folder in model_folder, and removes those whose program was killed. IO,
 * NO_SPACE, INVALID; then there is nothing to end. */
LSTM_MUST_CHECK enum lstm_status version_folder_begin(struct version_folder *folder,
                                                      const char *model_folder,
                                                      struct lstm_error *error);

/* Renames it to the number after the largest in model_folder, at least the one after `above`, and
 * puts that path into `published`. The files in it are on disk already, and when this returns, so
 * is the name. On failure it is where it was. UNSUPPORTED: no version may have a larger number; IO,
 * NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status version_folder_publish(struct version_folder *folder,
                                                        const char *model_folder, uint64_t above,
                                                        char published[PATH_MAX],
                                                        struct lstm_error *error);

/* latest: the largest version in model_folder, whether it loads or not; 0: there is
 * none, or no such folder. IO. */
LSTM_MUST_CHECK enum lstm_status version_folder_latest(const char *model_folder, uint64_t *latest,
                                                       struct lstm_error *error);

/* Removes it, unless it was published. */
void version_folder_end(struct version_folder *folder);

/* Removes the hidden folders in model_folder that nobody works on any more: a program that was
 * killed left them. Best effort: a folder that cannot be locked (another works on it, or the file
 * system has no locks) stays. */
void version_folder_sweep(const char *model_folder);

/* found: a version in model_folder with the same model.json and weights as the folder `like`.
 * NOT_FOUND; IO. */
LSTM_MUST_CHECK enum lstm_status version_folder_find(const char *model_folder, const char *like,
                                                     char found[PATH_MAX],
                                                     struct lstm_error *error);

#endif
