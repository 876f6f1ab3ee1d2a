/* snapshot.h: a model that is shared by those who run it until the last of them lets go.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdatomic.h>

#include "core/lstm.h"

struct snapshot {
    atomic_size_t references;
    struct lstm_model *model; /* owned */
};

/* Takes the model, with one reference for the caller; NULL: out of memory, the model is not taken.
 */
struct snapshot *snapshot_create(struct lstm_model *model);
struct snapshot *snapshot_retain(struct snapshot *snapshot);

/* Accepts NULL. */
void snapshot_release(struct snapshot *snapshot);

#endif
