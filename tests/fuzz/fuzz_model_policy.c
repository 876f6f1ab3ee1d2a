/* fuzz_model_policy.c: no models.json crashes its reader, and a policy that it accepts answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "server/model_policy.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_policy(const struct model_policies *all, const struct model_policy *policy)
{
    require(policy->model != NULL && model_policies_find(all, policy->model) == policy);
    for (size_t k = 0; k < policy->n_labels; k++) {
        const struct version_label *label = &policy->labels[k];
        require(memchr(label->name, '\0', sizeof label->name) != NULL && label->version > 0);
        require(model_policy_version(policy, label->name) == label->version);
        require(model_policy_wants(policy, label->version, 1000));
    }
    require(model_policy_version(policy, "of no such name") == 0);
    for (size_t k = 0; k < policy->n_versions; k++)
        require(model_policy_wants(policy, policy->versions[k], 1000));
    if (policy->kind == POLICY_LATEST)
        require(policy->num_versions > 0 && model_policy_wants(policy, 1, 0));
    if (policy->kind == POLICY_ALL)
        require(model_policy_wants(policy, 1, 1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_policies policies;
    struct memory_file file;
    struct lstm_error error = {.text = ""};
    const enum lstm_status status =
        model_policies_parse((const char *)data, size, &policies, &error);
    require(status == LSTM_OK || (status == LSTM_INVALID && error.text[0] != '\0'));
    require(status == LSTM_OK || (policies.policies == NULL && policies.n == 0));
    for (size_t k = 0; k < policies.n; k++)
        check_policy(&policies, &policies.policies[k]);
    require(model_policies_find(&policies, "of no such name") != NULL);
    model_policies_release(&policies);
    /* A file is to be a text; the parser of JSON passes over a NUL. */
    const bool is_text = size > 0 && memchr(data, '\0', size) == NULL;
    memory_file_open(&file, data, size);
    require(model_policies_load(file.path, &policies, &error) == (is_text ? status : LSTM_INVALID));
    memory_file_close(&file);
    model_policies_release(&policies);
    return 0;
}
