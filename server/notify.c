/* notify.c: sends the datagram. SPDX-License-Identifier: Apache-2.0 */
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/log.h"

/* systemd orders a reload by the time at which it began. */
static void write_notice(enum notice notice, char *text, size_t text_bytes)
{
    switch (notice) {
    case NOTICE_READY:
        snprintf(text, text_bytes, "READY=1");
        break;
    case NOTICE_RELOADING:
        snprintf(text, text_bytes, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us());
        break;
    case NOTICE_STOPPING:
        snprintf(text, text_bytes, "STOPPING=1");
        break;
    }
}

/* False: `name` is none that a socket can have. An abstract name begins with a NUL and has none
 * behind it: its length counts. */
static bool read_name(const char *name, struct sockaddr_un *address, socklen_t *n)
{
    const size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address->sun_path)
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    *n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
    return true;
}

enum lstm_status notify_send(enum notice notice, struct lstm_error *error)
{
    const char *const name = getenv("NOTIFY_SOCKET");
    char text[64];
    struct sockaddr_un address;
    socklen_t n;
    if (name == NULL || *name == '\0')
        return LSTM_OK;
    if (!read_name(name, &address, &n))
        return lstm_fail(error, LSTM_IO, "NOTIFY_SOCKET: no name of a socket: \"%.60s\"", name);
    write_notice(notice, text, sizeof text);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool sent = fd >= 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                                        (const struct sockaddr *)&address, n) >= 0;
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    if (!sent)
        return lstm_fail(error, LSTM_IO, "cannot notify %s: %s", name, strerror(reason));
    return LSTM_OK;
}

void notify_try(enum notice notice)
{
    struct lstm_error error;
    if (notify_send(notice, &error) != LSTM_OK)
        log_warn("notify_failed", L_STR("error", error.text));
}
