/* io_thread.c: waiting for a descriptor, by looking or asleep. SPDX-License-Identifier: Apache-2.0
 */
#include "server/io_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/thread_policy.h"

/* So many turns may do nothing although the work says that it goes on at once; then the thread
 * rests after each of those, so that a client who keeps the library busy with nothing (one whose
 * chunk extension fills the connection's buffer, until the body's deadline) does not keep a core
 * busy. A turn that did something is followed by the next at once, whatever such a client does
 * beside it: what it has to read need not make the descriptor readable again.
 *
 * A turn without anything to do takes some microseconds. A thousand of them are over within a few
 * milliseconds, and are more than honest work has without a wait. Two milliseconds of rest leave
 * such a client less than a hundredth of a core, and are short against its deadline of seconds. */
enum { MAX_HOT_TURNS = 1000, REST_MS = 2 };

struct io_thread {
    struct io_work work;
    int wake_fd;          /* readable when somebody asks for the work, or for the end */
    atomic_bool is_woken; /* somebody asked, and the thread has not begun with it */
    atomic_bool is_stopping;
    atomic_ulong n_turns;
    int64_t last_wait_us; /* the thread's own */
    pthread_t thread;
};

/* Whether there is work before look_us have passed, or the thread may look no longer. */
static bool look_for_work(const struct io_work *work, struct pollfd fds[2], int64_t begin_us)
{
    while (work->may_look(work->context) && monotonic_us() - begin_us < work->look_us)
        if (poll(fds, 2, 0) > 0)
            return true;
    return false;
}

/* Waits for work, at most until `timeout_ms`. As long as the last wait was, the next one will be:
 * one that was looked for in vain is slept through the next time. */
static void wait_for_work(struct io_thread *thread, int timeout_ms)
{
    const struct io_work *work = &thread->work;
    struct pollfd fds[] = {{.fd = thread->wake_fd, .events = POLLIN},
                           {.fd = work->fd, .events = POLLIN}};
    const int64_t begin_us = monotonic_us();
    const bool looks = thread->last_wait_us < work->look_us;
    uint64_t n_wakes;
    if (!looks || !look_for_work(work, fds, begin_us))
        (void)poll(fds, 2, timeout_ms);
    if (fds[0].revents != 0)
        (void)!read(thread->wake_fd, &n_wakes, sizeof n_wakes);
    thread->last_wait_us = monotonic_us() - begin_us;
}

/* is_woken is cleared before the work is done: who asks later than that is not forgotten. */
static void *run(void *context)
{
    struct io_thread *thread = context;
    unsigned n_hot = 0;
    bool has_worked = true;
    thread_policy_batch();
    thread_policy_nice(THREAD_NICE_IO);
    while (!atomic_load(&thread->is_stopping)) {
        const int timeout_ms = thread->work.timeout_ms(thread->work.context);
        n_hot = timeout_ms == 0 ? n_hot + (!has_worked && n_hot < MAX_HOT_TURNS) : 0;
        if (timeout_ms != 0)
            wait_for_work(thread, timeout_ms);
        else if (n_hot == MAX_HOT_TURNS && !has_worked)
            wait_for_work(thread, REST_MS);
        atomic_store(&thread->is_woken, false);
        has_worked = thread->work.run(thread->work.context);
        atomic_fetch_add(&thread->n_turns, 1);
    }
    return NULL;
}

void io_thread_wake(struct io_thread *thread)
{
    const uint64_t one = 1;
    if (atomic_exchange(&thread->is_woken, true))
        return;
    while (write(thread->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

enum lstm_status io_thread_create(const struct io_work *work, struct io_thread **thread,
                                  struct lstm_error *error)
{
    *thread = NULL;
    struct io_thread *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for an I/O thread");
    made->work = *work;
    made->last_wait_us = INT64_MAX;
    atomic_init(&made->is_woken, false);
    atomic_init(&made->is_stopping, false);
    atomic_init(&made->n_turns, 0);
    made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failure = made->wake_fd < 0 ? errno : 0;
    if (failure == 0)
        failure = pthread_create(&made->thread, NULL, run, made);
    if (failure == 0) {
        *thread = made;
        return LSTM_OK;
    }
    if (made->wake_fd >= 0)
        close(made->wake_fd);
    free(made);
    return lstm_fail(error, LSTM_IO, "cannot start an I/O thread: %s", strerror(failure));
}

unsigned long io_thread_n_turns(const struct io_thread *thread)
{
    return atomic_load(&thread->n_turns);
}

void io_thread_destroy(struct io_thread *thread)
{
    if (thread == NULL)
        return;
    atomic_store(&thread->is_stopping, true);
    io_thread_wake(thread);
    pthread_join(thread->thread, NULL);
    close(thread->wake_fd);
    free(thread);
}
