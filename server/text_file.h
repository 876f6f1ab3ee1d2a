/* text_file.h: a small file of the operator's, read whole. SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include "server/buf.h"

/* Fills `out` (new: release it, also after an error) with the file, a NUL behind it, and whether
 * users other than the owner and the group may read it. IO: why not, or that it is no regular file.
 * INVALID: empty, binary, or longer than `limit` bytes. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status text_file_read(const char *path, size_t limit, struct buf *out,
                                                bool *is_public, struct lstm_error *error);

#endif
