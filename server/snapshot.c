/* snapshot.c: counted references to a model. SPDX-License-Identifier: Apache-2.0 */
#include "server/snapshot.h"

#include <stdlib.h>

struct snapshot *snapshot_create(struct lstm_model *model)
{
    struct snapshot *snapshot = malloc(sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    atomic_init(&snapshot->references, 1);
    snapshot->model = model;
    return snapshot;
}

struct snapshot *snapshot_retain(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    lstm_model_destroy(snapshot->model);
    free(snapshot);
}
