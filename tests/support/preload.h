/* preload.h: daemons that run with a library of ours in front of all others.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <stddef.h>

/* From now on programs that are started load the library `name` ("libfaults.so"), which lies beside
 * this program. It shares with us what is returned: `bytes` of zeros in a file at `path`, which is
 * made and which the environment variable names. One library at a time. */
void *preload_begin(const char *name, const char *variable, const char *path, size_t bytes);

/* No more. */
void preload_end(const char *variable, void *shared, size_t bytes);

#endif
