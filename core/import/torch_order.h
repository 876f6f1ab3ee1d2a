/* torch_order.h: the order in which the modules of a state_dict run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A state_dict does not say it. In a pickle modules come as they were defined, which is mostly as
 * they run; safetensors files are sorted by name, which is not: there embeddings come first, then
 * recurrent modules, then linear ones, each by name with numbers as numbers, and those last that
 * are named as outputs are. If widths do not fit so, the first order is taken that does. */
#ifndef TORCH_ORDER_H
#define TORCH_ORDER_H

#include "core/import/torch_modules.h"

struct torch_order {
    const struct torch_modules *modules;
    size_t n, numbers[IMPORT_MAX_LAYERS]; /* in the list of modules */
    bool embeds;                          /* the first one is an embedding */
    bool is_only;                         /* no other order would fit */
};

/* UNSUPPORTED: no order of the modules fits, or the one that --layers gives does not. */
LSTM_MUST_CHECK enum lstm_status torch_order_find(const struct torch_modules *modules,
                                                  struct torch_order *order,
                                                  struct lstm_error *error);

const struct torch_module *torch_order_module(const struct torch_order *order, size_t k);

/* What was assumed: the order, and which of an embedding and a linear layer an array alone is. */
void torch_order_note(struct import_source *source, const struct torch_order *order);

#endif
