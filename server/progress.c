/* progress.c: the progress line of a training. SPDX-License-Identifier: Apache-2.0 */
#include "server/progress.h"

#include <unistd.h>

#include "server/clock.h"

enum { BAR_WIDTH = 24, DRAW_INTERVAL_US = 100000 };

void progress_begin(struct progress *progress, FILE *file, size_t n_epochs, size_t n_batches,
                    uint64_t first_step)
{
    *progress = (struct progress){
        .file = file,
        .is_terminal = isatty(fileno(file)) == 1,
        .n_epochs = n_epochs,
        .n_batches = n_batches,
        .first_step = first_step,
        .started_us = monotonic_us(),
    };
}

/* 65 is "1:05", 3665 is "1:01:05". */
static void format_duration(double seconds, char *text, size_t n)
{
    unsigned long long s = seconds < 1e9 ? (unsigned long long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(text, n, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, n, "%llu:%02llu", s / 60, s % 60);
}

static void draw_bar(const struct progress *progress, size_t n_done)
{
    size_t filled = n_done * BAR_WIDTH / progress->n_batches;
    for (size_t i = 0; i < BAR_WIDTH; i++)
        fputs(i < filled ? "█" : "░", progress->file);
}

void progress_step(struct progress *progress, size_t epoch, size_t batch, double loss)
{
    const int64_t now_us = monotonic_us();
    size_t n = progress->n_batches;
    bool tenth = (batch + 1) * 10 / n != batch * 10 / n;
    if (progress->is_terminal ? now_us - progress->drawn_us < DRAW_INTERVAL_US : !tenth)
        return;
    progress->drawn_us = now_us;
    const double done = (double)(epoch * n + batch + 1);
    const double elapsed = seconds_since(progress->started_us);
    double rate = elapsed > 0 ? (done - (double)progress->first_step) / elapsed : 0;
    char left[32];
    format_duration(rate > 0 ? ((double)(progress->n_epochs * n) - done) / rate : 0, left,
                    sizeof left);
    if (progress->is_terminal) {
        fprintf(progress->file, "\r\033[Kepoch %zu/%zu ", epoch + 1, progress->n_epochs);
        draw_bar(progress, batch + 1);
        fprintf(progress->file, " %zu/%zu  loss %.4f  %.0f steps/s  %s left", batch + 1, n, loss,
                rate, left);
    } else {
        fprintf(progress->file,
                "epoch %zu of %zu, step %zu of %zu: loss %.4f, %.0f steps/s, %s left\n", epoch + 1,
                progress->n_epochs, batch + 1, n, loss, rate, left);
    }
    fflush(progress->file);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_terminal)
        fputs("\r\033[K", progress->file);
    fflush(progress->file);
}
