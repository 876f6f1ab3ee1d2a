/* repository.c: reading a model repository's folders. SPDX-License-Identifier: Apache-2.0 */
#include "server/repository.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/status.h"

/* Whether a name leads to a folder. *reason: the errno of a failure, after which nobody knows. A
 * link that leads nowhere is no failure. */
static bool is_folder(const char *path, int *reason)
{
    struct stat about;
    if (stat(path, &about) == 0)
        return S_ISDIR(about.st_mode);
    *reason = errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : errno;
    return false;
}

static enum lstm_status open_status(int reason)
{
    return reason == ENOMEM ? LSTM_NO_MEMORY : LSTM_IO;
}

bool repository_is_model_name(const char *name)
{
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    const size_t n = strlen(name);
    return name[0] != '.' && n > 0 && n < MODEL_NAME_BYTES && strspn(name, allowed) == n;
}

/* The last part of a path, without slashes and "/." behind it; of "." and "..", of what they lead
 * to. */
static void last_part(const char *path, char name[PATH_MAX])
{
    char whole[PATH_MAX];
    size_t n = strlen(path);
    while (n > 0 && (path[n - 1] == '/' || (n > 1 && strncmp(path + n - 2, "/.", 2) == 0)))
        n--;
    size_t begin = n;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    snprintf(name, PATH_MAX, "%.*s", (int)(n - begin < PATH_MAX ? n - begin : PATH_MAX - 1),
             path + begin);
    if ((strcmp(name, ".") == 0 || strcmp(name, "..") == 0) && realpath(path, whole) != NULL)
        snprintf(name, PATH_MAX, "%s", strrchr(whole, '/') + 1);
}

enum lstm_status repository_check_out(const char *folder, struct lstm_error *error)
{
    char name[PATH_MAX];
    if (folder == NULL || *folder == '\0')
        return lstm_fail(error, LSTM_INVALID,
                         "--out is missing: the folder of the model's versions, MODELS/NAME");
    last_part(folder, name);
    if (repository_is_model_name(name))
        return LSTM_OK;
    return lstm_fail(error, LSTM_INVALID,
                     "--out: '%.60s' is no model's name, which a server would find; expected 1 to "
                     "%d letters, digits, '_', '-' and '.', not a '.' first",
                     name, MODEL_NAME_BYTES - 1);
}

/* The next name in a folder; NULL: there are no more, or *reason is the errno of a failure. What
 * was not read must not pass for what is not there. */
static const struct dirent *next_entry(DIR *directory, int *reason)
{
    errno = 0;
    const struct dirent *entry = readdir(directory);
    *reason = entry == NULL ? errno : 0;
    return entry;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Room for one more element of `size` bytes in an array of n, which doubles. */
static void *grow(void *array, size_t n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return array;
    return reallocarray(array, n == 0 ? 1 : 2 * n, size);
}

enum lstm_status repository_models(const char *folder, char (**names)[MODEL_NAME_BYTES], size_t *n,
                                   struct lstm_error *error)
{
    char path[PATH_MAX];
    char(*list)[MODEL_NAME_BYTES] = NULL;
    *names = NULL;
    *n = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return lstm_fail(error, open_status(errno), "cannot read the model repository %s: %s",
                         folder, strerror(errno));
    enum lstm_status status = LSTM_OK;
    int reason = 0;
    for (const struct dirent *entry; (entry = next_entry(directory, &reason)) != NULL;) {
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!repository_is_model_name(entry->d_name) || length >= (int)sizeof path)
            continue;
        if (!is_folder(path, &reason)) {
            if (reason != 0)
                break;
            continue;
        }
        char(*more)[MODEL_NAME_BYTES] = grow(list, *n, sizeof *list);
        if (more == NULL) {
            status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the model names");
            break;
        }
        list = more;
        snprintf(list[(*n)++], MODEL_NAME_BYTES, "%s", entry->d_name);
    }
    closedir(directory);
    if (reason != 0)
        status = lstm_fail(error, open_status(reason), "cannot read the model repository %s: %s",
                           folder, strerror(reason));
    if (status != LSTM_OK) {
        free(list);
        *n = 0;
        return status;
    }
    if (*n > 0)
        qsort(list, *n, sizeof *list, by_name);
    *names = list;
    return LSTM_OK;
}

uint64_t repository_version_number(const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n > 18 || strspn(name, "0123456789") != n)
        return 0;
    return strtoull(name, NULL, 10);
}

/* The time of the last change of status tells writing, renaming and replacing alike, and cannot be
 * set; the file's number tells a link that was turned to another. */
int64_t repository_file_stamp(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return 0;
    const uint64_t sum = (uint64_t)about.st_ctim.tv_sec * 1000000007u +
                         (uint64_t)about.st_ctim.tv_nsec + (uint64_t)about.st_size * 31 +
                         (uint64_t)about.st_ino * 1000000009u;
    return sum == 0 ? 1 : (int64_t)sum;
}

/* The stamps of a version's two files in one number. */
static int64_t fingerprint(const char *version_path)
{
    static const char *const files[] = {"model.json", "weights.safetensors"};
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        const int length = snprintf(path, sizeof path, "%s/%s", version_path, files[i]);
        if (length < (int)sizeof path)
            sum = sum * 1000003 + (uint64_t)repository_file_stamp(path);
    }
    return (int64_t)sum;
}

static int newest_first(const void *a, const void *b)
{
    const struct repository_version *x = a, *y = b;
    if (x->number == y->number)
        return strcmp(y->folder, x->folder);
    return x->number > y->number ? -1 : 1;
}

/* Of folders that say the same number, the first stays. Returns how many are left. */
static size_t drop_twins(struct repository_version *sorted, size_t n)
{
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (sorted[i].number != sorted[kept - 1].number)
            sorted[kept++] = sorted[i];
    return kept;
}

enum lstm_status repository_versions(const char *folder, const char *model,
                                     struct repository_version **versions, size_t *n,
                                     struct lstm_error *error)
{
    char path[PATH_MAX], version_path[PATH_MAX + 64];
    struct repository_version *list = NULL;
    *versions = NULL;
    *n = 0;
    snprintf(path, sizeof path, "%s/%s", folder, model);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return lstm_fail(error, open_status(errno), "cannot read %s: %s", path, strerror(errno));
    enum lstm_status status = LSTM_OK;
    int reason = 0;
    for (const struct dirent *entry; (entry = next_entry(directory, &reason)) != NULL;) {
        const uint64_t number = repository_version_number(entry->d_name);
        snprintf(version_path, sizeof version_path, "%s/%.60s", path, entry->d_name);
        if (number == 0)
            continue;
        if (!is_folder(version_path, &reason)) {
            if (reason != 0)
                break;
            continue;
        }
        struct repository_version *more = grow(list, *n, sizeof *list);
        if (more == NULL) {
            status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the versions");
            break;
        }
        list = more;
        list[*n] =
            (struct repository_version){.number = number, .changed = fingerprint(version_path)};
        snprintf(list[(*n)++].folder, sizeof list->folder, "%.60s", entry->d_name);
    }
    closedir(directory);
    if (reason != 0)
        status =
            lstm_fail(error, open_status(reason), "cannot read %s: %s", path, strerror(reason));
    if (status != LSTM_OK) {
        free(list);
        *n = 0;
        return status;
    }
    if (*n > 0) {
        qsort(list, *n, sizeof *list, newest_first);
        *n = drop_twins(list, *n);
    }
    *versions = list;
    return LSTM_OK;
}
