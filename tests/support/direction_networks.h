/* direction_networks.h: networks that read backwards, skip steps or pool them, for tests of the
 * runner and of the trainer. SPDX-License-Identifier: Apache-2.0 */
#ifndef DIRECTION_NETWORKS_H
#define DIRECTION_NETWORKS_H

#include "tests/support/reference.h"

enum { N_DIRECTION_NETWORKS = 35 };

/* To be copied, then given to reference_init(). */
extern const struct reference_network direction_networks[N_DIRECTION_NETWORKS];

#endif
