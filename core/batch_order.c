/* batch_order.c: sorting a batch by length. SPDX-License-Identifier: Apache-2.0 */
#include "core/batch_order.h"

#include "core/status.h"

static bool goes_before(const struct sequence_key *a, const struct sequence_key *b)
{
    return a->steps != b->steps ? a->steps > b->steps : a->index < b->index;
}

static void sift_down(struct sequence_key *keys, size_t root, size_t n)
{
    const struct sequence_key key = keys[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && goes_before(&keys[child], &keys[child + 1]))
            child++;
        if (!goes_before(&key, &keys[child]))
            break;
        keys[root] = keys[child];
    }
    keys[root] = key;
}

/* Heapsort: in place, without the allocation that qsort() may make. A batch of equal lengths, the
 * usual case, is in order already. */
static void sort_keys(struct sequence_key *keys, size_t n)
{
    size_t sorted = 1;
    while (sorted < n && goes_before(&keys[sorted - 1], &keys[sorted]))
        sorted++;
    if (sorted >= n)
        return;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(keys, i, n);
    for (size_t end = n; end-- > 1;) {
        const struct sequence_key last = keys[end];
        keys[end] = keys[0];
        keys[0] = last;
        sift_down(keys, 0, end);
    }
}

bool batch_skips(const struct spec *spec, const struct lstm_sequence *sequence, size_t t)
{
    if (!spec->skips_steps)
        return false;
    const struct layer *first = &spec->layers[0];
    const size_t features = spec->info.features;
    const float value = first->type == &layer_masking ? (float)first->mask_value : 0.0f;
    const float *step =
        sequence->input + t * (sequence->step_stride > 0 ? sequence->step_stride : features);
    for (size_t k = 0; k < features; k++)
        if (step[k] != value)
            return false;
    return true;
}

static size_t count_steps(const struct spec *spec, const struct lstm_sequence *sequence)
{
    size_t n = sequence->steps;
    for (size_t t = 0; spec->skips_steps && t < sequence->steps; t++)
        n -= batch_skips(spec, sequence, t);
    return n;
}

void batch_order(const struct spec *spec, const struct lstm_sequence *sequences, size_t n,
                 struct sequence_key *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (struct sequence_key){count_steps(spec, &sequences[i]), i};
    sort_keys(order, n);
}

static enum lstm_status check_sequence(const struct spec *spec,
                                       const struct lstm_sequence *sequence, size_t number,
                                       struct lstm_error *error)
{
    const size_t stride = sequence->step_stride > 0 ? sequence->step_stride : 1;
    for (size_t t = 0; t < sequence->steps; t++) {
        const float id = sequence->input[t * stride];
        if (!(id >= 0.0f && id < (float)spec->info.vocabulary) || id != (float)(size_t)id)
            return lstm_fail(error, LSTM_INVALID,
                             "sequence %zu, step %zu: token id %g is not a whole number from 0 to "
                             "%zu",
                             number, t, (double)id, spec->info.vocabulary - 1);
    }
    return LSTM_OK;
}

enum lstm_status batch_check_tokens(const struct spec *spec, const struct lstm_sequence *sequences,
                                    size_t n, struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    for (size_t i = 0; spec->info.vocabulary > 0 && i < n && status == LSTM_OK; i++)
        status = check_sequence(spec, &sequences[i], i, error);
    return status;
}
