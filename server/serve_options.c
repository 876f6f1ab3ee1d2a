/* serve_options.c: the options of `lstmd serve`. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "server/commands.h"
#include "server/serve_config.h"

/* In the order of enum log_level and enum log_format. */
static const char *const level_names[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const format_names[] = {"logfmt", "json", NULL};

static const char *const full_names[] = {"refuse", "evict", NULL};

static const char *const on_names[] = {"off", "on", NULL};

/* In the order of enum train_sync. */
static const char *const sync_names[] = {"always", "interval", "never", NULL};

#define FIELD(name) offsetof(struct serve_config, name)

const struct option serve_options[] = {
    {"api-keys", OPTION_TEXT, FIELD(api_keys), .value = "FILE",
     .help =
         "who may use the server: lines of <scope,...> sha256:<digest> [name]; none: everybody"},
    {"batch-delay-us", OPTION_INTEGER, FIELD(batch_delay_us), "0", 0, 6e7, .value = "N",
     .help = "microseconds that a batch which is not full waits for more requests"},
    {"body-timeout-seconds", OPTION_INTEGER, FIELD(body_timeout_s), "60", 1, 86400, .value = "N",
     .help = "seconds that a request's body, and then its answer, may take on the way"},
    {"busy-poll-us", OPTION_INTEGER, FIELD(busy_poll_us), "100", 0, 10000, .value = "N",
     .help = "microseconds that a thread looks for the next request of a client that is alone and "
             "answers fast, before it sleeps; 0: it sleeps at once"},
    {"cors-origins", OPTION_TEXT, FIELD(cors_origins), .value = "LIST",
     .help = "sites whose pages may call the server, and under whose names a proxy may serve it: "
             "https://a.example,https://b.example or *"},
    {"drain-seconds", OPTION_INTEGER, FIELD(drain_seconds), "30", 0, 3600, .value = "N",
     .help = "seconds that requests in flight may take to finish after SIGTERM"},
    {"header-timeout-seconds", OPTION_INTEGER, FIELD(header_timeout_s), "10", 1, 86400,
     .value = "N", .help = "seconds that a request's header may take to arrive"},
    {"host", OPTION_TEXT, FIELD(host), "127.0.0.1", .value = "ADDRESS",
     .help = "address to listen on; 0.0.0.0 or :: for all"},
    {"idle-timeout-seconds", OPTION_INTEGER, FIELD(idle_timeout_s), "60", 1, 86400, .value = "N",
     .help = "seconds after which a connection without traffic is closed"},
    {"io-threads", OPTION_INTEGER, FIELD(io_threads), "0", 0, 256, .value = "N",
     .help = "threads that read and write requests; 0: one per core it may use"},
    {"log-format", OPTION_CHOICE, FIELD(log_format), "logfmt", .choices = format_names,
     .value = "FORMAT", .help = "form of the log lines on stderr"},
    {"log-level", OPTION_CHOICE, FIELD(log_level), "info", .choices = level_names, .value = "LEVEL",
     .help = "least important events to log; info has a line per request"},
    {"max-batch", OPTION_INTEGER, FIELD(max_batch), "256", 1, 65536, .value = "N",
     .help = "most sequences of one batch"},
    {"max-body-bytes", OPTION_INTEGER, FIELD(max_body_bytes), "16777216", 1024, 4294967296.0,
     .value = "N", .help = "longest request body; a longer one answers 413"},
    {"max-connections", OPTION_INTEGER, FIELD(max_connections), "4096", 1, 1000000, .value = "N",
     .help = "most connections open at once"},
    {"max-connections-per-address", OPTION_INTEGER, FIELD(max_connections_per_address), "0", 0,
     1000000, .value = "N", .help = "most connections of one client address; 0: any number"},
    {"max-instances", OPTION_INTEGER, FIELD(max_instances), "4096", 1, 1000000, .value = "N",
     .help = "most instances of one request"},
    {"max-queue", OPTION_INTEGER, FIELD(max_queue), "1024", 1, 10000000, .value = "N",
     .help = "most sequences that wait for a model; beyond it requests answer 503"},
    {"max-sessions", OPTION_INTEGER, FIELD(max_sessions), "100000", 0, 100000000, .value = "N",
     .help = "most sessions that live at once"},
    {"max-steps", OPTION_INTEGER, FIELD(max_steps), "1000000", 1, 16777216, .value = "N",
     .help = "most time steps of one instance"},
    {"max-training-bytes", OPTION_INTEGER, FIELD(max_training_bytes), "268435456", 1024,
     1099511627776.0, .value = "N",
     .help = "most memory of the train-steps and evaluations that wait; beyond it they answer 503"},
    {"max-work-bytes", OPTION_INTEGER, FIELD(max_work_bytes), "268435456", 1048576, 1099511627776.0,
     .value = "N",
     .help = "most memory that one request's outputs and answer, or one train-step's activations, "
             "may take; one that needs more answers 400"},
    {"model", OPTION_LIST, FIELD(sources), .value = "SPEC",
     .help = "NAME=PATH: serve this file of another program, or this model's folder, as version 1 "
             "of NAME, converted in memory; may be repeated"},
    {"model-poll-seconds", OPTION_INTEGER, FIELD(model_poll_seconds), "1", 0, 86400, .value = "N",
     .help = "seconds between looks for new versions; 0: only at the start, on SIGHUP and :load"},
    {"models", OPTION_TEXT, FIELD(models), "models", .value = "DIR",
     .help = "model repository: a folder of <name>/<version>/"},
    {"parallel-iterations", OPTION_INTEGER, FIELD(parallel_iterations), "32", 1, 4096, .value = "N",
     .help = "time steps whose input products are computed at once"},
    {"port", OPTION_INTEGER, FIELD(port), "8501", 0, 65535, .value = "N",
     .help = "port to listen on; 0: any free one, which the ready line tells"},
    {"request-timeout-ms", OPTION_INTEGER, FIELD(request_timeout_ms), "30000", 0, 3600000,
     .value = "N",
     .help = "milliseconds after which a request that names no X-Request-Timeout-Ms answers 504; "
             "0: never"},
    {"sandbox", OPTION_CHOICE, FIELD(sandbox), "on", .choices = on_names, .value = "ON",
     .help = "whether the kernel refuses the server what it never does: other programs, other "
             "kinds of sockets, most system calls"},
    {"session-file", OPTION_TEXT, FIELD(session_file), .value = "FILE",
     .help = "where sessions are kept over a restart; none: they end with the server"},
    {"session-file-seconds", OPTION_INTEGER, FIELD(session_file_seconds), "60", 0, 86400,
     .value = "N", .help = "seconds between writes of the session file; 0: only at the end"},
    {"session-full", OPTION_CHOICE, FIELD(session_full), "refuse", .choices = full_names,
     .value = "WHAT",
     .help = "with --max-sessions alive, refuse a new one, or evict the one idle longest"},
    {"session-store", OPTION_TEXT, FIELD(session_store), "memory", .value = "STORE",
     .help = "where sessions are: memory, or redis://[user:password@]host[:port][/database], a "
             "Redis server (5 or newer) that several lstmd share, so that any of them takes the "
             "next piece",
     .hides_password = true},
    {"session-store-connections", OPTION_INTEGER, FIELD(session_store_connections), "8", 1, 256,
     .value = "N", .help = "connections to Redis, each with a thread that waits for it"},
    {"session-store-timeout-ms", OPTION_INTEGER, FIELD(session_store_timeout_ms), "1000", 10, 60000,
     .value = "N", .help = "milliseconds that Redis may take to answer"},
    {"session-ttl-seconds", OPTION_INTEGER, FIELD(session_ttl_s), "600", 0, 31536000, .value = "N",
     .help = "seconds without a piece or a change after which a session ends; 0: never"},
    {"state-dir", OPTION_TEXT, FIELD(state_dir), .value = "DIR",
     .help =
         "folder for what models learn while they serve; none: it is lost when the server ends"},
    {"tls-cert", OPTION_TEXT, FIELD(tls_cert), .value = "FILE",
     .help = "certificate chain in PEM, which makes the server speak HTTPS; needs --tls-key"},
    {"tls-key", OPTION_TEXT, FIELD(tls_key), .value = "FILE",
     .help = "private key of the certificate, in PEM"},
    {"train-sync", OPTION_CHOICE, FIELD(train_sync), "always", .choices = sync_names,
     .value = "WHEN",
     .help =
         "with --state-dir, a train-step is on disk before its answer, within a second, or only "
         "after a stop by SIGTERM"},
    {"training", OPTION_CHOICE, FIELD(training), "on", .choices = on_names, .value = "ON",
     .help = "whether models may be trained while they serve"},
    {"user", OPTION_TEXT, FIELD(user), .value = "NAME",
     .help = "user to become when started as root, after listening and reading keys"},
    {"workers", OPTION_INTEGER, FIELD(workers), "0", 0, 256, .value = "N",
     .help = "threads that compute batches; 0: one per core it may use"},
    {0}};
