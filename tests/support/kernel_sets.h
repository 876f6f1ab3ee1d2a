/* kernel_sets.h: a loop over the sets of kernels that this CPU runs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_SETS_H
#define KERNEL_SETS_H

#include "core/kernels.h"

/* FOR_EACH_SET(kernels) { ... kernels->isa ... } */
#define FOR_EACH_SET(kernels)                                                                      \
    for (const struct kernels *const *set_ = kernels_all, *kernels; (kernels = *set_) != NULL;     \
         set_++)                                                                                   \
        if (kernels_supported(kernels))

#endif
