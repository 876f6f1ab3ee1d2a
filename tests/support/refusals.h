/* refusals.h: requests that a daemon is to refuse, and how it says so.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REFUSALS_H
#define REFUSALS_H

#include "tests/support/client.h"

/* Asserts that the answer has the status and the body {"error": "..."} with these words in it, as
 * they are in JSON text. `what` was refused. */
void assert_refused(const char *what, const struct client_answer *answer, int status,
                    const char *words);

/* Posts every body of tests/data/bad_predict to the path, and asserts of each what its line of
 * cases.txt says: "<file>  <status>  <words>". */
void assert_bad_bodies_refused(struct client *client, const char *path);

#endif
