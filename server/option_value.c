/* option_value.c: reads and writes the fields of config structs. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "server/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/json_text.h"
#include "server/options_text.h"

static void *field(const struct option *option, void *config)
{
    return (char *)config + option->offset;
}

void option_clear(const struct option *option, void *config)
{
    if (option->type == OPTION_REAL && option->fallback == NULL)
        *(double *)field(option, config) = (double)NAN;
}

void option_take_list(const struct option *option, void *config, const struct option_list *list)
{
    *(struct option_list *)field(option, config) = *list;
}

/* A list of one text. */
static bool read_single(const char *text, struct option_list *list)
{
    *list = (struct option_list){1, {text}};
    return text != NULL;
}

/* One text, or an array of them. */
static bool read_list(const struct json_t *value, struct option_list *list)
{
    const size_t n = json_kind(value) == JSON_KIND_LIST ? json_n_elements(value) : 0;
    if (n == 0 || n > OPTION_MAX_LIST)
        return n == 0 && read_single(json_read_text(value), list);
    *list = (struct option_list){.n = n};
    for (size_t i = 0; i < n; i++) {
        list->texts[i] = json_read_text(json_element(value, i));
        if (list->texts[i] == NULL)
            return false;
    }
    return true;
}

static bool is_in_range(const struct option *option, double number)
{
    return isfinite(number) && number >= option->min && number <= option->max;
}

static bool read_flag(const char *text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true},  {"off", false}, {"true", true}, {"false", false},
                 {"yes", true}, {"no", false},  {"1", true},    {"0", false}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (strcmp(text, words[k].word) == 0) {
            *value = words[k].value;
            return true;
        }
    }
    return false;
}

/* strtoll() and strtod() would skip white space. */
static bool begins_as_number(const char *text)
{
    return *text != '\0' && !isspace((unsigned char)*text);
}

static bool read_integer(const struct option *option, const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (!begins_as_number(text) || *end != '\0' || errno != 0)
        return false;
    *value = number;
    return is_in_range(option, (double)number);
}

static bool read_real(const struct option *option, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return begins_as_number(text) && *end == '\0' && is_in_range(option, *value);
}

static bool read_choice(const struct option *option, const char *text, int *value)
{
    for (int k = 0; text != NULL && option->choices[k] != NULL; k++) {
        if (strcmp(option->choices[k], text) == 0) {
            *value = k;
            return true;
        }
    }
    return false;
}

enum lstm_status option_read_text(const struct option *option, void *config, const char *source,
                                  const char *text, struct lstm_error *error)
{
    bool good = false;
    switch (option->type) {
    case OPTION_FLAG:
        good = read_flag(text, field(option, config));
        break;
    case OPTION_INTEGER:
        good = read_integer(option, text, field(option, config));
        break;
    case OPTION_REAL:
        good = read_real(option, text, field(option, config));
        break;
    case OPTION_TEXT:
        *(const char **)field(option, config) = text;
        good = true;
        break;
    case OPTION_CHOICE:
        good = read_choice(option, text, field(option, config));
        break;
    case OPTION_LIST:
        good = read_single(text, field(option, config));
        break;
    }
    if (good)
        return LSTM_OK;
    char expected[OPTION_EXPECTS_BYTES];
    option_expects(option, expected, sizeof expected);
    return lstm_fail(error, LSTM_INVALID, "%s must be %s, not \"%.40s\"", source, expected, text);
}

/* A value for a message: numbers and texts as they are, of others the kind. */
static void describe(const struct json_t *value, char *out, size_t out_bytes)
{
    double number;
    const char *const text = json_read_text(value);
    if (text != NULL)
        snprintf(out, out_bytes, "\"%.40s\"", text);
    else if (json_read_number(value, &number))
        snprintf(out, out_bytes, "%.15g", number);
    else
        snprintf(out, out_bytes, "%s", json_kind_name(value));
}

enum lstm_status option_read_json(const struct option *option, void *config, const char *source,
                                  const struct json_t *value, struct lstm_error *error)
{
    bool good = false;
    double number;
    const char *const text = json_read_text(value);
    void *const out = field(option, config);
    switch (option->type) {
    case OPTION_FLAG:
        good = json_kind(value) == JSON_KIND_BOOLEAN;
        *(bool *)out = json_truth(value);
        break;
    case OPTION_INTEGER:
        good = json_read_integer(value, out) && is_in_range(option, (double)*(int64_t *)out);
        break;
    case OPTION_REAL:
        good = json_read_number(value, &number) && is_in_range(option, number);
        *(double *)out = number;
        break;
    case OPTION_TEXT:
        good = text != NULL;
        *(const char **)out = text;
        break;
    case OPTION_CHOICE:
        good = read_choice(option, text, out);
        break;
    case OPTION_LIST:
        good = read_list(value, out);
        break;
    }
    if (good)
        return LSTM_OK;
    char expected[OPTION_EXPECTS_BYTES], found[48];
    option_expects_json(option, expected, sizeof expected);
    describe(value, found, sizeof found);
    return lstm_fail(error, LSTM_INVALID, "%s: \"%s\" must be %s, not %s", source, option->name,
                     expected, found);
}

static void write_list(const struct option_list *list, struct buf *out)
{
    buf_text(out, "[");
    for (size_t i = 0; i < list->n; i++) {
        buf_text(out, i > 0 ? ", " : "");
        json_append_string(out, list->texts[i], strlen(list->texts[i]));
    }
    buf_text(out, "]");
}

/* Appends the text as JSON, with stars for what stands between "://user:" and the last '@'. The
 * text may be no address at all yet: without a colon, all before the '@' may be a password. */
static void write_without_password(const char *text, struct buf *out)
{
    static const char sign[] = "://";
    struct buf shown;
    const char *const scheme = strstr(text, sign);
    const char *const from = scheme != NULL ? scheme + sizeof sign - 1 : text;
    const char *const at = strrchr(from, '@');
    const char *const colon = at != NULL ? memchr(from, ':', (size_t)(at - from)) : NULL;
    if (at == NULL) {
        json_append_string(out, text, strlen(text));
        return;
    }
    buf_init(&shown, SIZE_MAX);
    buf_append(&shown, text, (size_t)((colon != NULL ? colon + 1 : from) - text));
    buf_printf(&shown, "***%s", at);
    json_append_string(out, shown.data != NULL ? shown.data : "", shown.n);
    buf_release(&shown);
}

void option_write_json(const struct option *option, const void *config, struct buf *out)
{
    const void *const value = (const char *)config + option->offset;
    const char *text = NULL;
    switch (option->type) {
    case OPTION_FLAG:
        buf_text(out, *(const bool *)value ? "true" : "false");
        return;
    case OPTION_INTEGER:
        buf_printf(out, "%" PRId64, *(const int64_t *)value);
        return;
    case OPTION_REAL:
        if (isnan(*(const double *)value))
            buf_text(out, "null");
        else
            buf_printf(out, "%.15g", *(const double *)value);
        return;
    case OPTION_LIST:
        write_list(value, out);
        return;
    case OPTION_TEXT:
        text = *(const char *const *)value;
        break;
    case OPTION_CHOICE:
        text = option->choices[*(const int *)value];
        break;
    }
    if (text == NULL)
        buf_text(out, "null");
    else if (option->hides_password)
        write_without_password(text, out);
    else
        json_append_string(out, text, strlen(text));
}
