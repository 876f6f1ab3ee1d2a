/* http_head.h: the header of an answer. SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

/* The value of the first field of that name in a status line and fields, whose lines end with CR
 * and LF; NULL: there is none. Valid until the next call. */
const char *http_head_field(const char *head, const char *name);

#endif
