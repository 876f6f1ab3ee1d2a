/* keys.c: a list of digests behind a lock. SPDX-License-Identifier: Apache-2.0 */
#include "server/keys.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/log.h"
#include "server/sha256.h"
#include "server/text_file.h"

enum { MAX_KEYS = 1024, MAX_FILE_BYTES = 1024 * 1024 };

struct key {
    uint8_t digest[SHA256_BYTES];
    bool has[SCOPE_NONE]; /* by scope */
    char name[KEY_NAME_BYTES];
};

struct key_list {
    size_t n;
    struct key key[MAX_KEYS];
};

struct keys {
    char *path;
    pthread_rwlock_t lock; /* the list in force */
    struct key_list *list;
};

static const char *const scope_names[] = {[SCOPE_ADMIN] = "admin",
                                          [SCOPE_TRAIN] = "train",
                                          [SCOPE_PREDICT] = "predict",
                                          [SCOPE_READ] = "read",
                                          [SCOPE_NONE] = "none"};

const char *scope_name(enum scope scope)
{
    return scope_names[scope];
}

/* "predict,train": every key may read, and admin may all. */
static bool parse_scopes(const char *text, size_t n, struct key *key)
{
    key->has[SCOPE_READ] = true;
    for (size_t at = 0; at <= n;) {
        size_t length = strcspn(text + at, ", \t");
        enum scope scope = SCOPE_ADMIN;
        while (scope < SCOPE_READ && (strlen(scope_names[scope]) != length ||
                                      memcmp(text + at, scope_names[scope], length) != 0))
            scope++;
        if (scope == SCOPE_READ)
            return false;
        key->has[scope] = true;
        at += length + 1;
    }
    for (enum scope scope = SCOPE_ADMIN; key->has[SCOPE_ADMIN] && scope < SCOPE_READ; scope++)
        key->has[scope] = true;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "sha256:<64 digits>" */
static bool parse_digest(const char *text, size_t n, uint8_t digest[SHA256_BYTES])
{
    static const char prefix[] = "sha256:";
    const size_t skipped = sizeof prefix - 1;
    if (n != skipped + 2 * SHA256_BYTES || memcmp(text, prefix, skipped) != 0)
        return false;
    for (size_t k = 0; k < SHA256_BYTES; k++) {
        int high = hex_value(text[skipped + 2 * k]), low = hex_value(text[skipped + 2 * k + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[k] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* The next word of *line, which moves behind it; *n is 0 at the line's end or at a comment. */
static const char *next_word(const char **line, size_t *n)
{
    const char *word = *line + strspn(*line, " \t\r");
    *n = *word == '#' ? 0 : strcspn(word, " \t\r");
    *line = word + *n;
    return word;
}

/* One line without its end. *key is left alone if the line is empty; *is_key tells. */
static bool parse_line(const char *line, struct key *key, bool *is_key)
{
    size_t n_scopes, n_digest, n_name, n_rest;
    const char *scopes = next_word(&line, &n_scopes), *digest = next_word(&line, &n_digest);
    const char *name = next_word(&line, &n_name);
    next_word(&line, &n_rest);
    *is_key = n_scopes > 0;
    if (!*is_key)
        return true;
    snprintf(key->name, sizeof key->name, "%.*s", (int)n_name, name);
    return n_name < sizeof key->name && n_rest == 0 && parse_scopes(scopes, n_scopes, key) &&
           parse_digest(digest, n_digest, key->digest);
}

/* Fills an empty list; cuts `text` into lines. */
static enum lstm_status parse(char *text, const char *path, struct key_list *list,
                              struct lstm_error *error)
{
    char *rest = text, *line;
    for (size_t number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        struct key key = {0};
        bool is_key;
        if (!parse_line(line, &key, &is_key))
            return lstm_fail(error, LSTM_INVALID,
                             "%s, line %zu: expected <scope>[,<scope>] sha256:<64 hexadecimal "
                             "digits> [name] with the scopes predict, train, admin",
                             path, number);
        if (!is_key)
            continue;
        if (list->n == MAX_KEYS)
            return lstm_fail(error, LSTM_INVALID, "%s has more than %d keys", path, MAX_KEYS);
        list->key[list->n++] = key;
    }
    if (list->n == 0)
        return lstm_fail(error, LSTM_INVALID, "%s has no keys", path);
    return LSTM_OK;
}

static enum lstm_status load(const char *path, struct key_list **out, struct lstm_error *error)
{
    struct buf text;
    bool is_public = false;
    struct key_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the API keys");
    enum lstm_status status = text_file_read(path, MAX_FILE_BYTES, &text, &is_public, error);
    if (status == LSTM_OK)
        status = parse(text.data, path, list, error);
    buf_release(&text);
    if (status != LSTM_OK) {
        free(list);
        return status;
    }
    if (is_public)
        log_warn("api_keys_public", L_STR("path", path),
                 L_STR("message", "every user of this machine may read the file; chmod o-r"));
    *out = list;
    return LSTM_OK;
}

enum lstm_status keys_open(const char *path, struct keys **out, struct lstm_error *error)
{
    *out = NULL;
    struct keys *keys = calloc(1, sizeof *keys);
    char *copy = strdup(path);
    enum lstm_status status = LSTM_OK;
    if (keys == NULL || copy == NULL || pthread_rwlock_init(&keys->lock, NULL) != 0) {
        status = lstm_fail(error, LSTM_NO_MEMORY, "no memory for the API keys");
        goto out;
    }
    keys->path = copy;
    copy = NULL;
    status = load(keys->path, &keys->list, error);
    if (status == LSTM_OK)
        *out = keys;
    else
        keys_close(keys);
    keys = NULL;
out:
    free(copy);
    free(keys);
    return status;
}

enum lstm_status keys_reload(struct keys *keys, struct lstm_error *error)
{
    struct key_list *fresh;
    enum lstm_status status = load(keys->path, &fresh, error);
    if (status != LSTM_OK)
        return status;
    pthread_rwlock_wrlock(&keys->lock);
    struct key_list *old = keys->list;
    keys->list = fresh;
    pthread_rwlock_unlock(&keys->lock);
    free(old);
    return LSTM_OK;
}

size_t keys_count(struct keys *keys)
{
    pthread_rwlock_rdlock(&keys->lock);
    size_t n = keys->list->n;
    pthread_rwlock_unlock(&keys->lock);
    return n;
}

enum key_verdict keys_check(struct keys *keys, const char *text, size_t n, enum scope needed,
                            char name[KEY_NAME_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    const struct key *found = NULL;
    enum key_verdict verdict = KEY_UNKNOWN;
    name[0] = '\0';
    if (!sha256_digest(text, n, digest))
        return KEY_UNKNOWN;
    pthread_rwlock_rdlock(&keys->lock);
    /* All of them: leaving at the first match would tell where in the file it is. */
    for (size_t k = 0; k < keys->list->n; k++) {
        if (sha256_equal(keys->list->key[k].digest, digest))
            found = &keys->list->key[k];
    }
    if (found != NULL) {
        memcpy(name, found->name, KEY_NAME_BYTES);
        verdict = found->has[needed] ? KEY_ACCEPTED : KEY_INSUFFICIENT;
    }
    pthread_rwlock_unlock(&keys->lock);
    return verdict;
}

void keys_close(struct keys *keys)
{
    if (keys == NULL)
        return;
    pthread_rwlock_destroy(&keys->lock);
    free(keys->list);
    free(keys->path);
    free(keys);
}
