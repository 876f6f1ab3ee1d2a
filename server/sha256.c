/* sha256.c: the one file that knows GnuTLS's hashes. SPDX-License-Identifier: Apache-2.0 */
#include "server/sha256.h"

#include <gnutls/crypto.h>

bool sha256_digest(const void *data, size_t n, uint8_t digest[SHA256_BYTES])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, data, n, digest) == 0;
}

bool sha256_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
    return gnutls_memcmp(a, b, SHA256_BYTES) == 0;
}
