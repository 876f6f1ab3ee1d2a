/* training.h: models that learn while they serve. SPDX-License-Identifier: Apache-2.0
 *
 * One thread trains all models, in order of arrival within each. What waits for a model when its
 * turn comes is one group, up to the first task that is no step: each step is an optimizer step of
 * its own, but they come to disk, and to the requests that run the model, together. A step's done()
 * is called after that. Predicts never wait for it: they run on the snapshot before, then on the
 * one after. All functions but starting, stopping and destroying are thread-safe. */
#ifndef TRAINING_H
#define TRAINING_H

#include "server/learner.h"
#include "server/model_watcher.h"

struct training;

/* When steps come to disk. */
enum train_sync {
    TRAIN_SYNC_ALWAYS,   /* before done() */
    TRAIN_SYNC_INTERVAL, /* within a second, if the disk lets them */
    TRAIN_SYNC_NEVER     /* when training stops */
};

struct training_options {
    const char *state_dir; /* borrowed; NULL: what is learned lives in memory */
    const char *models;    /* the repository that versions are published to; borrowed */
    enum train_sync sync;
    size_t max_queued; /* steps and evaluations that may wait */
    size_t max_bytes;  /* of what waits and of the group in hand; a task alone may have more */
    size_t parallel_iterations;
    const struct batcher *batcher; /* whose predicts go first; borrowed; NULL: nobody's */
};

enum train_action {
    TRAIN_STEP,
    TRAIN_EVALUATE,  /* what a step would see; applies nothing */
    TRAIN_DESCRIBE,  /* changes nothing */
    TRAIN_CONFIGURE, /* of the settings, those that are given */
    TRAIN_PUBLISH,   /* as the next version, which serves before done() */
    TRAIN_RESET      /* to what the newest version was published with */
};

enum train_fate {
    TRAIN_DONE,    /* status says how it went */
    TRAIN_EXPIRED, /* when its turn came, its deadline had passed, or its client was gone; nothing
                      was applied */
    TRAIN_CONFLICT /* the model is not what the task took it for; error says how */
};

/* How a model's training is. */
struct training_report {
    uint64_t base_version, step, n_unpublished;
    struct lstm_training settings;
    double losses[LEARNER_LOSSES]; /* of the last steps, oldest first */
    size_t n_losses;
};

/* What is to be done with one model. The caller owns it and leaves it alone from submit to done. */
struct train_task {
    enum train_action action;
    const char *model;              /* borrowed until done */
    const struct lstm_model *shape; /* that the examples were read for; borrowed until done */
    struct lstm_examples examples;
    size_t bytes;                                   /* of memory that the examples take */
    double learning_rate;                           /* of this step, or new; 0: as it is */
    double clip_norm;                               /* new; negative: as it is */
    int64_t deadline_us;                            /* monotonic; 0: none */
    bool (*is_gone)(const struct train_task *task); /* whether nobody waits for it; may be NULL */
    void (*done)(struct train_task *task); /* on the training thread, once, without a lock held */
    void *context;                         /* the caller's */

    /* Set before done(). */
    enum train_fate fate;
    enum lstm_status status;
    struct lstm_error error;
    struct lstm_training_result result; /* STEP, EVALUATE */
    struct training_report report;      /* DESCRIBE, CONFIGURE, RESET */
    char version[LEARNER_NUMBER_BYTES]; /* PUBLISH */
    int64_t submitted_us, started_us, finished_us;

    struct train_task *next; /* the thread's own */
};

enum train_submitted { TRAIN_QUEUED, TRAIN_FULL, TRAIN_STOPPING };

/* Takes the state folder, which must be nobody else's, and gives the registry what was learned in
 * it; the registry has not scanned yet. *training is new. IO, INVALID, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status training_create(const struct training_options *options,
                                                 struct registry *registry,
                                                 struct model_watcher *watcher,
                                                 struct training **training,
                                                 struct lstm_error *error);

/* Starts the thread. IO: no thread could be started. */
LSTM_MUST_CHECK enum lstm_status training_start(struct training *training,
                                                struct lstm_error *error);

/* Queues a task; only with TRAIN_QUEUED will done() be called. */
enum train_submitted training_submit(struct training *training, struct train_task *task);

/* Whether a step's answer means that it is on disk. */
bool training_is_durable(const struct training *training);

/* Finishes what is queued, saves what is not on disk yet, and ends the thread. The watcher still
 * runs. is_cut: there is no time for what is queued; the step in hand ends, what was learned is
 * saved, and the rest is left, without its done(). False: something could not be saved, and the log
 * tells what. */
bool training_stop(struct training *training, bool is_cut);

/* Stops, and frees; the registry scans no more. */
void training_destroy(struct training *training);

#endif
