/* train_body.c: labels, weights and the learning rate. SPDX-License-Identifier: Apache-2.0 */
#include "server/train_body.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

enum { MAX_QUERY_TEXT = 65536 };

/* How far a row of probabilities may be from 1 in all: they were rounded on their way. */
static const double sum_tolerance = 1e-3;

/* The largest learning rate or norm: what float32 holds. */
static const double max_number = 3.4e38;

struct decoder {
    const struct lstm_model_info *info;
    const struct json_body *json;
    const struct lstm_sequence *sequences;
    size_t n;
    size_t n_targets; /* n, or the time steps of all if the model gives sequences */
    struct lstm_error *error;
};

static bool is_softmax(const struct decoder *d)
{
    return d->info->training.loss != LSTM_MEAN_SQUARED_ERROR;
}

static size_t count_targets(const struct lstm_model_info *info,
                            const struct lstm_sequence *sequences, size_t n)
{
    size_t steps = 0;
    for (size_t i = 0; i < n && info->output_is_sequence; i++)
        steps += sequences[i].steps;
    return info->output_is_sequence ? steps : n;
}

static enum lstm_status check_count(const struct decoder *d, const char *path, size_t found)
{
    if (found == d->n)
        return LSTM_OK;
    return lstm_fail(d->error, LSTM_SHAPE, "%s: expected one per instance (%zu), found %zu", path,
                     d->n, found);
}

enum { PATH_BYTES = 64 };

/* "labels[2]", or "labels[2][5]" where every step has a label: the path of label `row`. */
static void name_label(const struct decoder *d, size_t row, char path[PATH_BYTES])
{
    size_t i = 0;
    if (!d->info->output_is_sequence) {
        snprintf(path, PATH_BYTES, "labels[%zu]", row);
        return;
    }
    while (row >= d->sequences[i].steps)
        row -= d->sequences[i++].steps;
    snprintf(path, PATH_BYTES, "labels[%zu][%zu]", i, row);
}

static enum lstm_status decode_classes(const struct decoder *d, const struct scanned_tensor *labels,
                                       float *targets)
{
    char path[PATH_BYTES];
    for (size_t i = 0; i < d->n_targets; i++) {
        const double label = (double)labels->values[i];
        if (!(label >= 0 && label < (double)d->info->output_size && label == floor(label))) {
            name_label(d, i, path);
            return lstm_fail(d->error, LSTM_INVALID,
                             "%s: expected a class number from 0 to %zu, found %.9g", path,
                             d->info->output_size - 1, label);
        }
        targets[i * d->info->output_size + (size_t)label] = 1;
    }
    return LSTM_OK;
}

static enum lstm_status check_probabilities(const struct decoder *d, const float *row, size_t i)
{
    char path[PATH_BYTES];
    double sum = 0;
    name_label(d, i, path);
    for (size_t k = 0; k < d->info->output_size; k++) {
        if (row[k] < 0)
            return lstm_fail(d->error, LSTM_INVALID, "%s[%zu]: expected a probability, found %.9g",
                             path, k, (double)row[k]);
        sum += (double)row[k];
    }
    if (fabs(sum - 1) <= sum_tolerance)
        return LSTM_OK;
    return lstm_fail(d->error, LSTM_INVALID,
                     "%s: expected probabilities that sum to 1, found a sum of %.9g", path, sum);
}

/* Rows of numbers; `lengths` are theirs. */
static enum lstm_status decode_rows(const struct decoder *d, const struct scanned_tensor *labels,
                                    const uint32_t *lengths, float *targets)
{
    const size_t width = d->info->output_size;
    char path[PATH_BYTES];
    for (size_t i = 0; i < d->n_targets; i++) {
        if (lengths[i] != width) {
            name_label(d, i, path);
            return lstm_fail(d->error, LSTM_SHAPE, "%s: expected %zu numbers, found %u", path,
                             width, lengths[i]);
        }
        const enum lstm_status status =
            is_softmax(d) ? check_probabilities(d, labels->values + i * width, i) : LSTM_OK;
        if (status != LSTM_OK)
            return status;
    }
    if (d->n_targets > 0)
        memcpy(targets, labels->values, d->n_targets * width * sizeof *targets);
    return LSTM_OK;
}

/* A list of labels for each instance, as long as the instance. */
static enum lstm_status check_steps(const struct decoder *d, const struct scanned_tensor *labels)
{
    for (size_t i = 0; i < d->n; i++)
        if (labels->lengths[1][i] != d->sequences[i].steps)
            return lstm_fail(d->error, LSTM_SHAPE,
                             "labels[%zu]: expected one label for each of the instance's %zu time "
                             "steps, as the model gives a sequence; found %u",
                             i, d->sequences[i].steps, labels->lengths[1][i]);
    return LSTM_OK;
}

static enum lstm_status decode_labels(const struct decoder *d, float *targets)
{
    const struct json_t *const value = json_member(d->json->root, "labels");
    const struct scanned_tensor *const labels = json_tensor(d->json, value);
    const size_t depth = d->info->output_is_sequence ? 2 : 1; /* of a class number */
    if (labels == NULL || labels->rank < depth || labels->rank > depth + 1)
        return lstm_fail(d->error, LSTM_INVALID, "labels: expected %s%s per instance, found %s",
                         depth == 2 ? "a list, one for each time step, of " : "",
                         is_softmax(d) ? "a class number or a row of probabilities"
                                       : "a row of numbers",
                         labels == NULL         ? json_kind_name(value)
                         : labels->rank < depth ? "single labels"
                                                : "arrays nested deeper");
    enum lstm_status status = check_count(d, "labels", labels->lengths[0][0]);
    if (status == LSTM_OK && depth == 2)
        status = check_steps(d, labels);
    if (status != LSTM_OK)
        return status;
    if (labels->rank == depth + 1)
        return decode_rows(d, labels, labels->lengths[depth], targets);
    if (is_softmax(d))
        return decode_classes(d, labels, targets);
    if (d->info->output_size != 1)
        return lstm_fail(d->error, LSTM_SHAPE,
                         "labels: expected rows of %zu numbers, found single numbers",
                         d->info->output_size);
    if (d->n_targets > 0)
        memcpy(targets, labels->values, d->n_targets * sizeof *targets);
    return LSTM_OK;
}

static enum lstm_status decode_weights(const struct decoder *d, const struct json_t *value,
                                       float *weights)
{
    double sum = 0;
    const struct scanned_tensor *const tensor = json_tensor(d->json, value);
    if (tensor == NULL || tensor->rank != 1)
        return lstm_fail(d->error, LSTM_INVALID,
                         "sample_weight: expected an array of one number per instance, found %s",
                         tensor == NULL ? json_kind_name(value) : "arrays within an array");
    const enum lstm_status status = check_count(d, "sample_weight", tensor->n_values);
    if (status != LSTM_OK)
        return status;
    for (size_t i = 0; i < d->n; i++) {
        if (tensor->values[i] < 0)
            return lstm_fail(d->error, LSTM_INVALID,
                             "sample_weight[%zu]: expected 0 or more, found %.9g", i,
                             (double)tensor->values[i]);
        weights[i] = tensor->values[i];
        sum += (double)weights[i];
    }
    if (sum > 0)
        return LSTM_OK;
    return lstm_fail(d->error, LSTM_INVALID,
                     "sample_weight: expected at least one above 0, found none");
}

enum lstm_status train_body_number(const struct json_t *root, const char *key, bool takes_zero,
                                   double *number, struct lstm_error *error)
{
    double found = 0;
    const struct json_t *const value = json_member(root, key);
    if (value == NULL)
        return LSTM_OK;
    if (!json_read_number(value, &found))
        return lstm_fail(error, LSTM_INVALID, "%s: expected a number, found %s", key,
                         json_kind_name(value));
    if (!(takes_zero ? found >= 0 : found > 0) || found > max_number)
        return lstm_fail(error, LSTM_INVALID, "%s: expected a number %s, found %.9g", key,
                         takes_zero ? "from 0" : "above 0", found);
    *number = found;
    return LSTM_OK;
}

static float *make_floats(size_t n, size_t width)
{
    size_t count;
    return __builtin_mul_overflow(n, width, &count) ? NULL : calloc(count, sizeof(float));
}

enum lstm_status train_body_decode(const struct lstm_model *model, const struct json_body *json,
                                   const struct lstm_sequence *sequences, size_t n,
                                   struct train_body *body, struct lstm_error *error)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const struct decoder d = {info, json, sequences, n, count_targets(info, sequences, n), error};
    const struct json_t *const weights = json_member(json->root, "sample_weight");
    *body = (struct train_body){0};
    body->targets = make_floats(d.n_targets + 1, d.info->output_size);
    if (weights != NULL)
        body->weights = make_floats(n, 1);
    enum lstm_status status = LSTM_OK;
    if (body->targets == NULL || (weights != NULL && body->weights == NULL))
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu labels", n);
    if (status == LSTM_OK)
        status = decode_labels(&d, body->targets);
    if (status == LSTM_OK && weights != NULL)
        status = decode_weights(&d, weights, body->weights);
    if (status == LSTM_OK)
        status = train_body_number(json->root, "learning_rate", false, &body->learning_rate, error);
    if (status != LSTM_OK)
        train_body_release(body);
    return status;
}

/* The query's values are written as the body that they stand for, and read as that. */
enum lstm_status train_body_read_query(const struct lstm_model *model,
                                       const struct request *request,
                                       const struct lstm_sequence *sequences, size_t n,
                                       struct train_body *body, struct lstm_error *error)
{
    static const struct {
        const char *key, *before, *behind;
    } keys[] = {{"labels", "[", "]"}, {"sample_weight", "[", "]"}, {"learning_rate", "", ""}};
    struct buf text;
    struct json_body json;
    *body = (struct train_body){0};
    buf_init(&text, MAX_QUERY_TEXT);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *value = request->query(request, keys[k].key);
        if (value != NULL)
            buf_printf(&text, "%s\"%s\":%s%s%s", text.n > 0 ? "," : "{", keys[k].key,
                       keys[k].before, value, keys[k].behind);
    }
    buf_text(&text, text.n > 0 ? "}" : "{}");
    enum lstm_status status = text.failed
                                  ? lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the query")
                                  : json_body_parse(text.data, text.n, &json, error);
    if (status == LSTM_OK) {
        status = train_body_decode(model, &json, sequences, n, body, error);
        json_body_release(&json);
    }
    buf_release(&text);
    return status;
}

void train_body_release(struct train_body *body)
{
    free(body->targets);
    free(body->weights);
    *body = (struct train_body){0};
}
