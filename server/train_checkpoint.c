/* train_checkpoint.c: the note of a training's checkpoint. SPDX-License-Identifier: Apache-2.0
 *
 * The note is two lines: the settings, and the position as hexadecimal floating-point numbers,
 * which keep every bit. */
#include "server/train_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/version_folder.h"

enum { NOTE_MAX = TRAIN_SETTINGS_MAX + 512, N_NUMBERS = 7 };

enum lstm_status train_checkpoint_init(struct train_checkpoint *checkpoint, const char *folder,
                                       struct lstm_error *error)
{
    *checkpoint = (struct train_checkpoint){0};
    enum lstm_status status =
        folder_path(checkpoint->path, folder, "checkpoint.safetensors", error);
    if (status == LSTM_OK)
        status = folder_path(checkpoint->best_path, folder, "best.safetensors", error);
    if (status == LSTM_OK)
        status = folder_path(checkpoint->history_path, folder, "history.csv", error);
    return status;
}

bool train_checkpoint_exists(const struct train_checkpoint *checkpoint)
{
    return access(checkpoint->path, F_OK) == 0;
}

enum lstm_status train_checkpoint_save(const struct train_checkpoint *checkpoint,
                                       const struct lstm_trainer *trainer,
                                       const struct train_position *position,
                                       struct lstm_error *error)
{
    char note[NOTE_MAX];
    snprintf(note, sizeof note, "%s\n%a %a %a %a %a %a %a\n", checkpoint->settings, position->epoch,
             position->batch, position->loss_sum, position->n_correct, position->seconds,
             position->best_epoch, position->best_accuracy);
    return lstm_trainer_save(trainer, checkpoint->path, note, error);
}

static bool parse_position(const char *text, struct train_position *position)
{
    double numbers[N_NUMBERS];
    for (size_t i = 0; i < N_NUMBERS; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text || !(numbers[i] >= 0 && numbers[i] < 1e15))
            return false;
        text = end;
    }
    *position = (struct train_position){numbers[0], numbers[1], numbers[2], numbers[3],
                                        numbers[4], numbers[5], numbers[6]};
    return *text == '\n';
}

/* Names the first word in which the settings differ. */
static enum lstm_status check_settings(const char *then, const char *now, const char *path,
                                       struct lstm_error *error)
{
    while (*then != '\0' || *now != '\0') {
        size_t n_then = strcspn(then, " "), n_now = strcspn(now, " ");
        if (n_then != n_now || memcmp(then, now, n_now) != 0)
            return lstm_fail(
                error, LSTM_INVALID,
                "%s was made with %.*s, but now it is %.*s; give the settings of then, "
                "or --restart to begin anew",
                path, (int)n_then, then, (int)n_now, now);
        then += n_then + strspn(then + n_then, " ");
        now += n_now + strspn(now + n_now, " ");
    }
    return LSTM_OK;
}

enum lstm_status train_checkpoint_load(const struct train_checkpoint *checkpoint,
                                       struct lstm_trainer *trainer,
                                       struct train_position *position, struct lstm_error *error)
{
    char note[NOTE_MAX] = "";
    enum lstm_status status =
        lstm_trainer_restore(trainer, checkpoint->path, note, sizeof note, error);
    if (status != LSTM_OK)
        return status;
    char *second_line = strchr(note, '\n');
    if (second_line == NULL || !parse_position(second_line + 1, position))
        return lstm_fail(error, LSTM_FORMAT, "%s is not a checkpoint of `lstmd train`",
                         checkpoint->path);
    *second_line = '\0';
    return check_settings(note, checkpoint->settings, checkpoint->path, error);
}
