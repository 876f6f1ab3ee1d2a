/* sanitizers.h: whether this is a build for AddressSanitizer or ThreadSanitizer, of gcc or clang.
 * SPDX-License-Identifier: Apache-2.0
 *
 * They need system calls and memory of their own, which the sandbox and the tests of memory must
 * know. */
#ifndef SANITIZERS_H
#define SANITIZERS_H

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = true };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif
#else
enum { IS_SANITIZED = false };
#endif

#endif
