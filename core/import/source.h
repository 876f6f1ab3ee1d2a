/* source.h: the life of a source. SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_H
#define SOURCE_H

#include "core/import/import.h"

/* Maps the file, or takes the folder, that the path names; of a checkpoint's prefix, its index.
 * NOT_FOUND, IO, NO_MEMORY. On failure *source holds nothing. */
LSTM_MUST_CHECK enum lstm_status source_init(struct import_source *source, const char *path,
                                             struct lstm_error *error);

/* The same of files in memory, borrowed; the first is the source, or its folder. */
LSTM_MUST_CHECK enum lstm_status source_init_files(struct import_source *source,
                                                   const struct lstm_source_file *files, size_t n,
                                                   struct lstm_error *error);

void source_release(struct import_source *source);

/* source_files.c: the files behind a source. */
struct source_map {
    struct source_map *next;
    void *bytes;
    size_t n;
};

/* What lies at a path, mapped read-only; *n 0 and *bytes not NULL for an empty file. The map is
 * to be given to source_unmap(). */
LSTM_MUST_CHECK enum lstm_status source_map_file(const char *path, struct source_map *map,
                                                 struct lstm_error *error);
void source_unmap(struct source_map *map);

#endif
