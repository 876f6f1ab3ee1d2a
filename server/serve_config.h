/* serve_config.h: what the options of `lstmd serve` fill. SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVE_CONFIG_H
#define SERVE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "server/options.h"

struct serve_config {
    struct option_list sources; /* NAME=PATH */
    const char *models, *host;
    int64_t port, workers, io_threads, busy_poll_us, model_poll_seconds;
    int64_t max_batch, max_queue, batch_delay_us, parallel_iterations;
    int64_t max_body_bytes, max_connections, max_instances, max_steps, max_work_bytes;
    int64_t idle_timeout_s, drain_seconds;
    const char *api_keys, *cors_origins, *tls_cert, *tls_key, *user; /* NULL: not given */
    int64_t header_timeout_s, body_timeout_s, request_timeout_ms, max_connections_per_address;
    int log_level, log_format;
    int64_t max_sessions, session_ttl_s;
    int session_full;
    const char *state_dir; /* NULL: not given */
    int sandbox, training, train_sync;
    int64_t max_training_bytes;
    const char *session_file;  /* NULL: not given */
    const char *session_store; /* "memory", or redis://... */
    int64_t session_store_connections, session_store_timeout_ms;
    int64_t session_file_seconds;
};

#endif
