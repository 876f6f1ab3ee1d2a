/* patience.h: how long a test waits for what must come. SPDX-License-Identifier: Apache-2.0
 *
 * On any machine, however slow and busy, that is long enough; only a test that fails waits so long.
 * Less than what run_tests.c gives a whole test. */
#ifndef PATIENCE_H
#define PATIENCE_H

enum { PATIENCE_MS = 120000, PATIENCE_US = 1000 * PATIENCE_MS };

#endif
