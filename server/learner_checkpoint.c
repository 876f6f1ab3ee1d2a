/* learner_checkpoint.c: the file of a learner. SPDX-License-Identifier: Apache-2.0 */
#include "server/learner_checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/status.h"
#include "server/hash.h"
#include "server/version_folder.h"

enum { NOTE_BYTES = 128 };

static const char note_format[] = "base %" PRIu64 " weights %016" PRIx64 " published %" PRIu64;
static const char note_scan[] = "base %" SCNu64 " weights %" SCNx64 " published %" SCNu64;

enum lstm_status learner_checkpoint_init(struct learner_checkpoint *checkpoint,
                                         const char *state_dir, const struct served_version *base,
                                         struct lstm_error *error)
{
    *checkpoint = (struct learner_checkpoint){.version = base->number};
    if (state_dir == NULL)
        return LSTM_OK;
    checkpoint->weights_sum = hash_weights(batch_queue_model(base->queue));
    const int n = snprintf(checkpoint->path, PATH_MAX, "%s/%s/%" PRIu64 ".safetensors", state_dir,
                           base->model, base->number);
    if (n < 0 || n >= PATH_MAX)
        return lstm_fail(error, LSTM_INVALID, "the path of --state-dir is too long");
    return LSTM_OK;
}

bool learner_checkpoint_is_missing(const struct learner_checkpoint *checkpoint)
{
    return checkpoint->path[0] == '\0' ||
           (access(checkpoint->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR));
}

/* STATE_DIR/<model>. */
static void folder_of(const struct learner_checkpoint *checkpoint, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "%s", checkpoint->path);
    *strrchr(folder, '/') = '\0';
}

enum lstm_status learner_checkpoint_save(const struct learner_checkpoint *checkpoint,
                                         const struct lstm_trainer *trainer, uint64_t n_published,
                                         struct lstm_error *error)
{
    char folder[PATH_MAX], note[NOTE_BYTES];
    struct lstm_error why;
    folder_of(checkpoint, folder);
    const enum lstm_status status = folder_make(folder, &why);
    /* Nothing is wrong with the request. */
    if (status != LSTM_OK)
        return lstm_fail(error, status == LSTM_NO_SPACE ? LSTM_NO_SPACE : LSTM_IO, "%s", why.text);
    snprintf(note, sizeof note, note_format, checkpoint->version, checkpoint->weights_sum,
             n_published);
    return lstm_trainer_save(trainer, checkpoint->path, note, error);
}

enum lstm_status learner_checkpoint_restore(const struct learner_checkpoint *checkpoint,
                                            struct lstm_trainer *trainer, uint64_t *n_published,
                                            bool *is_restored, struct lstm_error *error)
{
    char note[NOTE_BYTES];
    uint64_t version, sum;
    struct lstm_error why;
    *n_published = 0;
    *is_restored = false;
    if (checkpoint->path[0] == '\0')
        return LSTM_OK;
    const enum lstm_status status =
        lstm_trainer_restore(trainer, checkpoint->path, note, sizeof note, &why);
    /* Only what is known not to be there may be begun anew, and written over. */
    if (status == LSTM_NOT_FOUND)
        return LSTM_OK;
    if (status == LSTM_IO || status == LSTM_NO_MEMORY)
        return lstm_fail(error, status, "%s", why.text);
    if (status != LSTM_OK)
        return lstm_fail(error, LSTM_IO, "%.180s; :reset removes it and begins anew", why.text);
    if (sscanf(note, note_scan, &version, &sum, n_published) != 3 ||
        version != checkpoint->version || sum != checkpoint->weights_sum)
        return lstm_fail(error, LSTM_IO,
                         "%.120s was learned on other weights than version %" PRIu64
                         " has; :reset removes it and begins anew",
                         checkpoint->path, checkpoint->version);
    *is_restored = true;
    return LSTM_OK;
}

/* In two moves, so that a failure on the way brings it back: what is not forgotten is kept. */
enum lstm_status learner_checkpoint_remove(const struct learner_checkpoint *checkpoint,
                                           struct lstm_error *error)
{
    char aside[PATH_MAX], folder[PATH_MAX];
    if (checkpoint->path[0] == '\0')
        return LSTM_OK;
    const int n = snprintf(aside, sizeof aside, "%s.forgotten", checkpoint->path);
    if (n < 0 || n >= PATH_MAX)
        return lstm_fail(error, LSTM_INVALID, "the path of --state-dir is too long");
    if (rename(checkpoint->path, aside) != 0)
        return errno == ENOENT ? LSTM_OK
                               : lstm_fail(error, file_status(errno), "cannot remove %s: %s",
                                           checkpoint->path, strerror(errno));
    folder_of(checkpoint, folder);
    const enum lstm_status status = file_sync_folder(folder, error);
    if (status == LSTM_OK)
        unlink(aside);
    else
        (void)!rename(aside, checkpoint->path);
    return status;
}
