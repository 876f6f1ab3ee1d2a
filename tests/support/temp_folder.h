/* temp_folder.h: a folder of a test's own, and the files in it. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TEMP_FOLDER_H
#define TEMP_FOLDER_H

#include <stddef.h>

struct temp_folder {
    char path[128];
};

/* A new, empty folder in TMPDIR or /tmp. */
void temp_folder_create(struct temp_folder *folder);

/* Removes it with all that is in it. */
void temp_folder_remove(struct temp_folder *folder);

/* "<folder>/<name>" in `path`, which is returned. */
char *temp_folder_path(const struct temp_folder *folder, const char *name, char path[256]);

/* The bytes of a file, with a NUL behind them. new: free(). */
char *temp_file_read(const char *path, size_t *size);
void temp_file_write(const char *path, const void *data, size_t size);

#endif
