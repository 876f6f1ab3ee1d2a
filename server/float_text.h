/* float_text.h: the shortest decimal that reads back to the same float32.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOAT_TEXT_H
#define FLOAT_TEXT_H

#include <stddef.h>

enum { FLOAT_TEXT_MAX = 16 };

/* Writes value (finite) to text without a NUL and returns the number of characters, at most
 * FLOAT_TEXT_MAX. Always a JSON number with a '.' or an exponent: "0.1", "1.0", "1e-07". Reading it
 * as float32 directly, or as a double that is then rounded, gives the same bits. */
size_t float_text(float value, char text[FLOAT_TEXT_MAX]);

#endif
