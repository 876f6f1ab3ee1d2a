/* names_torch.h: networks known by PyTorch's names of parameters.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A state_dict says "lstm.weight_ih_l0" and no more: which modules there are, not in which order
 * and with what between them they ran. The conventions: the order of torch_order.h, or that of
 * --layers; the last step's output of the recurrent layers goes on; relu between linear layers,
 * nothing behind the last and in front of recurrent ones. */
#ifndef NAMES_TORCH_H
#define NAMES_TORCH_H

#include "core/import/import.h"

/* Whether an array is named as the first weight of a recurrent module. */
bool names_torch_probe(const struct import_source *source);

/* Recognises nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell, nn.Linear and nn.Embedding.
 * UNSUPPORTED: a module of another kind, or modules that no order connects. SHAPE, NOT_FOUND: which
 * array. INVALID: --layers. */
LSTM_MUST_CHECK enum lstm_status names_torch_plan(struct import_source *source,
                                                  const struct lstm_import_options *options,
                                                  struct import_plan *plan,
                                                  struct lstm_error *error);

#endif
