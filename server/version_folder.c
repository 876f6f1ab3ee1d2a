/* version_folder.c: version_folder.h on POSIX. SPDX-License-Identifier: Apache-2.0 */
#include "server/version_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/status.h"
#include "server/repository.h"

static enum lstm_status fail_io(struct lstm_error *error, const char *path, const char *what)
{
    return lstm_fail(error, file_status(errno), "%s: %s: %s", path, what, strerror(errno));
}

enum lstm_status folder_path(char out[PATH_MAX], const char *folder, const char *name,
                             struct lstm_error *error)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX)
        return lstm_fail(error, LSTM_INVALID, "the path of %s is too long", name);
    return LSTM_OK;
}

/* Makes one folder, whose name is on disk then. */
static enum lstm_status make_one(const char *path, struct lstm_error *error)
{
    char parent[PATH_MAX];
    struct lstm_error why;
    if (mkdir(path, 0777) != 0) {
        if (errno == EEXIST)
            return LSTM_OK;
        if (errno == ENOTDIR)
            return lstm_fail(error, LSTM_INVALID, "%s: a part of this path is a file", path);
        return fail_io(error, path, "cannot make this folder");
    }
    const char *slash = strrchr(path, '/');
    snprintf(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
             slash != NULL ? path : ".");
    const enum lstm_status status = file_sync_folder(parent, &why);
    if (status != LSTM_OK)
        rmdir(path);
    return status == LSTM_OK ? LSTM_OK : lstm_fail(error, status, "%s", why.text);
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
        const enum lstm_status status = make_one(partial, error);
        if (status != LSTM_OK)
            return status;
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

/* ---- Folders in the making ------------------------------------------------------------------ */

static const char unfinished_prefix[] = ".unfinished-";

/* Removes the folder at `path` if nobody works on it. */
static void remove_abandoned(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        folder_remove(path);
    close(fd);
}

void version_folder_sweep(const char *model_folder)
{
    char path[PATH_MAX];
    DIR *folder = opendir(model_folder);
    if (folder == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, unfinished_prefix, sizeof unfinished_prefix - 1) == 0 &&
            folder_path(path, model_folder, entry->d_name, NULL) == LSTM_OK)
            remove_abandoned(path);
    closedir(folder);
}

/* Where the file system has no locks, version_folder_sweep() gets none either. */
static enum lstm_status make_locked(struct version_folder *folder, const char *model_folder,
                                    struct lstm_error *error)
{
    if (mkdtemp(folder->unfinished) == NULL)
        return fail_io(error, model_folder, "cannot make a folder in it");
    folder->lock = open(folder->unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock >= 0)
        (void)flock(folder->lock, LOCK_EX);
    /* mkdtemp() keeps others out, but a server may run as another user. */
    if (folder->lock >= 0 && chmod(folder->unfinished, 0755) == 0)
        return LSTM_OK;
    const enum lstm_status status =
        fail_io(error, folder->unfinished, "cannot be opened and made readable");
    version_folder_end(folder);
    return status;
}

enum lstm_status version_folder_begin(struct version_folder *folder, const char *model_folder,
                                      struct lstm_error *error)
{
    struct stat made, found;
    char name[sizeof unfinished_prefix + 6];
    version_folder_sweep(model_folder);
    snprintf(name, sizeof name, "%sXXXXXX", unfinished_prefix);
    for (;;) {
        *folder = (struct version_folder){.lock = -1};
        enum lstm_status status = folder_path(folder->unfinished, model_folder, name, error);
        if (status == LSTM_OK)
            status = make_locked(folder, model_folder, error);
        if (status != LSTM_OK)
            return status;
        /* Before it was locked, another program's sweep may have removed it. */
        if (fstat(folder->lock, &made) == 0 && stat(folder->unfinished, &found) == 0 &&
            made.st_dev == found.st_dev && made.st_ino == found.st_ino)
            return LSTM_OK;
        version_folder_end(folder);
    }
}

void version_folder_end(struct version_folder *folder)
{
    if (folder->unfinished[0] != '\0')
        folder_remove(folder->unfinished);
    if (folder->lock >= 0)
        close(folder->lock);
    *folder = (struct version_folder){.lock = -1};
}

/* ---- Numbers -------------------------------------------------------------------------------- */

enum lstm_status version_folder_latest(const char *model_folder, uint64_t *latest,
                                       struct lstm_error *error)
{
    *latest = 0;
    DIR *folder = opendir(model_folder);
    if (folder == NULL && errno == ENOENT)
        return LSTM_OK;
    if (folder == NULL)
        return fail_io(error, model_folder, "cannot list it");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        const uint64_t version = repository_version_number(entry->d_name);
        *latest = version > *latest ? version : *latest;
    }
    closedir(folder);
    return LSTM_OK;
}

/* ---- Publishing ----------------------------------------------------------------------------- */

/* A name that may not outlive a crash is taken back: whoever is told of a failure finds nothing. */
static enum lstm_status settle(const char *model_folder, const char *unfinished,
                               const char *published, struct lstm_error *error)
{
    struct lstm_error why;
    const enum lstm_status status = file_sync_folder(model_folder, &why);
    if (status == LSTM_OK)
        return LSTM_OK;
    const bool is_gone = rename(published, unfinished) == 0;
    return lstm_fail(error, status, "%.150s; %.60s %s", why.text, published,
                     is_gone ? "was taken back" : "stays");
}

enum lstm_status version_folder_publish(struct version_folder *folder, const char *model_folder,
                                        uint64_t above, char published[PATH_MAX],
                                        struct lstm_error *error)
{
    enum lstm_status status = file_sync_folder(folder->unfinished, error);
    uint64_t latest;
    if (status == LSTM_OK)
        status = version_folder_latest(model_folder, &latest, error);
    if (status != LSTM_OK)
        return status;
    latest = above > latest ? above : latest;
    for (;;) {
        char name[32];
        if (latest >= REPOSITORY_MAX_VERSION)
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "%.120s holds version %" PRIu64 ", and none may have a larger number: "
                             "rename it to a smaller one",
                             model_folder, latest);
        snprintf(name, sizeof name, "%" PRIu64, ++latest);
        status = folder_path(published, model_folder, name, error);
        if (status != LSTM_OK)
            return status;
        if (rename(folder->unfinished, published) == 0)
            break;
        /* Somebody else published this number in the meantime. */
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return fail_io(error, published, "cannot be given its name");
    }
    status = settle(model_folder, folder->unfinished, published, error);
    if (status == LSTM_OK)
        folder->unfinished[0] = '\0';
    return status;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

/* Whether a file of this name is in both folders, with the same bytes. */
static bool has_same_file(const char *a, const char *b, const char *name)
{
    const char *const folders[] = {a, b};
    char path[PATH_MAX], *bytes[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    bool is_read = true;
    for (size_t i = 0; i < 2 && is_read; i++)
        is_read = folder_path(path, folders[i], name, NULL) == LSTM_OK &&
                  file_read(path, (size_t)PTRDIFF_MAX, &bytes[i], &n[i], NULL) == LSTM_OK;
    const bool is_same = is_read && n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0;
    free(bytes[0]);
    free(bytes[1]);
    return is_same;
}

enum lstm_status version_folder_find(const char *model_folder, const char *like,
                                     char found[PATH_MAX], struct lstm_error *error)
{
    enum lstm_status status = LSTM_NOT_FOUND;
    DIR *folder = opendir(model_folder);
    if (folder == NULL)
        return fail_io(error, model_folder, "cannot list it");
    const struct dirent *entry;
    while (status == LSTM_NOT_FOUND && (entry = readdir(folder)) != NULL) {
        const bool is_version = repository_version_number(entry->d_name) > 0 &&
                                folder_path(found, model_folder, entry->d_name, NULL) == LSTM_OK;
        if (is_version && has_same_file(found, like, "model.json") &&
            has_same_file(found, like, "weights.safetensors"))
            status = LSTM_OK;
    }
    closedir(folder);
    return status == LSTM_OK
               ? LSTM_OK
               : lstm_fail(error, status, "no version in %s is as %s", model_folder, like);
}
