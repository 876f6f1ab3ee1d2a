/* redis_proxy.h: stands between a daemon and Redis, and lets answers get lost.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_PROXY_H
#define REDIS_PROXY_H

#include <stdint.h>

struct redis_proxy;

/* Passes connections on to the port; *url is "redis://127.0.0.1:PORT" of the proxy. new. */
struct redis_proxy *redis_proxy_start(uint16_t to, char url[64]);
void redis_proxy_stop(struct redis_proxy *proxy);

/* The next n commands with this word for an argument reach Redis, which does what they say, but the
 * connection ends instead of the answer. */
void redis_proxy_lose(struct redis_proxy *proxy, const char *word, int n);

/* How many are still to be lost. */
int redis_proxy_left(struct redis_proxy *proxy);

#endif
