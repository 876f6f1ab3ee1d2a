/* sha256.h: SHA-256, and comparing secrets. SPDX-License-Identifier: Apache-2.0 */
#ifndef SHA256_H
#define SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

/* False: the library refuses. */
bool sha256_digest(const void *data, size_t n, uint8_t digest[SHA256_BYTES]);

/* In a time that does not depend on where they differ. */
bool sha256_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES]);

#endif
