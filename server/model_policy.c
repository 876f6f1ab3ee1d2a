/* model_policy.c: models.json, read strictly. SPDX-License-Identifier: Apache-2.0 */
#include "server/model_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/json.h"
#include "server/text_file.h"

enum { MAX_FILE_BYTES = 1 << 20, PLACE_BYTES = 128 };

static const struct model_policy default_policy = {.kind = POLICY_LATEST, .num_versions = 1};

/* Checks that value is an object of known keys (NULL-ended; NULL: any). place: where it stands. */
static enum lstm_status expect_object(const struct json_t *value, const char *const *known,
                                      const char *place, struct lstm_error *error)
{
    char key[JSON_KEY_BYTES];
    if (json_kind(value) != JSON_KIND_OBJECT)
        return lstm_fail(error, LSTM_INVALID, "%s: expected an object, found %s", place,
                         json_kind_name(value));
    if (known != NULL && json_has_unknown_key(value, known, key))
        return lstm_fail(error, LSTM_INVALID, "%s: unknown key '%s'", place, key);
    return LSTM_OK;
}

/* A version number, or another whole number that begins with 1. */
static enum lstm_status read_number(const struct json_t *value, const char *place, const char *what,
                                    uint64_t *number, struct lstm_error *error)
{
    int64_t found;
    if (json_read_integer(value, &found) && found > 0) {
        *number = (uint64_t)found;
        return LSTM_OK;
    }
    return lstm_fail(
        error, LSTM_INVALID, "%s: expected %s, a whole number from 1, found %s", place, what,
        json_kind(value) == JSON_KIND_NUMBER ? "another number" : json_kind_name(value));
}

static size_t count_keys(const struct json_t *object)
{
    size_t n = 0;
    for (const char *key = json_next_key(object, NULL); key != NULL;
         key = json_next_key(object, key))
        n++;
    return n;
}

/* ---- Policies ------------------------------------------------------------------------------- */

static enum lstm_status read_latest(const struct json_t *value, const char *place,
                                    struct model_policy *policy, struct lstm_error *error)
{
    static const char *const known[] = {"num_versions", NULL};
    enum lstm_status status = expect_object(value, known, place, error);
    const struct json_t *number = json_member(value, known[0]);
    if (status != LSTM_OK || number == NULL)
        return status;
    return read_number(number, place, known[0], &policy->num_versions, error);
}

static enum lstm_status read_all(const struct json_t *value, const char *place,
                                 struct model_policy *policy, struct lstm_error *error)
{
    static const char *const known[] = {NULL};
    (void)policy;
    return expect_object(value, known, place, error);
}

static enum lstm_status read_specific(const struct json_t *value, const char *place,
                                      struct model_policy *policy, struct lstm_error *error)
{
    static const char *const known[] = {"versions", NULL};
    enum lstm_status status = expect_object(value, known, place, error);
    if (status != LSTM_OK)
        return status;
    const struct json_t *versions = json_member(value, known[0]);
    const size_t n = json_n_elements(versions);
    if (n == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "%s.versions: expected an array of version numbers, found %s", place,
                         json_kind(versions) == JSON_KIND_LIST ? "an empty one"
                                                               : json_kind_name(versions));
    policy->versions = calloc(n, sizeof *policy->versions);
    if (policy->versions == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "%s: out of memory for %zu versions", place, n);
    policy->n_versions = n;
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        status =
            read_number(json_element(versions, i), place, "a version", &policy->versions[i], error);
    return status;
}

static const char *const kind_names[] = {
    [POLICY_LATEST] = "latest", [POLICY_ALL] = "all", [POLICY_SPECIFIC] = "specific", NULL};

static enum lstm_status (*const kind_readers[])(const struct json_t *, const char *,
                                                struct model_policy *, struct lstm_error *) = {
    [POLICY_LATEST] = read_latest, [POLICY_ALL] = read_all, [POLICY_SPECIFIC] = read_specific};

static enum lstm_status read_policy(const struct json_t *value, const char *place,
                                    struct model_policy *policy, struct lstm_error *error)
{
    char inner[PLACE_BYTES + 16];
    enum lstm_status status = expect_object(value, kind_names, place, error);
    if (status != LSTM_OK)
        return status;
    if (count_keys(value) != 1)
        return lstm_fail(error, LSTM_INVALID,
                         "%s: expected one of latest, all and specific, found %zu of them", place,
                         count_keys(value));
    while (json_member(value, kind_names[policy->kind]) == NULL)
        policy->kind++;
    const char *kind = kind_names[policy->kind];
    snprintf(inner, sizeof inner, "%s.%s", place, kind);
    return kind_readers[policy->kind](json_member(value, kind), inner, policy, error);
}

/* ---- Labels --------------------------------------------------------------------------------- */

static bool is_label(const char *text)
{
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    const size_t n = strlen(text);
    return n > 0 && n < LABEL_BYTES && strspn(text, allowed) == n;
}

static enum lstm_status read_labels(const struct json_t *value, const char *place,
                                    struct model_policy *policy, struct lstm_error *error)
{
    enum lstm_status status = expect_object(value, NULL, place, error);
    if (status != LSTM_OK)
        return status;
    const size_t n = count_keys(value);
    policy->labels = calloc(n > 0 ? n : 1, sizeof *policy->labels);
    if (policy->labels == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "%s: out of memory for %zu labels", place, n);
    for (const char *key = json_next_key(value, NULL); key != NULL && status == LSTM_OK;
         key = json_next_key(value, key)) {
        struct version_label *label = &policy->labels[policy->n_labels++];
        char shown[JSON_KEY_BYTES];
        json_path_key(key, strlen(key), shown);
        if (!is_label(key))
            return lstm_fail(error, LSTM_INVALID,
                             "%s: label '%s': expected 1 to %d letters, digits or _ - .", place,
                             shown, LABEL_BYTES - 1);
        snprintf(label->name, sizeof label->name, "%s", key);
        status = read_number(json_member(value, key), place, "a version", &label->version, error);
    }
    return status;
}

static bool is_listed(const struct model_policy *policy, uint64_t version)
{
    size_t i = 0;
    while (i < policy->n_versions && policy->versions[i] != version)
        i++;
    return i < policy->n_versions;
}

/* A label of a version that never serves is a mistake. */
static enum lstm_status check_labels(const struct model_policy *policy, const char *place,
                                     struct lstm_error *error)
{
    for (size_t i = 0; policy->kind == POLICY_SPECIFIC && i < policy->n_labels; i++)
        if (!is_listed(policy, policy->labels[i].version))
            return lstm_fail(error, LSTM_INVALID,
                             "%s: label '%.40s' is of version %llu, which specific.versions lacks",
                             place, policy->labels[i].name,
                             (unsigned long long)policy->labels[i].version);
    return LSTM_OK;
}

/* ---- The file ------------------------------------------------------------------------------- */

static enum lstm_status read_model(const struct json_t *value, const char *name,
                                   struct model_policy *policy, struct lstm_error *error)
{
    static const char *const known[] = {"version_policy", "labels", NULL};
    char place[PLACE_BYTES], inner[PLACE_BYTES], shown[JSON_KEY_BYTES];
    json_path_key(name, strlen(name), shown);
    snprintf(place, sizeof place, "models.%s", shown);
    *policy = default_policy;
    policy->model = strdup(name);
    if (policy->model == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "%s: out of memory", place);
    enum lstm_status status = expect_object(value, known, place, error);
    const struct json_t *versions = json_member(value, known[0]);
    const struct json_t *labels = json_member(value, known[1]);
    if (status == LSTM_OK && versions != NULL) {
        snprintf(inner, sizeof inner, "%.80s.%s", place, known[0]);
        status = read_policy(versions, inner, policy, error);
    }
    if (status == LSTM_OK && labels != NULL) {
        snprintf(inner, sizeof inner, "%.80s.%s", place, known[1]);
        status = read_labels(labels, inner, policy, error);
    }
    return status == LSTM_OK ? check_labels(policy, place, error) : status;
}

static enum lstm_status read_models(const struct json_t *root, struct model_policies *policies,
                                    struct lstm_error *error)
{
    static const char *const known[] = {"models", NULL};
    enum lstm_status status = expect_object(root, known, "the file", error);
    if (status != LSTM_OK)
        return status;
    const struct json_t *models = json_member(root, known[0]);
    status = expect_object(models, NULL, known[0], error);
    if (status != LSTM_OK)
        return status;
    policies->policies = calloc(count_keys(models) + 1, sizeof *policies->policies);
    if (policies->policies == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the policies of models");
    for (const char *name = json_next_key(models, NULL); name != NULL && status == LSTM_OK;
         name = json_next_key(models, name))
        status =
            read_model(json_member(models, name), name, &policies->policies[policies->n++], error);
    return status;
}

enum lstm_status model_policies_parse(const char *text, size_t n, struct model_policies *policies,
                                      struct lstm_error *error)
{
    struct json_t *root;
    *policies = (struct model_policies){0};
    enum lstm_status status = json_file_parse(text, n, &root, error);
    if (status != LSTM_OK)
        return status;
    status = read_models(root, policies, error);
    if (status != LSTM_OK)
        model_policies_release(policies);
    json_file_release(root);
    return status;
}

enum lstm_status model_policies_load(const char *path, struct model_policies *policies,
                                     struct lstm_error *error)
{
    struct buf text;
    bool is_public;
    *policies = (struct model_policies){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return LSTM_OK;
    enum lstm_status status = text_file_read(path, MAX_FILE_BYTES, &text, &is_public, error);
    if (status == LSTM_OK) {
        status = model_policies_parse(text.data, text.n, policies, error);
        if (status != LSTM_OK)
            lstm_fail_in(error, status, "%s", path);
    }
    buf_release(&text);
    return status;
}

void model_policies_release(struct model_policies *policies)
{
    for (size_t i = 0; i < policies->n; i++) {
        free(policies->policies[i].model);
        free(policies->policies[i].versions);
        free(policies->policies[i].labels);
    }
    free(policies->policies);
    *policies = (struct model_policies){0};
}

/* ---- Questions ------------------------------------------------------------------------------ */

const struct model_policy *model_policies_find(const struct model_policies *policies,
                                               const char *model)
{
    for (size_t i = 0; i < policies->n; i++)
        if (strcmp(policies->policies[i].model, model) == 0)
            return &policies->policies[i];
    return &default_policy;
}

static bool has_label(const struct model_policy *policy, uint64_t version)
{
    size_t i = 0;
    while (i < policy->n_labels && policy->labels[i].version != version)
        i++;
    return i < policy->n_labels;
}

bool model_policy_wants(const struct model_policy *policy, uint64_t version, size_t n_newer)
{
    switch (policy->kind) {
    case POLICY_ALL:
        return true;
    case POLICY_SPECIFIC:
        return is_listed(policy, version);
    case POLICY_LATEST:
        break;
    }
    return n_newer < policy->num_versions || has_label(policy, version);
}

uint64_t model_policy_version(const struct model_policy *policy, const char *label)
{
    for (size_t i = 0; i < policy->n_labels; i++)
        if (strcmp(policy->labels[i].name, label) == 0)
            return policy->labels[i].version;
    return 0;
}
