/* bench_sessions.c: how sessions of a served model step: many at once against one alone, and one
 * among many that live against one among few. SPDX-License-Identifier: Apache-2.0
 *
 *     bench_sessions PORT [MODEL] [LIVE]     a daemon on 127.0.0.1 that has no sessions yet and
 *                                            may have LIVE (100000) of them; MODEL (mnist) has 28
 *                                            features
 *
 * Both pairs are measured in turns, several times, for machines are noisy; what is printed are the
 * medians and their ratios. One thread, plain sockets, so that the client costs little. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 64, FEW = 10, FEATURES = 28, N_TURNS = 9, N_ROUNDS = 300, N_STEPS = 2000 };

static const char *model = "mnist";
static int sockets[MANY];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_sessions: %s\n", what);
    exit(EXIT_FAILURE);
}

static int connect_to(unsigned long port)
{
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void send_post(int fd, const char *path, const char *body)
{
    char text[1024];
    const int n = snprintf(text, sizeof text,
                           "POST /v1/models/%s/%s HTTP/1.1\r\nHost: x\r\nContent-Type: "
                           "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           model, path, strlen(body), body);
    if (n < 0 || (size_t)n >= sizeof text || write(fd, text, (size_t)n) != n)
        fail("cannot send");
}

/* Takes one whole answer, which is expected to be a success. */
static void receive(int fd)
{
    char text[4096];
    size_t n = 0, wanted = sizeof text - 1;
    while (n < wanted) {
        const ssize_t more = read(fd, text + n, sizeof text - 1 - n);
        if (more <= 0)
            fail("the connection ended");
        n += (size_t)more;
        text[n] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (end != NULL && length != NULL)
            wanted = (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
    }
    if (strncmp(text, "HTTP/1.1 20", 11) != 0)
        fail(text);
}

/* Begins sessions "from" to "to" - 1. */
static void begin(size_t from, size_t to)
{
    char body[64];
    for (size_t i = from; i < to; i += MANY) {
        const size_t n = to - i < MANY ? to - i : MANY;
        for (size_t k = 0; k < n; k++) {
            snprintf(body, sizeof body, "{\"id\":\"bench-%zu\"}", i + k);
            send_post(sockets[k], "sessions", body);
        }
        for (size_t k = 0; k < n; k++)
            receive(sockets[k]);
    }
}

static void send_step(int fd, size_t session)
{
    static char body[FEATURES * 4 + 64];
    char path[64];
    if (body[0] == '\0') {
        int n = snprintf(body, sizeof body, "{\"instances\":[[[");
        for (int k = 0; k < FEATURES; k++)
            n += snprintf(body + n, sizeof body - (size_t)n, "%s0.5", k > 0 ? "," : "");
        snprintf(body + n, sizeof body - (size_t)n, "]]]}");
    }
    snprintf(path, sizeof path, "sessions/bench-%zu:predict", session);
    send_post(fd, path, body);
}

/* Steps a second of n sessions, each of which sends its next step when it has the answer to the
 * last one. */
static double measure_throughput(size_t n)
{
    struct pollfd fds[MANY];
    size_t n_sent = 0, n_received = 0, n_steps = n * N_ROUNDS;
    const double begun = now_s();
    for (size_t k = 0; k < n; k++) {
        fds[k] = (struct pollfd){.fd = sockets[k], .events = POLLIN};
        send_step(sockets[k], k);
        n_sent++;
    }
    while (n_received < n_steps) {
        if (poll(fds, n, -1) < 0)
            fail("cannot wait");
        for (size_t k = 0; k < n; k++) {
            if (fds[k].revents == 0)
                continue;
            receive(sockets[k]);
            n_received++;
            if (n_sent < n_steps) {
                send_step(sockets[k], k);
                n_sent++;
            }
        }
    }
    return (double)n_steps / (now_s() - begun);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

/* Median seconds of a step of one of n sessions, taken in an order that jumps about. */
static double measure_step(size_t n)
{
    static double seconds[N_STEPS];
    for (size_t i = 0; i < N_STEPS; i++) {
        const double begun = now_s();
        send_step(sockets[0], i * 7919 % n);
        receive(sockets[0]);
        seconds[i] = now_s() - begun;
    }
    return median(seconds, N_STEPS);
}

int main(int n_arguments, char **arguments)
{
    double one[N_TURNS], many[N_TURNS], few_live[N_TURNS], many_live[N_TURNS];
    if (n_arguments < 2)
        fail("usage: bench_sessions PORT [MODEL] [LIVE]");
    if (n_arguments > 2)
        model = arguments[2];
    const size_t live = n_arguments > 3 ? strtoul(arguments[3], NULL, 10) : 100000;
    for (size_t k = 0; k < MANY; k++)
        sockets[k] = connect_to(strtoul(arguments[1], NULL, 10));
    begin(0, MANY);
    for (size_t turn = 0; turn < N_TURNS; turn++) {
        one[turn] = measure_throughput(1);
        many[turn] = measure_throughput(MANY);
    }
    for (size_t turn = 0; turn < N_TURNS; turn++)
        few_live[turn] = measure_step(FEW);
    const double begun = now_s();
    begin(MANY, live);
    const double begin_s = (now_s() - begun) / (double)(live - MANY);
    for (size_t turn = 0; turn < N_TURNS; turn++)
        many_live[turn] = measure_step(live);
    const double a = median(one, N_TURNS), b = median(many, N_TURNS);
    const double c = median(few_live, N_TURNS), d = median(many_live, N_TURNS);
    printf("steps a second: one session %.0f, %d sessions at once %.0f: %.2f times\n", a, MANY, b,
           b / a);
    printf("median step: of %d sessions %.1f us, of %zu live %.1f us: %.2f times\n", FEW, c * 1e6,
           live, d * 1e6, d / c);
    printf("begin: %.1f us each\n", begin_s * 1e6);
    return EXIT_SUCCESS;
}
