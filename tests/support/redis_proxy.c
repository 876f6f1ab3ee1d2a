/* redis_proxy.c: one thread, a pair of sockets per connection. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/redis_proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_PAIRS = 64, POLL_MS = 20, ROOM = 65536 };

struct pair {
    int client, server; /* client < 0: free */
};

struct redis_proxy {
    pthread_t thread;
    int listener;
    uint16_t to;
    atomic_bool is_stopping;
    atomic_int n_lost;
    char word[32]; /* set before n_lost */
    struct pair pairs[MOST_PAIRS];
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void close_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    pair->client = -1;
}

static void take(struct redis_proxy *proxy)
{
    struct sockaddr_in address = loopback(proxy->to);
    const int client = accept(proxy->listener, NULL, NULL);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t i = 0;
    while (i < MOST_PAIRS && proxy->pairs[i].client >= 0)
        i++;
    if (i < MOST_PAIRS && connect(server, (struct sockaddr *)&address, sizeof address) == 0) {
        proxy->pairs[i] = (struct pair){client, server};
        return;
    }
    close(client);
    close(server);
}

/* Commands of these tests come whole. */
static void pass(struct redis_proxy *proxy, struct pair *pair, bool is_command)
{
    static char data[ROOM];
    const ssize_t n = recv(is_command ? pair->client : pair->server, data, sizeof data, 0);
    if (n <= 0 ||
        send(is_command ? pair->server : pair->client, data, (size_t)n, MSG_NOSIGNAL) != n) {
        close_pair(pair);
        return;
    }
    if (!is_command || atomic_load(&proxy->n_lost) == 0 ||
        memmem(data, (size_t)n, proxy->word, strlen(proxy->word)) == NULL)
        return;
    const ssize_t answered = recv(pair->server, data, sizeof data, 0);
    (void)answered; /* it is done, whatever it says */
    atomic_fetch_sub(&proxy->n_lost, 1);
    close_pair(pair);
}

static void *run(void *argument)
{
    struct redis_proxy *proxy = argument;
    while (!atomic_load(&proxy->is_stopping)) {
        struct pollfd waiting[1 + 2 * MOST_PAIRS] = {{.fd = proxy->listener, .events = POLLIN}};
        for (size_t i = 0; i < MOST_PAIRS; i++) {
            const struct pair *pair = &proxy->pairs[i];
            const bool is_used = pair->client >= 0;
            waiting[1 + 2 * i] = (struct pollfd){is_used ? pair->client : -1, POLLIN, 0};
            waiting[2 + 2 * i] = (struct pollfd){is_used ? pair->server : -1, POLLIN, 0};
        }
        if (poll(waiting, 1 + 2 * MOST_PAIRS, POLL_MS) <= 0)
            continue;
        for (size_t i = 0; i < MOST_PAIRS; i++) {
            if (waiting[1 + 2 * i].revents != 0)
                pass(proxy, &proxy->pairs[i], true);
            if (proxy->pairs[i].client >= 0 && waiting[2 + 2 * i].revents != 0)
                pass(proxy, &proxy->pairs[i], false);
        }
        if (waiting[0].revents != 0)
            take(proxy);
    }
    return NULL;
}

struct redis_proxy *redis_proxy_start(uint16_t to, char url[64])
{
    struct sockaddr_in address = loopback(0);
    socklen_t n = sizeof address;
    struct redis_proxy *proxy = calloc(1, sizeof *proxy);
    ck_assert_ptr_nonnull(proxy);
    proxy->to = to;
    for (size_t i = 0; i < MOST_PAIRS; i++)
        proxy->pairs[i].client = -1;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(proxy->listener, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(listen(proxy->listener, MOST_PAIRS), 0);
    ck_assert_int_eq(getsockname(proxy->listener, (struct sockaddr *)&address, &n), 0);
    snprintf(url, 64, "redis://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

void redis_proxy_stop(struct redis_proxy *proxy)
{
    atomic_store(&proxy->is_stopping, true);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < MOST_PAIRS; i++)
        if (proxy->pairs[i].client >= 0)
            close_pair(&proxy->pairs[i]);
    close(proxy->listener);
    free(proxy);
}

void redis_proxy_lose(struct redis_proxy *proxy, const char *word, int n)
{
    snprintf(proxy->word, sizeof proxy->word, "$%zu\r\n%s\r\n", strlen(word), word);
    atomic_store(&proxy->n_lost, n);
}

int redis_proxy_left(struct redis_proxy *proxy)
{
    return atomic_load(&proxy->n_lost);
}
