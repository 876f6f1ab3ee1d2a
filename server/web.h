/* web.h: the demo page's files, which are part of the program. SPDX-License-Identifier: Apache-2.0
 *
 * The table is generated at build time (web_embed.sh) from clients/web and the client that the page
 * uses, clients/javascript/lstmd.js. A request can name a row of it and nothing else: no file is
 * opened. */
#ifndef WEB_H
#define WEB_H

#include <stddef.h>

struct web_file {
    const char *name; /* "main.js" */
    const char *etag; /* of the contents, in quotes */
    const unsigned char *data;
    size_t size;
};
extern const struct web_file web_files[]; /* ended by a row without a name */

/* NULL: there is none. */
const struct web_file *web_find(const char *name);

/* The media type that the name's ending stands for; NULL: an ending that the page does not use. */
const char *web_content_type(const char *name);

#endif
