/* random.h: draws that only the core needs. SPDX-License-Identifier: Apache-2.0 */
#ifndef RANDOM_H
#define RANDOM_H

#include "core/lstm.h"

/* TensorFlow's truncated_normal, of deviation 1: a normal draw, made again while it is 2 or more
 * away from 0. */
double random_truncated_normal(struct lstm_random *random);

#endif
