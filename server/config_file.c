/* config_file.c: reads the file, and finds its members' options. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "server/config_file.h"

#include <stdlib.h>

#include "core/status.h"
#include "server/text_file.h"

enum { MAX_FILE_BYTES = 1 << 20 };

static enum lstm_status parse_file(const char *path, struct json_t **root, struct lstm_error *error)
{
    struct buf text;
    bool is_public;
    enum lstm_status status = text_file_read(path, MAX_FILE_BYTES, &text, &is_public, error);
    if (status == LSTM_OK) {
        status = json_file_parse(text.data, text.n, root, error);
        if (status != LSTM_OK)
            lstm_fail_in(error, status, "%s", path);
    }
    buf_release(&text);
    return status;
}

static size_t count(const struct option *options)
{
    size_t n = 0;
    while (options != NULL && options[n].name != NULL)
        n++;
    return n;
}

/* Takes the members of an object as the settings of the same names. */
static enum lstm_status take_members(struct options *options, const char **names,
                                     struct lstm_error *error)
{
    const struct json_t *const root = options->file;
    const char *const path = options->common.config;
    char key[JSON_KEY_BYTES];
    if (json_kind(root) != JSON_KIND_OBJECT)
        return lstm_fail(error, LSTM_INVALID, "%s: expected an object of options, found %s", path,
                         json_kind_name(root));
    for (size_t i = 0; i < options->n_own; i++) {
        names[i] = options->settings[i].option->name;
        options->settings[i].member = json_member(root, names[i]);
        options->settings[i].file = path;
    }
    for (size_t i = 0; i < count(options->command->neighbours); i++)
        names[options->n_own + i] = options->command->neighbours[i].name;
    if (json_has_unknown_key(root, names, key))
        return lstm_fail(error, LSTM_INVALID,
                         "%s: \"%s\" is no option; see lstmd %s --help for those there are", path,
                         key, options->command->name);
    return LSTM_OK;
}

enum lstm_status config_file_read(struct options *options, struct lstm_error *error)
{
    const char **names =
        calloc(options->n_own + count(options->command->neighbours) + 1, sizeof *names);
    if (names == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory");
    enum lstm_status status = parse_file(options->common.config, &options->file, error);
    if (status == LSTM_OK)
        status = take_members(options, names, error);
    free(names);
    return status;
}
