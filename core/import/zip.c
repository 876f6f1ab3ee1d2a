/* zip.c: zip.h by PKWARE's APPNOTE.TXT. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/zip.h"

#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"
#include "core/status.h"

/* Sizes of the records without their variable parts (APPNOTE 4.3.7, 4.3.12, 4.3.14 to 16). */
enum { LOCAL_BYTES = 30, ENTRY_BYTES = 46, END_BYTES = 22, LOCATOR_BYTES = 20, END64_BYTES = 56 };
enum { MAX_MEMBERS = 1 << 16, MAX_COMMENT = 0xffff };
enum { STORED = 0, DEFLATED = 8, FLAG_ENCRYPTED = 1, EXTRA_ZIP64 = 1 };

/* Deflate packs 258 bytes into no less than two bits. */
static const size_t max_deflate_ratio = 1032;

/* The central directory: a list of entries, one for each member. */
struct directory {
    uint64_t at, n, n_entries;
};

static uint64_t little_endian(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t k = n; k-- > 0;)
        value = value << 8 | bytes[k];
    return value;
}

static bool is_record(const unsigned char *bytes, const char *signature)
{
    return memcmp(bytes, signature, 4) == 0;
}

bool zip_probe(const unsigned char *bytes, size_t n)
{
    return n >= LOCAL_BYTES && is_record(bytes, "PK\3\4");
}

/* The end record lies in front of a comment that reaches to the end of the file. */
static const unsigned char *find_end(const unsigned char *bytes, size_t n)
{
    for (size_t comment = 0; comment <= MAX_COMMENT && comment + END_BYTES <= n; comment++) {
        const unsigned char *end = bytes + n - END_BYTES - comment;
        if (is_record(end, "PK\5\6") && little_endian(end + 20, 2) == comment)
            return end;
    }
    return NULL;
}

/* Numbers that do not fit into the end record stand in another one, which a locator in front of
 * the end record points to. */
static enum lstm_status read_end64(const unsigned char *bytes, size_t end,
                                   struct directory *directory, struct lstm_error *error)
{
    const unsigned char *locator = bytes + end - LOCATOR_BYTES;
    if (end < LOCATOR_BYTES + END64_BYTES || !is_record(locator, "PK\6\7"))
        return LSTM_OK;
    const uint64_t at = little_endian(locator + 8, 8);
    if (at > end - LOCATOR_BYTES - END64_BYTES || !is_record(bytes + at, "PK\6\6"))
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: its locator at byte %zu points to byte %llu, where there is "
                         "no end record",
                         end - LOCATOR_BYTES, (unsigned long long)at);
    directory->n_entries = little_endian(bytes + at + 32, 8);
    directory->n = little_endian(bytes + at + 40, 8);
    directory->at = little_endian(bytes + at + 48, 8);
    return LSTM_OK;
}

static enum lstm_status find_directory(const unsigned char *bytes, size_t n,
                                       struct directory *directory, struct lstm_error *error)
{
    const unsigned char *end = find_end(bytes, n);
    if (end == NULL)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive of %zu bytes: it has no end record; the file is cut", n);
    const uint64_t disk = little_endian(end + 4, 2);
    if (disk != 0 && disk != 0xffff)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "zip archive: it is one of several volumes; join them first");
    directory->n_entries = little_endian(end + 10, 2);
    directory->n = little_endian(end + 12, 4);
    directory->at = little_endian(end + 16, 4);
    const size_t end_at = (size_t)(end - bytes);
    enum lstm_status status = read_end64(bytes, end_at, directory, error);
    if (status != LSTM_OK)
        return status;
    if (directory->at > end_at || directory->n > end_at - directory->at)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: its directory of %llu bytes at byte %llu reaches behind its "
                         "end record at byte %zu",
                         (unsigned long long)directory->n, (unsigned long long)directory->at,
                         end_at);
    if (directory->n_entries > MAX_MEMBERS || directory->n_entries * ENTRY_BYTES > directory->n)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: %llu members are announced in a directory of %llu bytes; at "
                         "most %d are read",
                         (unsigned long long)directory->n_entries, (unsigned long long)directory->n,
                         MAX_MEMBERS);
    return LSTM_OK;
}

/* In the order of the extra field, numbers that the entry has no room for. */
static void read_extra64(const unsigned char *extra, size_t n, uint64_t *const numbers[3])
{
    for (size_t at = 0; n - at >= 4;) {
        const size_t size = (size_t)little_endian(extra + at + 2, 2);
        if (size > n - at - 4)
            return;
        const unsigned char *next = extra + at + 4, *end = next + size;
        for (size_t k = 0; k < 3 && little_endian(extra + at, 2) == EXTRA_ZIP64; k++) {
            if (*numbers[k] != UINT32_MAX || end - next < 8)
                continue;
            *numbers[k] = little_endian(next, 8);
            next += 8;
        }
        at += 4 + size;
    }
}

/* The data lies behind the local header, whose own name and extra field may differ in length. */
static enum lstm_status locate(const unsigned char *bytes, size_t n, uint64_t local,
                               struct zip_member *member, struct lstm_error *error)
{
    if (local > n || n - local < LOCAL_BYTES || !is_record(bytes + local, "PK\3\4"))
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: %.100s: there is no local header at byte %llu", member->name,
                         (unsigned long long)local);
    const unsigned char *header = bytes + local;
    const size_t at = (size_t)(local + LOCAL_BYTES + little_endian(header + 26, 2) +
                               little_endian(header + 28, 2));
    if (at > n || member->n_packed > n - at)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: %.100s: its %zu bytes at byte %zu reach behind the end of "
                         "the file",
                         member->name, member->n_packed, at);
    member->at = at;
    return LSTM_OK;
}

static enum lstm_status check_packing(const struct zip_member *member, uint64_t flags,
                                      uint64_t method, struct lstm_error *error)
{
    if ((flags & FLAG_ENCRYPTED) != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "zip archive: %.100s is encrypted; unpack it and pack it without",
                         member->name);
    if (method != STORED && method != DEFLATED)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "zip archive: %.100s is packed by method %llu; stored (0) and deflated "
                         "(8) are supported",
                         member->name, (unsigned long long)method);
    if (method == STORED ? member->n != member->n_packed
                         : member->n / max_deflate_ratio > member->n_packed)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: %.100s: %zu bytes cannot be packed into %zu", member->name,
                         member->n, member->n_packed);
    return LSTM_OK;
}

/* The entry at *at of the directory; moves *at to the next one. A folder leaves member->name
 * NULL. */
static enum lstm_status read_entry(struct import_source *source, const unsigned char *bytes,
                                   size_t n, size_t *at, size_t directory_end,
                                   struct zip_member *member, struct lstm_error *error)
{
    const unsigned char *entry = bytes + *at;
    if (directory_end - *at < ENTRY_BYTES || !is_record(entry, "PK\1\2"))
        return lstm_fail(error, LSTM_FORMAT, "zip archive: there is no directory entry at byte %zu",
                         *at);
    const size_t n_name = (size_t)little_endian(entry + 28, 2);
    const size_t n_extra = (size_t)little_endian(entry + 30, 2);
    const size_t n_entry = ENTRY_BYTES + n_name + n_extra + (size_t)little_endian(entry + 32, 2);
    if (n_entry > directory_end - *at)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: the entry at byte %zu reaches behind the directory", *at);
    *at += n_entry;
    const unsigned char *name = entry + ENTRY_BYTES;
    if (n_name == 0 || memchr(name, '\0', n_name) != NULL)
        return lstm_fail(error, LSTM_FORMAT,
                         "zip archive: the entry in front of byte %zu has no proper name", *at);
    if (name[n_name - 1] == '/')
        return LSTM_OK;
    member->name = import_text(source, (const char *)name, n_name);
    if (member->name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for names of a zip archive");
    uint64_t size = little_endian(entry + 24, 4), packed = little_endian(entry + 20, 4);
    uint64_t local = little_endian(entry + 42, 4);
    read_extra64(name + n_name, n_extra, (uint64_t *const[]){&size, &packed, &local});
    member->n = (size_t)size;
    member->n_packed = (size_t)packed;
    member->crc = (uint32_t)little_endian(entry + 16, 4);
    const uint64_t method = little_endian(entry + 10, 2);
    member->deflated = method == DEFLATED;
    enum lstm_status status = check_packing(member, little_endian(entry + 8, 2), method, error);
    return status != LSTM_OK ? status : locate(bytes, n, local, member, error);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct zip_member *)a)->name, ((const struct zip_member *)b)->name);
}

static enum lstm_status sort_members(struct zip_archive *archive, struct lstm_error *error)
{
    qsort(archive->members, archive->n_members, sizeof *archive->members, compare_names);
    for (size_t k = 1; k < archive->n_members; k++)
        if (compare_names(&archive->members[k - 1], &archive->members[k]) == 0)
            return lstm_fail(error, LSTM_FORMAT, "zip archive: it has two members named %.100s",
                             archive->members[k].name);
    return LSTM_OK;
}

enum lstm_status zip_open(struct import_source *source, const unsigned char *bytes, size_t n,
                          struct zip_archive *archive, struct lstm_error *error)
{
    *archive = (struct zip_archive){.bytes = bytes};
    struct directory directory = {0};
    enum lstm_status status = find_directory(bytes, n, &directory, error);
    if (status != LSTM_OK)
        return status;
    const size_t n_entries = (size_t)directory.n_entries;
    archive->members = import_allocate(source, (n_entries + 1) * sizeof *archive->members);
    if (archive->members == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a zip archive of %zu members",
                         n_entries);
    size_t at = (size_t)directory.at, end = at + (size_t)directory.n;
    for (size_t k = 0; k < n_entries && status == LSTM_OK; k++) {
        struct zip_member *member = &archive->members[archive->n_members];
        status = read_entry(source, bytes, n, &at, end, member, error);
        archive->n_members += member->name != NULL;
    }
    return status != LSTM_OK ? status : sort_members(archive, error);
}

const struct zip_member *zip_find(const struct zip_archive *archive, const char *name)
{
    const struct zip_member wanted = {.name = name};
    return archive->n_members == 0 ? NULL
                                   : bsearch(&wanted, archive->members, archive->n_members,
                                             sizeof wanted, compare_names);
}

enum lstm_status zip_read(struct import_source *source, const struct zip_archive *archive,
                          const struct zip_member *member, const unsigned char **bytes,
                          struct lstm_error *error)
{
    const unsigned char *packed = archive->bytes + member->at;
    *bytes = NULL;
    if (member->deflated) {
        unsigned char *unpacked = import_allocate(source, member->n + 1);
        if (unpacked == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "%.100s: out of memory for its %zu bytes",
                             member->name, member->n);
        const enum lstm_status status = gzip_inflate(packed, member->n_packed, unpacked, member->n);
        if (status != LSTM_OK)
            return lstm_fail(error, status,
                             status == LSTM_NO_MEMORY
                                 ? "%.100s: out of memory to unpack byte %zu of the archive"
                                 : "%.100s: the deflate data at byte %zu of the archive is broken",
                             member->name, member->at);
        packed = unpacked;
    }
    const uint32_t crc = gzip_crc32(0, packed, member->n);
    if (crc != member->crc)
        return lstm_fail(error, LSTM_FORMAT,
                         "%.100s: its checksum is %08x, and %08x is expected; the file is damaged",
                         member->name, crc, member->crc);
    *bytes = packed;
    return LSTM_OK;
}
