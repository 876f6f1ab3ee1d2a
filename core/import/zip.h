/* zip.h: zip archives, read where they lie in memory. SPDX-License-Identifier: Apache-2.0
 *
 * Files of Keras 3 and PyTorch are zip archives whose large members are stored as they are, so a
 * member is a pointer into the archive; only a deflated one is unpacked into the source's memory.
 * Its own reader, because libraries do not tell where a stored member begins. Sizes come from the
 * central directory; local headers may leave them out (APPNOTE.TXT, PKWARE, 4.3 and 4.4.4). */
#ifndef IMPORT_ZIP_H
#define IMPORT_ZIP_H

#include "core/import/import.h"

struct zip_member {
    const char *name; /* as in the archive, with NUL behind it; in the source's memory */
    size_t n;         /* bytes of it, unpacked */
    size_t n_packed;  /* bytes of it in the archive */
    size_t at;        /* where in the archive */
    uint32_t crc;     /* CRC-32 of the unpacked bytes */
    bool deflated;    /* otherwise stored, and n == n_packed */
};

/* Members without the folders, sorted by name as strcmp() does, each name once. */
struct zip_archive {
    const unsigned char *bytes; /* borrowed */
    size_t n_members;
    struct zip_member *members; /* in the source's memory */
};

/* Whether the bytes begin as an archive with at least one member. */
bool zip_probe(const unsigned char *bytes, size_t n);

/* Finds the members. All bytes of each are known to lie inside the archive when this returns.
 * FORMAT: where it is no archive, or cut, or two members of one name. UNSUPPORTED: encrypted,
 * in several volumes, packed with anything but deflate. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status zip_open(struct import_source *source, const unsigned char *bytes,
                                          size_t n, struct zip_archive *archive,
                                          struct lstm_error *error);

/* NULL if there is none. */
const struct zip_member *zip_find(const struct zip_archive *archive, const char *name);

/* The member's n bytes, its checksum verified: a pointer into the archive, or into the source's
 * memory. FORMAT: another checksum, or broken deflate data. NO_MEMORY: also when it would be more
 * than the source may have. */
LSTM_MUST_CHECK enum lstm_status zip_read(struct import_source *source,
                                          const struct zip_archive *archive,
                                          const struct zip_member *member,
                                          const unsigned char **bytes, struct lstm_error *error);

#endif
