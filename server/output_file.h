/* output_file.h: a text file that appears whole or not at all. SPDX-License-Identifier: Apache-2.0
 */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <limits.h>
#include <stdio.h>

#include "core/lstm.h"

struct output_file {
    FILE *stream; /* write here */
    char path[PATH_MAX], unfinished_path[PATH_MAX];
};

/* Opens a file beside the path. INVALID: the path is too long. IO. */
LSTM_MUST_CHECK enum lstm_status output_file_open(struct output_file *file, const char *path,
                                                  struct lstm_error *error);

/* Flushes it to disk and gives it its name; on failure it is removed. IO. */
LSTM_MUST_CHECK enum lstm_status output_file_close(struct output_file *file,
                                                   struct lstm_error *error);

#endif
