/* version_folder.c: version_folder.h on POSIX. SPDX-License-Identifier: Apache-2.0 */
#include "server/version_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

/* Numbers above it are left alone, so that the next one always fits. */
static const unsigned long long max_version = 1000000000000000ULL;

static enum lstm_status fail_io(struct lstm_error *error, const char *path, const char *what)
{
    return lstm_fail(error, LSTM_IO, "%s: %s: %s", path, what, strerror(errno));
}

enum lstm_status folder_path(char out[PATH_MAX], const char *folder, const char *name,
                             struct lstm_error *error)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX)
        return lstm_fail(error, LSTM_INVALID, "the path of %s is too long", name);
    return LSTM_OK;
}

enum lstm_status folder_make(const char *path, struct lstm_error *error)
{
    char partial[PATH_MAX];
    int n = snprintf(partial, sizeof partial, "%s", path);
    if (n <= 0 || (size_t)n >= sizeof partial)
        return lstm_fail(error, LSTM_INVALID, "the path of a folder is empty or too long");
    for (char *p = partial + 1;; p++) {
        char end = *p;
        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        bool made = mkdir(partial, 0777) == 0 || errno == EEXIST;
        if (!made && errno == ENOTDIR)
            return lstm_fail(error, LSTM_INVALID, "%s: a part of this path is a file", partial);
        if (!made)
            return fail_io(error, partial, "cannot make this folder");
        *p = end;
        if (end == '\0')
            break;
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return fail_io(error, path, "cannot look at it");
    if (!S_ISDIR(info.st_mode))
        return lstm_fail(error, LSTM_INVALID, "%s is a file; expected a folder", path);
    return LSTM_OK;
}

void folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

enum lstm_status version_folder_begin(const char *model_folder, char unfinished[PATH_MAX],
                                      struct lstm_error *error)
{
    enum lstm_status status = folder_path(unfinished, model_folder, ".unfinished-XXXXXX", error);
    if (status != LSTM_OK)
        return status;
    if (mkdtemp(unfinished) == NULL)
        return fail_io(error, model_folder, "cannot make a folder in it");
    /* mkdtemp() keeps others out, but a server may run as another user. */
    if (chmod(unfinished, 0755) != 0) {
        status = fail_io(error, unfinished, "cannot make it readable");
        rmdir(unfinished);
    }
    return status;
}

/* The number that a name of digits is; 0 if it is not one. */
static unsigned long long version_of(const char *name)
{
    if (*name == '\0' || strspn(name, "0123456789") != strlen(name))
        return 0;
    errno = 0;
    unsigned long long version = strtoull(name, NULL, 10);
    return errno == 0 && version <= max_version ? version : 0;
}

static enum lstm_status find_latest(const char *model_folder, unsigned long long *latest,
                                    struct lstm_error *error)
{
    *latest = 0;
    DIR *folder = opendir(model_folder);
    if (folder == NULL)
        return fail_io(error, model_folder, "cannot list it");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        unsigned long long version = version_of(entry->d_name);
        *latest = version > *latest ? version : *latest;
    }
    closedir(folder);
    return LSTM_OK;
}

enum lstm_status folder_sync(const char *path, struct lstm_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_io(error, path, "cannot open it");
    enum lstm_status status = LSTM_OK;
    if (fsync(fd) != 0)
        status = fail_io(error, path, "cannot flush it to disk");
    close(fd);
    return status;
}

enum lstm_status version_folder_publish(const char *model_folder, const char *unfinished,
                                        char published[PATH_MAX], struct lstm_error *error)
{
    enum lstm_status status = folder_sync(unfinished, error);
    unsigned long long latest;
    if (status == LSTM_OK)
        status = find_latest(model_folder, &latest, error);
    if (status != LSTM_OK)
        return status;
    for (;;) {
        char name[32];
        snprintf(name, sizeof name, "%llu", ++latest);
        status = folder_path(published, model_folder, name, error);
        if (status != LSTM_OK)
            return status;
        if (rename(unfinished, published) == 0)
            return folder_sync(model_folder, error);
        /* Somebody else published this number in the meantime. */
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return fail_io(error, published, "cannot be given its name");
    }
}
