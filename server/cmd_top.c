/* cmd_top.c: `lstmd top`: the live figures of a running server. SPDX-License-Identifier: Apache-2.0
 *
 * Signals are blocked and waited for together with the time to look again, so that the terminal is
 * left as it was found whichever of them comes. OpenBLAS has started threads before main() that
 * block nothing: a signal that the kernel gives to one of them is handed on. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/commands.h"
#include "server/http_client.h"
#include "server/terminal.h"
#include "server/top_view.h"

enum { MAX_METRICS_BYTES = 16 << 20, MAX_PAGE_BYTES = 1 << 20, SIGNAL_EXIT = 128 };

/* Another screen without a cursor and without line wrap; and back. */
static const char enter_screen[] = "\033[?1049h\033[?25l\033[?7l";
static const char leave_screen[] = "\033[?7h\033[?25h\033[?1049l";

struct top {
    const struct client_config *config;
    struct http_client *client;
    struct metrics_reading before, now;
    int64_t before_us, now_us;
    sigset_t signals;
};

static void print(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

/* Reads the metrics; those of last time become `before`. */
static enum lstm_status look(struct top *top, struct lstm_error *error)
{
    struct metrics_reading reading;
    struct buf text;
    buf_init(&text, MAX_METRICS_BYTES);
    enum lstm_status status = http_client_ask(
        top->client, &(struct http_client_request){.path = "/metrics"}, &text, error);
    if (status == LSTM_OK)
        status = metrics_read(&text, &reading, error);
    buf_release(&text);
    if (status != LSTM_OK)
        return status;
    metrics_reading_release(&top->before);
    top->before = top->now;
    top->before_us = top->now_us;
    top->now = reading;
    top->now_us = monotonic_us();
    return LSTM_OK;
}

/* The page, or what is wrong. */
static void append_page(const struct top *top, size_t columns, const char *trouble, struct buf *out)
{
    const struct top_interval interval = {
        .before = &top->before,
        .now = &top->now,
        .seconds = fmax(1e-3, (double)(top->now_us - top->before_us) / 1e6)};
    buf_printf(out, "lstmd top  %.200s\n", top->config->server);
    if (trouble != NULL)
        buf_printf(out, "%s; trying again\n", trouble);
    else if (top->before_us == 0)
        buf_text(out, "looking ...\n");
    else
        top_view(&interval, columns, out);
}

/* As many lines as the screen has, each cleared to its end. */
static void draw(const struct top *top, const char *trouble)
{
    const struct terminal terminal = terminal_of(STDOUT_FILENO);
    struct buf page;
    buf_init(&page, MAX_PAGE_BYTES);
    append_page(top, terminal.columns, trouble, &page);
    fputs("\033[H", stdout);
    const char *line = page.data == NULL ? "" : page.data;
    for (size_t k = 0; k + 1 < terminal.lines && *line != '\0'; k++) {
        const size_t n = strcspn(line, "\n");
        printf("%.*s\033[K\r\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    print("\033[J");
    buf_release(&page);
}

/* Leaves the screen to the shell until it continues us. */
static void pause_screen(void)
{
    print(leave_screen);
    raise(SIGSTOP);
    print(enter_screen);
}

/* Waits until it is time to look again. Returns the signal to end with; 0: none. */
static int wait_interval(const struct top *top, bool is_screen, const char *trouble)
{
    const int64_t until_us = monotonic_us() + (int64_t)(top->config->interval * 1e6);
    for (int64_t left_us; (left_us = until_us - monotonic_us()) > 0;) {
        const struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};
        const int number = sigtimedwait(&top->signals, NULL, &left);
        if (number < 0) {
            if (errno == EAGAIN)
                break;
            continue;
        }
        if (number != SIGWINCH && number != SIGTSTP)
            return number;
        if (is_screen && number == SIGTSTP)
            pause_screen();
        if (is_screen)
            draw(top, trouble);
    }
    return 0;
}

/* The figures of one interval, as plain text. */
static enum lstm_status run_once(struct top *top, int *number, struct lstm_error *error)
{
    struct buf page;
    enum lstm_status status = look(top, error);
    if (status != LSTM_OK)
        return status;
    *number = wait_interval(top, false, NULL);
    if (*number != 0)
        return LSTM_OK;
    status = look(top, error);
    if (status != LSTM_OK)
        return status;
    buf_init(&page, MAX_PAGE_BYTES);
    append_page(top, terminal_of(STDOUT_FILENO).columns, NULL, &page);
    if (page.failed || fwrite(page.data, 1, page.n, stdout) != page.n || fflush(stdout) != 0)
        status = lstm_fail(error, LSTM_IO, "cannot write the figures");
    buf_release(&page);
    return status;
}

/* Until a signal ends it; a server that is gone is waited for. */
static int run_screen(struct top *top)
{
    struct lstm_error error;
    int number = 0;
    print(enter_screen);
    while (number == 0) {
        const char *const trouble = look(top, &error) == LSTM_OK ? NULL : error.text;
        draw(top, trouble);
        number = wait_interval(top, true, trouble);
    }
    print(leave_screen);
    return number;
}

static pthread_t waiting_thread;

/* On a thread that does not block the signal, as the one that waits does. */
static void hand_on(int number)
{
    const int saved = errno;
    pthread_kill(waiting_thread, number);
    errno = saved;
}

static void take_signals(struct top *top)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    struct sigaction action = {.sa_handler = hand_on, .sa_flags = SA_RESTART};
    waiting_thread = pthread_self();
    sigemptyset(&top->signals);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        sigaddset(&top->signals, numbers[k]);
    pthread_sigmask(SIG_BLOCK, &top->signals, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        sigaction(numbers[k], &action, NULL);
}

/* Ctrl-C is how one leaves the live screen: no failure. */
int cmd_top(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    (void)arguments;
    struct top top = {.config = config};
    struct lstm_error error;
    const bool is_screen = !top.config->once && terminal_of(STDOUT_FILENO).is_terminal;
    int number = 0;
    enum lstm_status status = http_client_create(top.config, &top.client, &error);
    take_signals(&top);
    if (status == LSTM_OK && is_screen)
        number = run_screen(&top);
    else if (status == LSTM_OK)
        status = run_once(&top, &number, &error);
    metrics_reading_release(&top.before);
    metrics_reading_release(&top.now);
    http_client_destroy(top.client);
    if (status != LSTM_OK) {
        fprintf(stderr, "lstmd: %s\n", error.text);
        return EXIT_FAILURE;
    }
    return number == 0 || (is_screen && number == SIGINT) ? EXIT_SUCCESS : SIGNAL_EXIT + number;
}
