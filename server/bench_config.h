/* bench_config.h: what the options of `lstmd bench` fill. SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CONFIG_H
#define BENCH_CONFIG_H

#include <stdint.h>

struct bench_config {
    const char *models, *model;
    int64_t threads, batch, steps, parallel_iterations;
};

#endif
