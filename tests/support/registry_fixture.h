/* registry_fixture.h: a registry of an empty folder, and questions to it about a model "m".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_FIXTURE_H
#define REGISTRY_FIXTURE_H

#include "server/registry.h"
#include "tests/support/temp_folder.h"

extern struct temp_folder folder;
extern struct registry *registry;

/* A checked fixture; with the batcher of batcher_fixture.h. */
void registry_fixture_start(void);
void registry_fixture_stop(void);

/* Scans, which is expected to go well. */
void scan(void);

/* The parts of a path of "m"; version and label may be "". */
struct path_parts parts_of(const char *version, const char *label);

/* The number of the version of "m" that serves who asks so; 0 if none does. */
uint64_t find_number(const char *version, const char *label);
uint64_t find_served(const char *version);

/* That none does, and why. */
void assert_unserved(const char *version, const char *label, const char *why);

/* What the routes of status and list answer. */
#define STATUS(number, state, code, message)                                                       \
    "{\"version\":\"" number "\",\"state\":\"" state "\",\"status\":{\"error_code\":\"" code       \
    "\",\"error_message\":\"" message "\"}}"
void assert_status(const char *version, const char *expected);
void assert_list(const char *expected);

/* Writes models.json. */
void write_policies(const char *text);

/* Versions of "m" that failed to load, every try counted. */
double count_failures(void);
/* Versions of "m" that can serve, as the metrics tell. */
double count_loaded(void);

#endif
