/* log.h: one logfmt or JSON line per event on stderr. SPDX-License-Identifier: Apache-2.0
 *
 * `ts=2026-01-31T12:00:00.123Z level=info event=model_loaded model=mnist version=1`. The level is
 * tested before the arguments are evaluated; a line is one write; values are escaped. Never inputs
 * or bodies. Thread-safe after log_init(). */
#ifndef LOG_H
#define LOG_H

#include "core/lstm.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* One key=value of a line. Made by the macros below. */
struct log_field {
    const char *key;
    enum { LOG_TEXT, LOG_INT, LOG_REAL } type;
    union {
        const char *text;
        long long integer;
        double real;
    } value;
};

#define L_STR(k, v) ((struct log_field){.key = (k), .type = LOG_TEXT, .value.text = (v)})
#define L_INT(k, v)                                                                                \
    ((struct log_field){.key = (k), .type = LOG_INT, .value.integer = (long long)(v)})
#define L_REAL(k, v) ((struct log_field){.key = (k), .type = LOG_REAL, .value.real = (v)})

extern enum log_level log_threshold; /* set once by log_init() */

void log_init(enum log_level threshold, enum log_format format);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* log_event(LOG_LEVEL_INFO, "model_loaded", L_STR("model", name), L_INT("version", 1)); at least
 * one field */
#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        if ((level) >= log_threshold) {                                                            \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write((level), (event), log_fields_, sizeof log_fields_ / sizeof *log_fields_);    \
        }                                                                                          \
    } while (0)
#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
