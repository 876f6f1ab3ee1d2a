/* cmd_train.c: `lstmd train`: trains a model on MNIST and publishes it as the next version.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/status.h"
#include "server/commands.h"
#include "server/hash.h"
#include "server/repository.h"
#include "server/schedule.h"
#include "server/train_run.h"
#include "server/version_folder.h"

enum { MAX_MODEL_BYTES = 1 << 20 };

/* Everything that one `lstmd train` holds. */
struct session {
    const struct train_config *config;
    char *json; /* the text of MODEL.json */
    size_t json_bytes;
    struct lstm_model *model;
    struct mnist_data data;
    char folder[PATH_MAX]; /* MODELS/NAME/.training */
    int folder_fd;         /* locked while we work in it */
    struct train_checkpoint checkpoint;
    struct train_run run;
    bool was_finished; /* when it was resumed */
};

static volatile sig_atomic_t caught_signal;

static void catch_signal(int number)
{
    caught_signal = number;
}

static enum lstm_status read_model(struct session *session, const char *path,
                                   struct lstm_error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return lstm_fail(error, errno == ENOENT ? LSTM_NOT_FOUND : LSTM_IO,
                         "%s: cannot be opened: %s", path, strerror(errno));
    session->json = malloc(MAX_MODEL_BYTES + 1);
    if (session->json != NULL)
        session->json_bytes = fread(session->json, 1, MAX_MODEL_BYTES + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (session->json == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %s", path);
    if (failed)
        return lstm_fail(error, LSTM_IO, "%s: cannot be read", path);
    if (session->json_bytes > MAX_MODEL_BYTES)
        return lstm_fail(error, LSTM_INVALID, "%s: longer than %d bytes; expected a model.json",
                         path, MAX_MODEL_BYTES);
    enum lstm_status status =
        lstm_model_create(session->json, session->json_bytes, (uint64_t)session->config->seed,
                          &session->model, error);
    return status == LSTM_OK ? LSTM_OK : lstm_fail_in(error, status, "%s", path);
}

static enum lstm_status read_data(struct session *session, struct lstm_error *error)
{
    const struct train_config *config = session->config;
    enum lstm_status status = mnist_load(config->data, (size_t)config->validation_size,
                                         (size_t)config->limit, &session->data, error);
    if (status == LSTM_OK)
        status = mnist_check_model(&session->data, lstm_model_info(session->model), error);
    return status;
}

/* Writes down all that shapes the numbers of this training, so that a checkpoint goes on only where
 * they stay the same. */
static void describe_settings(struct session *session)
{
    const struct train_config *config = session->config;
    const struct mnist_data *data = &session->data;
    const struct lstm_idx *images = &data->train_images;
    uint64_t data_hash = hash_bytes(HASH_START, images->data,
                                    images->shape[0] * images->shape[1] * images->shape[2]);
    data_hash = hash_bytes(data_hash, data->train_labels.data, images->shape[0]);
    snprintf(session->checkpoint.settings, sizeof session->checkpoint.settings,
             "epochs=%" PRId64 " batch-size=%" PRId64 " validation-size=%" PRId64 " limit=%" PRId64
             " seed=%" PRId64 " augment=%s augment-share=%.17g schedule=%s learning-rate=%.17g"
             " clip-norm=%.17g keep=%s parallel-iterations=%" PRId64 " model=%016" PRIx64
             " data=%016" PRIx64,
             config->epochs, config->batch_size, config->validation_size, config->limit,
             config->seed, config->augment ? "on" : "off", config->augment_share,
             schedule_names[config->schedule], config->learning_rate, config->clip_norm,
             config->keep == KEEP_BEST ? "best" : "last", config->parallel_iterations,
             hash_bytes(HASH_START, session->json, session->json_bytes), data_hash);
}

/* Makes MODELS/NAME/.training and keeps other trainings out of it. */
static enum lstm_status open_folder(struct session *session, struct lstm_error *error)
{
    enum lstm_status status =
        folder_path(session->folder, session->config->out, ".training", error);
    if (status == LSTM_OK)
        status = folder_make(session->folder, error);
    if (status == LSTM_OK)
        status = train_checkpoint_init(&session->checkpoint, session->folder, error);
    if (status != LSTM_OK)
        return status;
    session->folder_fd = open(session->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (session->folder_fd < 0)
        return lstm_fail(error, LSTM_IO, "%s: cannot be opened: %s", session->folder,
                         strerror(errno));
    if (flock(session->folder_fd, LOCK_EX | LOCK_NB) != 0)
        return lstm_fail(error, LSTM_INVALID, "another training works on %s right now",
                         session->config->out);
    return LSTM_OK;
}

/* Begins anew or goes on, as the flags and what is there ask for. */
static enum lstm_status choose_beginning(struct session *session, struct lstm_error *error)
{
    const struct train_config *config = session->config;
    if (!train_checkpoint_exists(&session->checkpoint))
        return LSTM_OK;
    if (config->restart) {
        if (unlink(session->checkpoint.path) == 0)
            return LSTM_OK;
        return lstm_fail(error, LSTM_IO, "%s: cannot be removed: %s", session->checkpoint.path,
                         strerror(errno));
    }
    if (!config->resume)
        return lstm_fail(error, LSTM_INVALID,
                         "%s holds the checkpoint of an interrupted training; add --resume to go "
                         "on with it, or --restart to begin anew",
                         session->folder);
    enum lstm_status status = train_run_resume(&session->run, error);
    session->was_finished = status == LSTM_OK && train_run_is_finished(&session->run);
    if (status == LSTM_OK)
        fprintf(stderr, "resuming after %.0f epochs and %.0f steps\n", session->run.position.epoch,
                session->run.position.batch);
    return status;
}

/* "mnist" of "models/mnist/". */
static void name_of_model(const char *out, char name[NAME_MAX + 1])
{
    size_t end = strlen(out);
    while (end > 1 && out[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && out[start - 1] != '/')
        start--;
    snprintf(name, NAME_MAX + 1, "%.*s", (int)(end - start), out + start);
}

/* Writes model, weights and history into the folder of a version to be. */
static enum lstm_status write_version(struct session *session, const char *folder,
                                      struct lstm_error *error)
{
    char path[PATH_MAX], name[NAME_MAX + 1];
    struct lstm_model *model = NULL;
    name_of_model(session->config->out, name);
    enum lstm_status status = train_run_result(&session->run, &model, error);
    if (status == LSTM_OK)
        status = lstm_model_save(model, folder, error);
    if (status == LSTM_OK)
        status = folder_path(path, folder, "history.csv", error);
    if (status == LSTM_OK)
        status = history_write_csv(&session->run.history, path, error);
    if (status == LSTM_OK)
        status = folder_path(path, folder, "history.svg", error);
    if (status == LSTM_OK)
        status = history_write_svg(&session->run.history, name, path, error);
    lstm_model_destroy(model);
    return status;
}

/* Makes the next version. A training that was finished when it was resumed may have been killed
 * behind that: then its version is there. */
static enum lstm_status publish(struct session *session, struct lstm_error *error)
{
    struct version_folder folder;
    char published[PATH_MAX];
    const char *out = session->config->out;
    enum lstm_status status = version_folder_begin(&folder, out, error);
    if (status != LSTM_OK)
        return status;
    status = write_version(session, folder.unfinished, error);
    const bool is_published =
        status == LSTM_OK && session->was_finished &&
        version_folder_find(out, folder.unfinished, published, NULL) == LSTM_OK;
    if (status == LSTM_OK && !is_published)
        status = version_folder_publish(&folder, out, 0, published, error);
    version_folder_end(&folder);
    if (status != LSTM_OK)
        return status;
    /* The checkpoint first: without it, the rest is nothing to resume. */
    unlink(session->checkpoint.path);
    folder_remove(session->folder);
    printf("Saved %s\n", published);
    return LSTM_OK;
}

static enum lstm_status check_flags(const struct train_config *config, struct lstm_error *error)
{
    if (config->data == NULL || *config->data == '\0')
        return lstm_fail(error, LSTM_INVALID,
                         "--data is missing: the folder of the MNIST files (tests/tools/"
                         "fetch_mnist.sh fetches them)");
    if (config->resume && config->restart)
        return lstm_fail(error, LSTM_INVALID, "--resume and --restart exclude each other");
    return repository_check_out(config->out, error);
}

static enum lstm_status prepare(struct session *session, const char *model_path,
                                struct lstm_error *error)
{
    enum lstm_status status = check_flags(session->config, error);
    if (status == LSTM_OK)
        status = read_model(session, model_path, error);
    if (status == LSTM_OK)
        status = read_data(session, error);
    if (status == LSTM_OK)
        status = train_run_init(&session->run, session->config, session->model, &session->data,
                                &session->checkpoint, error);
    if (status == LSTM_OK)
        status = open_folder(session, error);
    if (status != LSTM_OK)
        return status;
    describe_settings(session);
    return choose_beginning(session, error);
}

static void release(struct session *session)
{
    if (session->folder_fd >= 0)
        close(session->folder_fd);
    train_run_release(&session->run);
    mnist_release(&session->data);
    lstm_model_destroy(session->model);
    free(session->json);
}

/* Trains and publishes; a signal ends it early, with LSTM_OK and caught_signal set. */
static enum lstm_status train(const struct train_config *config, const char *model_path,
                              struct lstm_error *error)
{
    struct session session = {.config = config, .folder_fd = -1};
    enum lstm_status status = prepare(&session, model_path, error);
    if (status == LSTM_OK)
        status = train_run_epochs(&session.run, &caught_signal, error);
    if (status == LSTM_OK && train_run_is_finished(&session.run)) {
        caught_signal = 0;
        status = publish(&session, error);
    }
    release(&session);
    return status;
}

/* 2 for what the user can mend in the command or the files, 1 for what failed underway. */
static int exit_status_of(enum lstm_status status)
{
    switch (status) {
    case LSTM_INVALID:
    case LSTM_SHAPE:
    case LSTM_FORMAT:
    case LSTM_NOT_FOUND:
    case LSTM_UNSUPPORTED:
        return EXIT_USAGE;
    default:
        return EXIT_FAILURE;
    }
}

int cmd_train(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    /* A second signal does what it does by default: it ends the program at once. */
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction old_interrupt, old_terminate;
    caught_signal = 0;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    struct lstm_error error;
    enum lstm_status status = train(config, arguments[0], &error);
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
    if (status != LSTM_OK) {
        fprintf(stderr, "lstmd train: %s\n", error.text);
        return exit_status_of(status);
    }
    if (caught_signal != 0) {
        fprintf(stderr, "Interrupted. To go on from here, give the same settings and --resume.\n");
        return 128 + (int)caught_signal;
    }
    return EXIT_SUCCESS;
}
