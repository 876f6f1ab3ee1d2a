/* cmd_convert.c: `lstmd convert`: another program's file becomes the next version of a model.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/commands.h"
#include "server/convert_config.h"
#include "server/repository.h"
#include "server/source_text.h"
#include "server/text_file.h"
#include "server/version_folder.h"

enum { MAX_NAMES = 1 << 16, MAX_NAME_LIST_BYTES = 4 << 20 };

/* What an option lists, as pointers into one text. */
struct names {
    struct buf text;
    const char **texts;
    size_t n;
};

/* ---- Lists of names ------------------------------------------------------------------------- */

static enum lstm_status read_text(const char *option, const char *value, struct buf *text,
                                  struct lstm_error *error)
{
    bool is_public;
    if (value[0] == '@')
        return text_file_read(value + 1, MAX_NAME_LIST_BYTES, text, &is_public, error);
    buf_init(text, MAX_NAME_LIST_BYTES);
    buf_text(text, value);
    return text->failed ? lstm_fail(error, LSTM_NO_MEMORY, "no memory for %s", option) : LSTM_OK;
}

/* Cuts the text, in place, at every separator; an end of line at the end of the file is none. */
static enum lstm_status split(const char *option, struct names *names, char separator,
                              struct lstm_error *error)
{
    struct buf *text = &names->text;
    size_t n = 1;
    if (separator == '\n' && text->n > 0 && text->data[text->n - 1] == '\n')
        text->data[--text->n] = '\0';
    for (size_t i = 0; i < text->n; i++)
        n += text->data[i] == separator;
    if (text->n == 0 || n > MAX_NAMES)
        return lstm_fail(error, LSTM_INVALID, "%s: expected 1 to %d names", option, MAX_NAMES);
    names->texts = calloc(n, sizeof *names->texts);
    if (names->texts == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %zu names of %s", n, option);
    for (char *at = text->data; at != NULL;) {
        char *end = strchr(at, separator);
        names->texts[names->n++] = at;
        if (end != NULL)
            *end++ = '\0';
        const size_t length = strlen(at);
        if (length > 0 && at[length - 1] == '\r')
            at[length - 1] = '\0';
        at = end;
    }
    return LSTM_OK;
}

/* "a,b,c", or "@FILE" with a name a line. NULL: none. */
static enum lstm_status read_names(const char *option, const char *value, struct names *names,
                                   struct lstm_error *error)
{
    *names = (struct names){0};
    if (value == NULL)
        return LSTM_OK;
    enum lstm_status status = read_text(option, value, &names->text, error);
    return status == LSTM_OK ? split(option, names, value[0] == '@' ? '\n' : ',', error) : status;
}

static void release_names(struct names *names)
{
    free(names->texts);
    buf_release(&names->text);
}

/* ---- Converting ----------------------------------------------------------------------------- */

/* Prints what was recognised. */
static void report(const struct lstm_source *source)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    buf_printf(&out, "%s\n", lstm_source_title(source));
    source_write_layers(source, &out);
    source_write_notes(source, &out);
    if (out.data != NULL)
        fwrite(out.data, 1, out.n, stdout);
    buf_release(&out);
}

/* The optimizer's state goes beside the weights, where training of this version begins from it. */
static enum lstm_status save_training(const struct lstm_trainer *trainer, const char *folder,
                                      struct lstm_error *error)
{
    char path[PATH_MAX];
    if (trainer == NULL)
        return LSTM_OK;
    enum lstm_status status = folder_path(path, folder, "training.safetensors", error);
    if (status == LSTM_OK)
        status = lstm_trainer_save(trainer, path, NULL, error);
    if (status == LSTM_OK)
        printf("Kept the optimizer's state after %ju steps\n",
               (uintmax_t)lstm_trainer_n_steps(trainer));
    return status;
}

static enum lstm_status publish(struct lstm_source *source, const struct lstm_trainer *trainer,
                                const char *out, struct lstm_error *error)
{
    struct version_folder folder;
    char published[PATH_MAX];
    enum lstm_status status = folder_make(out, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "--out");
    status = version_folder_begin(&folder, out, error);
    if (status != LSTM_OK)
        return status;
    status = lstm_source_save(source, folder.unfinished, error);
    if (status == LSTM_OK)
        status = save_training(trainer, folder.unfinished, error);
    if (status == LSTM_OK)
        status = version_folder_publish(&folder, out, 0, published, error);
    if (status == LSTM_OK)
        printf("Saved %s\n", published);
    version_folder_end(&folder);
    return status;
}

/* A source without training state, or of a model that cannot be trained, is no failure. */
static enum lstm_status read_training(const struct lstm_source *source,
                                      struct lstm_trainer **trainer, struct lstm_error *error)
{
    struct lstm_error why;
    const enum lstm_status status = lstm_source_trainer(source, trainer, &why);
    if (status == LSTM_OK || status == LSTM_NOT_FOUND)
        return LSTM_OK;
    if (status != LSTM_UNSUPPORTED && status != LSTM_SHAPE)
        return lstm_fail(error, status, "%s", why.text);
    printf("note: the optimizer's state was left out: %s\n", why.text);
    return LSTM_OK;
}

static enum lstm_status recognise(const struct convert_config *config, const struct names *labels,
                                  const struct names *layers, struct lstm_source *source,
                                  struct lstm_error *error)
{
    const struct lstm_import_options options = {.activation = config->activation,
                                                .recurrent_activation =
                                                    config->recurrent_activation,
                                                .hidden_activation = config->hidden_activation,
                                                .output_activation = config->output_activation,
                                                .forget_bias = config->forget_bias,
                                                .steps = (size_t)config->steps,
                                                .scale = config->scale,
                                                .scope = config->scope,
                                                .layers = layers->texts,
                                                .n_layers = layers->n,
                                                .shared_layers = (size_t)config->shared_layers,
                                                .return_sequences = config->return_sequences,
                                                .pooling = config->pooling,
                                                .inputs = config->inputs,
                                                .labels = labels->texts,
                                                .n_labels = labels->n};
    return lstm_source_recognise(source, &options, error);
}

static enum lstm_status convert(const struct convert_config *config, const char *path,
                                struct lstm_error *error)
{
    struct lstm_source *source = NULL;
    struct lstm_trainer *trainer = NULL;
    struct names labels, layers = {0};
    enum lstm_status status = repository_check_out(config->out, error);
    if (status != LSTM_OK)
        return status;
    status = read_names("--labels", config->labels, &labels, error);
    if (status == LSTM_OK)
        status = read_names("--layers", config->layers, &layers, error);
    if (status == LSTM_OK)
        status = lstm_source_open(path, config->format, &source, error);
    if (status == LSTM_OK)
        status = recognise(config, &labels, &layers, source, error);
    if (status == LSTM_OK) {
        report(source);
        status = read_training(source, &trainer, error);
    }
    if (status == LSTM_OK)
        status = publish(source, trainer, config->out, error);
    lstm_trainer_destroy(trainer);
    lstm_source_destroy(source);
    release_names(&layers);
    release_names(&labels);
    return status;
}

/* The newest version that --if-empty looks for; 0: there is none, or it was not given. */
static enum lstm_status find_latest(const struct convert_config *config, uint64_t *latest,
                                    struct lstm_error *error)
{
    *latest = 0;
    if (!config->if_empty || config->out == NULL)
        return LSTM_OK;
    const enum lstm_status status = version_folder_latest(config->out, latest, error);
    return status == LSTM_OK ? LSTM_OK : lstm_fail_in(error, status, "--out");
}

int cmd_convert(const void *options, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    const struct convert_config *config = options;
    struct lstm_error error;
    uint64_t latest;
    enum lstm_status status = find_latest(config, &latest, &error);
    if (status == LSTM_OK && latest > 0) {
        printf("%s has version %" PRIu64 ": nothing was written (--if-empty)\n", config->out,
               latest);
        return EXIT_SUCCESS;
    }
    if (status == LSTM_OK)
        status = convert(config, arguments[0], &error);
    if (status == LSTM_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "lstmd convert: %s\n", error.text);
    return status == LSTM_IO || status == LSTM_NO_SPACE || status == LSTM_NO_MEMORY ? EXIT_FAILURE
                                                                                    : EXIT_USAGE;
}
