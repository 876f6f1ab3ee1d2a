/* model_policy.h: which versions of a model are to serve, and what their labels are.
 * SPDX-License-Identifier: Apache-2.0
 *
 * From the optional models.json of a repository:
 *
 *   {"models": {"mnist": {"version_policy": {"latest": {"num_versions": 1}},
 *                         "labels": {"stable": 1, "canary": 2}}}}
 *
 * A policy is {"latest": {"num_versions": N}}, {"all": {}} or {"specific": {"versions": [1, 2]}},
 * as TensorFlow Serving's are; a model without one has the latest version served. A version with a
 * label is served, too, so that a new version does not take the stable one away. Unknown keys are
 * errors that name the key. */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"

enum { LABEL_BYTES = 64 };

enum policy_kind { POLICY_LATEST, POLICY_ALL, POLICY_SPECIFIC };

struct version_label {
    char name[LABEL_BYTES];
    uint64_t version;
};

struct model_policy {
    char *model; /* whose policy it is; owned */
    enum policy_kind kind;
    uint64_t num_versions;        /* of POLICY_LATEST */
    uint64_t *versions;           /* of POLICY_SPECIFIC; owned */
    struct version_label *labels; /* owned */
    size_t n_versions, n_labels;
};

struct model_policies {
    struct model_policy *policies; /* owned */
    size_t n;
};

/* Reads the text of a models.json (n bytes). On failure *policies is empty (release is allowed).
 * INVALID: what is wrong, and where. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status model_policies_parse(const char *text, size_t n,
                                                      struct model_policies *policies,
                                                      struct lstm_error *error);

/* The same with a file; a missing one is empty. IO, too. */
LSTM_MUST_CHECK enum lstm_status
model_policies_load(const char *path, struct model_policies *policies, struct lstm_error *error);
void model_policies_release(struct model_policies *policies);

/* The policy of a model, the default one if there is no other. Borrowed. */
const struct model_policy *model_policies_find(const struct model_policies *policies,
                                               const char *model);

/* Whether a version is to serve, when n_newer versions of the model do already. */
bool model_policy_wants(const struct model_policy *policy, uint64_t version, size_t n_newer);

/* The version with this label; 0 if there is none. */
uint64_t model_policy_version(const struct model_policy *policy, const char *label);

#endif
