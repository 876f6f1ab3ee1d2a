/* signals.c: the self-pipe. SPDX-License-Identifier: Apache-2.0 */
#include "server/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"

static int pipe_ends[2] = {-1, -1};

static void on_signal(int number)
{
    static atomic_flag is_ending = ATOMIC_FLAG_INIT;
    int saved = errno;
    if (number != SIGHUP && atomic_flag_test_and_set(&is_ending))
        _exit(128 + number);
    unsigned char byte = (unsigned char)number;
    /* A full pipe holds signals enough; this one may be lost. */
    if (write(pipe_ends[1], &byte, 1) < 0)
        errno = saved;
    errno = saved;
}

enum lstm_status signals_init(struct lstm_error *error)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    if (pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return lstm_fail(error, LSTM_IO, "no pipe for signals: %s", strerror(errno));
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t k = 0; k < sizeof caught / sizeof *caught; k++) {
        if (sigaction(caught[k], &action, NULL) != 0)
            return lstm_fail(error, LSTM_IO, "cannot catch signal %d: %s", caught[k],
                             strerror(errno));
    }
    /* Both are told by errno, too: a closed socket, a file that may not grow. */
    action.sa_handler = SIG_IGN;
    if (sigaction(SIGPIPE, &action, NULL) != 0 || sigaction(SIGXFSZ, &action, NULL) != 0)
        return lstm_fail(error, LSTM_IO, "cannot ignore a signal: %s", strerror(errno));
    return LSTM_OK;
}

int signals_wait(int timeout_ms)
{
    const int64_t deadline = monotonic_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        unsigned char byte;
        if (read(pipe_ends[0], &byte, 1) == 1)
            return byte;
        int64_t left_us = deadline - monotonic_us();
        if (timeout_ms >= 0 && left_us <= 0)
            return 0;
        struct pollfd waiting = {.fd = pipe_ends[0], .events = POLLIN};
        poll(&waiting, 1, timeout_ms < 0 ? -1 : (int)((left_us + 999) / 1000));
    }
}
