/* temp_folder.c: folders and files of tests. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_folder.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_folder_create(struct temp_folder *folder)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/lstmd-test-XXXXXX", parent ? parent : "/tmp");
    ck_assert_msg(mkdtemp(folder->path) != NULL, "cannot make the folder %s", folder->path);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void temp_folder_remove(struct temp_folder *folder)
{
    ck_assert_int_eq(nftw(folder->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    folder->path[0] = '\0';
}

char *temp_folder_path(const struct temp_folder *folder, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder->path, name);
    return path;
}

char *temp_file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long end = ftell(file);
    ck_assert_int_ge(end, 0);
    rewind(file);
    *size = (size_t)end;
    char *data = malloc(*size + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, *size, file), *size);
    data[*size] = '\0';
    fclose(file);
    return data;
}

void temp_file_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot make %s", path);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}
