/* http_header.h: whether a header leaves clear what follows, and room for it; private to http*.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd has one block of memory per connection: for the header as it came, for an entry
 * about each field, cookie and parameter, for the Cookie field a second time, for what it reads of
 * the body, and for our answer's header. All of it is cleared for each request, which is why it is
 * small: 16 KiB cost 5 % of the answers per second that 12 and 8 KiB give.
 *
 * The header takes what it needs first. Were nothing refused, a long one would leave a few bytes
 * for the body, so that each is a system call, or none for the answer to a request that was carried
 * out. */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/request.h"

enum { CONNECTION_BYTES = 12 * 1024 }; /* the block */

/* Whether exactly one length or coding says where the body ends. Where it does not, a proxy and the
 * library might disagree. */
bool header_is_framed(struct MHD_Connection *connection);

/* What a request takes of the block: its header, and its trailers once they have come. */
struct header_room {
    size_t came_bytes, entry_bytes;
};

struct header_room header_room(struct MHD_Connection *connection);

/* Whether enough is left for every answer's header. */
bool header_leaves_answer(const struct header_room *room);

/* Whether enough is left to read a body of `length` bytes (SIZE_MAX: unknown) into. */
bool header_leaves_body(const struct header_room *room, size_t length);

/* Whether what is left may not even do for a refusal, so that the library could not send it. */
bool header_leaves_nothing(const struct header_room *room);

/* Words the 431 of a header that does not leave the one or the other. */
void header_refuse(struct request *request, const struct header_room *room);

/* Sends a 431 on the socket itself. It is lost if the socket is full. */
void header_send_refusal(int fd);

#endif
