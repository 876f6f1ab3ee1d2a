/* session_file.h: sessions on disk, so that they survive a restart. SPDX-License-Identifier:
 * Apache-2.0
 *
 * The file appears whole or not at all, and is read whole or not at all: it has a version, and a
 * checksum over everything. Numbers and states are in the machine's byte order; one of the other
 * order is refused as a format that is not known. */
#ifndef SESSION_FILE_H
#define SESSION_FILE_H

#include "server/sessions.h"

/* Writes all sessions, oldest first, each as it is when its turn comes: pieces go on meanwhile. The
 * file is on disk when this returns, readable for its owner only. INVALID: the path is too long.
 * IO, NO_SPACE, NO_MEMORY: the file of before is unharmed, or the new one is there. */
LSTM_MUST_CHECK enum lstm_status session_file_write(const char *path, struct sessions *sessions,
                                                    struct lstm_error *error);

struct session_file_counts {
    size_t n_restored;
    size_t n_dropped; /* their version does not serve, or another one does that has its number; what
                         was learned on it is gone (a reset, a crash without a checkpoint, no
                         --state-dir), or there was no place */
};

/* Adds the sessions of a file. NOT_FOUND: there is none. FORMAT: it is damaged, and how; nothing
 * was added. IO, NO_MEMORY: how far it came is unknown. */
LSTM_MUST_CHECK enum lstm_status session_file_read(const char *path, struct sessions *sessions,
                                                   struct registry *registry,
                                                   struct session_file_counts *counts,
                                                   struct lstm_error *error);

/* What a server does at its start: reads the file; if there is none, makes one, so that a path that
 * cannot be written is noticed now. A damaged one is renamed to FILE.corrupt, one of which not all
 * was restored to FILE.dropped, and that is logged, as are the counts. IO, INVALID, NO_SPACE,
 * NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status session_file_restore(const char *path, struct sessions *sessions,
                                                      struct registry *registry,
                                                      struct lstm_error *error);

#endif
