/* raw_client.c: sockets, and as much of HTTP as reading an answer takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/http_head.h"
#include "tests/support/patience.h"

void raw_client_connect(struct raw_client *client, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->n = 0;
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(client->fd, 0);
    ck_assert_int_eq(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void raw_client_send(struct raw_client *client, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(client->fd, bytes, n, MSG_NOSIGNAL);
        ck_assert_int_gt(sent, 0);
        bytes += sent;
        n -= (size_t)sent;
    }
}

void raw_client_send_text(struct raw_client *client, const char *text)
{
    raw_client_send(client, text, strlen(text));
}

/* Receives more bytes; false: the server has closed the connection. */
static bool receive_some(struct raw_client *client)
{
    struct pollfd waiting = {.fd = client->fd, .events = POLLIN};
    ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "no answer within %d ms", PATIENCE_MS);
    size_t room = sizeof client->received - 1 - client->n;
    ck_assert_uint_gt(room, 0);
    ssize_t n = recv(client->fd, client->received + client->n, room, 0);
    if (n <= 0)
        return false;
    client->n += (size_t)n;
    client->received[client->n] = '\0';
    return true;
}

static void take(struct raw_client *client, char *out, size_t n)
{
    while (client->n < n)
        ck_assert_msg(receive_some(client), "connection closed within an answer");
    memcpy(out, client->received, n);
    out[n] = '\0';
    client->n -= n;
    memmove(client->received, client->received + n, client->n + 1);
}

static void take_head(struct raw_client *client, struct raw_answer *answer)
{
    const char *end;
    client->received[client->n] = '\0';
    while ((end = strstr(client->received, "\r\n\r\n")) == NULL)
        ck_assert_msg(receive_some(client), "connection closed before an answer");
    size_t n = (size_t)(end - client->received) + 4;
    ck_assert_uint_lt(n, sizeof answer->head);
    take(client, answer->head, n);
}

void raw_client_receive(struct raw_client *client, struct raw_answer *answer, bool to_head)
{
    take_head(client, answer);
    ck_assert_int_eq(sscanf(answer->head, "HTTP/1.1 %d ", &answer->status), 1);
    const char *length = raw_answer_field(answer, "Content-Length");
    answer->body_bytes = length != NULL && !to_head ? strtoul(length, NULL, 10) : 0;
    ck_assert_uint_lt(answer->body_bytes, sizeof answer->body);
    take(client, answer->body, answer->body_bytes);
}

void raw_client_ask(struct raw_client *client, const char *text, struct raw_answer *answer)
{
    raw_client_send_text(client, text);
    raw_client_receive(client, answer, false);
}

bool raw_client_is_closed(struct raw_client *client)
{
    return client->n == 0 && !receive_some(client);
}

void raw_client_close(struct raw_client *client)
{
    ck_assert_int_eq(close(client->fd), 0);
}

const char *raw_answer_field(const struct raw_answer *answer, const char *name)
{
    return http_head_field(answer->head, name);
}
