/* log.c: formats log lines. SPDX-License-Identifier: Apache-2.0
 *
 * A line is built in a fixed array, so that a lack of memory can be logged. What does not fit is
 * cut: the end of a value, then whole fields; the line stays well-formed. */
#include "server/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/json_text.h"

enum {
    MAX_LINE = 2048,
    TAIL = 4,        /* kept for the closing quote, brace and newline */
    MIN_FIELD = 128, /* a field is left out if less than this is free */
};

struct line {
    char text[MAX_LINE];
    size_t n;
};

enum log_level log_threshold = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

void log_init(enum log_level threshold, enum log_format format)
{
    log_threshold = threshold;
    line_format = format;
}

static size_t bytes_left(const struct line *line)
{
    return sizeof line->text - TAIL - line->n;
}

static void put(struct line *line, const char *text, size_t n)
{
    if (n > bytes_left(line))
        n = bytes_left(line);
    memcpy(line->text + line->n, text, n);
    line->n += n;
}

/* One character that closes something: it may use the tail. */
static void put_closing(struct line *line, char c)
{
    line->text[line->n++] = c;
}

/* Whether a logfmt value can stand without quotes. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '=' || *c == '"' || *c == '\\')
            return false;
    }
    return *text != '\0';
}

static void put_quoted(struct line *line, const char *text)
{
    size_t n = strlen(text);
    put(line, "\"", 1);
    for (size_t k = 0, used; k < n; k += used) {
        char character[JSON_MAX_CHARACTER];
        size_t bytes = json_escape(text + k, n - k, character, &used);
        if (bytes > bytes_left(line))
            break;
        put(line, character, bytes);
    }
    put_closing(line, '"');
}

static void put_text(struct line *line, const char *text)
{
    if (line_format == LOG_FORMAT_LOGFMT && is_plain(text))
        put(line, text, strlen(text));
    else
        put_quoted(line, text);
}

static void put_key(struct line *line, const char *key)
{
    bool json = line_format == LOG_FORMAT_JSON;
    if (line->n > 0)
        put(line, json ? "," : " ", 1);
    else if (json)
        put(line, "{", 1);
    if (json)
        put(line, "\"", 1);
    put(line, key, strlen(key));
    put(line, json ? "\":" : "=", json ? 2 : 1);
}

static void put_number(struct line *line, const struct log_field *field)
{
    char text[32];
    if (field->type == LOG_INT)
        snprintf(text, sizeof text, "%lld", field->value.integer);
    else if (line_format == LOG_FORMAT_JSON && !isfinite(field->value.real))
        snprintf(text, sizeof text, "null");
    else
        snprintf(text, sizeof text, "%.6g", field->value.real);
    put(line, text, strlen(text));
}

static void put_field(struct line *line, const struct log_field *field)
{
    if (bytes_left(line) < MIN_FIELD)
        return;
    put_key(line, field->key);
    if (field->type == LOG_TEXT)
        put_text(line, field->value.text ? field->value.text : "");
    else
        put_number(line, field);
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm parts;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
    put_field(line, &L_STR("ts", text));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    struct line line = {.n = 0};
    put_time(&line);
    put_field(&line, &L_STR("level", level_names[level]));
    put_field(&line, &L_STR("event", event));
    for (size_t k = 0; k < n; k++)
        put_field(&line, &fields[k]);
    if (line_format == LOG_FORMAT_JSON)
        put_closing(&line, '}');
    put_closing(&line, '\n');
    /* There is nowhere left to report that stderr cannot be written. */
    if (write(STDERR_FILENO, line.text, line.n) < 0)
        return;
}
