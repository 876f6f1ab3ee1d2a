/* http_header.c: counts as libmicrohttpd does. SPDX-License-Identifier: Apache-2.0 */
#include "server/http_header.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    ENTRY_BYTES = 64,              /* about a field, cookie or parameter */
    ALIGNMENT = 16,                /* of what is copied */
    GROWTH = 128,                  /* steps in which a full buffer grows */
    BUFFER = CONNECTION_BYTES / 2, /* into which the header comes, before it grows */
    ANSWER = 1536,                 /* no answer's header is longer */
    REFUSAL = 1024,                /* nor a refusal's */
    MOST = CONNECTION_BYTES - ANSWER,
    LONG_BODY = 256 * 1024, /* a shorter one may be read byte by byte, which takes half a second */
    BEFORE_LONG_BODY = BUFFER - 512
};

/* Counts what says where the body ends, and what a proxy may read differently as twice. */
static enum MHD_Result count_framing(void *count, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    (void)kind;
    const bool is_encoding = strcasecmp(name, "Transfer-Encoding") == 0;
    if (is_encoding || strcasecmp(name, "Content-Length") == 0)
        ++*(int *)count;
    if ((is_encoding && strcasecmp(value, "chunked") != 0) || strpbrk(name, " \t") != NULL)
        *(int *)count += 2;
    return MHD_YES;
}

/* The library takes the first of several lengths, waits for ever for codings that it does not know
 * and ignores "Content-Length : 5". Behind a proxy that does otherwise, a body could pass as the
 * next client's request. */
bool header_is_framed(struct MHD_Connection *connection)
{
    int count = 0;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_framing, &count);
    return count <= 1;
}

static enum MHD_Result count_entry(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct header_room *room = context;
    room->entry_bytes += ENTRY_BYTES;
    if (kind == MHD_FOOTER_KIND)
        room->came_bytes += strlen(name) + strlen(value) + strlen(": \r\n");
    else if (kind == MHD_HEADER_KIND && strcasecmp(name, "Cookie") == 0)
        room->entry_bytes += strlen(value) + ALIGNMENT;
    return MHD_YES;
}

struct header_room header_room(struct MHD_Connection *connection)
{
    const enum MHD_ValueKind all =
        MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND | MHD_FOOTER_KIND;
    struct header_room room = {
        .came_bytes = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                          ->header_size};
    MHD_get_connection_values(connection, all, count_entry, &room);
    return room;
}

/* The rest of the buffer may be full of what the client sent next. */
bool header_leaves_answer(const struct header_room *room)
{
    const size_t came = room->came_bytes + GROWTH;
    return (came < BUFFER ? BUFFER : came) + room->entry_bytes <= MOST;
}

bool header_leaves_body(const struct header_room *room, size_t length)
{
    return length <= LONG_BODY || room->came_bytes <= BEFORE_LONG_BODY;
}

bool header_leaves_nothing(const struct header_room *room)
{
    return room->came_bytes + GROWTH + room->entry_bytes > CONNECTION_BYTES - REFUSAL;
}

void header_refuse(struct request *request, const struct header_room *room)
{
    request->response.closes = true;
    if (header_leaves_answer(room))
        respond_error(request, 431,
                      "the header has %zu bytes; at most %d where more than %d of a body follow, "
                      "or nobody knows how many",
                      room->came_bytes, BEFORE_LONG_BODY, LONG_BODY);
    else
        respond_error(request, 431,
                      "the header takes %zu bytes, which count as %d at least, and %zu for its "
                      "fields, cookies and parameters (%d each, and Cookie again); together at "
                      "most %d",
                      room->came_bytes, BUFFER, room->entry_bytes, ENTRY_BYTES, MOST);
}

void header_send_refusal(int fd)
{
    static const char text[] =
        "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        "Content-Type: application/json\r\n"
        "Connection: close\r\n"
        "Content-Length: 73\r\n"
        "\r\n"
        "{\"error\":\"the header, with 64 bytes for each field, takes almost 12 KiB\"}";
    (void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
