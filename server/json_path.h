/* json_path.h: tells where in a JSON text a byte is. SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_PATH_H
#define JSON_PATH_H

#include <stddef.h>

enum { JSON_PATH_BYTES = 112, JSON_KEY_BYTES = 40 };

/* Writes the path of the value that text[offset] belongs to, "instances[3].input[0]", or "the body"
 * outside of all arrays and objects. Goes through the text from its start, so it is for messages
 * only. The text is hostile: keys are cut and made printable, a long path is cut. */
void json_path_write(const char *text, size_t offset, char path[JSON_PATH_BYTES]);

/* Writes a key for a message: cut with "..." and made printable. */
void json_path_key(const char *key, size_t key_bytes, char text[JSON_KEY_BYTES]);

#endif
