/* history.c: the rows of a training's history, and history.csv. SPDX-License-Identifier: Apache-2.0
 *
 * Numbers are written with nine digits, which read back to the same text: a history that was read
 * from its file and goes on ends as one that was never interrupted. */
#include "server/history.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/status.h"

static const struct {
    const char *name;
    size_t offset; /* of the double in struct history_row */
} columns[] = {
    {"epoch", offsetof(struct history_row, epoch)},
    {"steps", offsetof(struct history_row, steps)},
    {"learning_rate", offsetof(struct history_row, learning_rate)},
    {"train_loss", offsetof(struct history_row, train_loss)},
    {"train_accuracy", offsetof(struct history_row, train_accuracy)},
    {"validation_loss", offsetof(struct history_row, validation_loss)},
    {"validation_accuracy", offsetof(struct history_row, validation_accuracy)},
    {"test_accuracy", offsetof(struct history_row, test_accuracy)},
    {"seconds", offsetof(struct history_row, seconds)},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns, MAX_LINE = 512 };

static double get(const struct history_row *row, size_t column)
{
    double value;
    memcpy(&value, (const char *)row + columns[column].offset, sizeof value);
    return value;
}

static void set(struct history_row *row, size_t column, double value)
{
    memcpy((char *)row + columns[column].offset, &value, sizeof value);
}

enum lstm_status history_add(struct history *history, const struct history_row *row,
                             struct lstm_error *error)
{
    struct history_row *rows = realloc(history->rows, (history->n + 1) * sizeof *rows);
    if (rows == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the history");
    rows[history->n] = *row;
    history->rows = rows;
    history->n++;
    return LSTM_OK;
}

void history_release(struct history *history)
{
    free(history->rows);
    *history = (struct history){0};
}

enum lstm_status history_write(const struct buf *text, const char *path, struct lstm_error *error)
{
    const struct file_part part = {text->data, text->n};
    return text->failed ? lstm_fail(error, LSTM_NO_MEMORY, "no memory for the text of %s", path)
                        : file_write(path, &part, 1, error);
}

static void put_row(struct buf *out, const struct history_row *row)
{
    for (size_t column = 0; column < N_COLUMNS; column++) {
        const double value = get(row, column);
        if (column > 0)
            buf_text(out, ",");
        if (!isnan(value))
            buf_printf(out, "%.9g", value);
    }
    buf_text(out, "\n");
}

enum lstm_status history_write_csv(const struct history *history, const char *path,
                                   struct lstm_error *error)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    for (size_t column = 0; column < N_COLUMNS; column++)
        buf_printf(&out, "%s%s", column > 0 ? "," : "", columns[column].name);
    buf_text(&out, "\n");
    for (size_t i = 0; i < history->n; i++)
        put_row(&out, &history->rows[i]);
    const enum lstm_status status = history_write(&out, path, error);
    buf_release(&out);
    return status;
}

/* Reads "1,2,,4\n"; an empty field is NAN. */
static bool parse_row(const char *line, struct history_row *row)
{
    for (size_t column = 0; column < N_COLUMNS; column++) {
        char *end;
        double value = strtod(line, &end);
        set(row, column, end == line ? (double)NAN : value);
        if (*end != (column + 1 < N_COLUMNS ? ',' : '\n'))
            return false;
        line = end + 1;
    }
    return true;
}

static enum lstm_status read_rows(FILE *stream, size_t n, struct history *history,
                                  struct lstm_error *error)
{
    char line[MAX_LINE];
    if (fgets(line, sizeof line, stream) == NULL || strncmp(line, "epoch,steps,", 12) != 0)
        return lstm_fail(error, LSTM_FORMAT, "not a history of a training");
    while (history->n < n) {
        struct history_row row;
        if (fgets(line, sizeof line, stream) == NULL)
            return lstm_fail(error, LSTM_FORMAT, "expected %zu epochs, found %zu", n, history->n);
        if (!parse_row(line, &row))
            return lstm_fail(error, LSTM_FORMAT, "line %zu is malformed", history->n + 2);
        enum lstm_status status = history_add(history, &row, error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

enum lstm_status history_read_csv(struct history *history, const char *path, size_t n,
                                  struct lstm_error *error)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return lstm_fail(error, errno == ENOENT ? LSTM_NOT_FOUND : LSTM_IO,
                         "%s: cannot be opened: %s", path, strerror(errno));
    struct history read = {0};
    enum lstm_status status = read_rows(stream, n, &read, error);
    fclose(stream);
    if (status != LSTM_OK) {
        history_release(&read);
        return lstm_fail_in(error, status, "%s", path);
    }
    history_release(history);
    *history = read;
    return LSTM_OK;
}
