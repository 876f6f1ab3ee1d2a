/* build.h: what the two halves of making a model share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BUILD_H
#define BUILD_H

#include "core/import/import.h"
#include "core/model.h"

/* Width of a recurrent layer's output before directions are merged. */
size_t build_cell_outputs(const struct import_layer *layer);
bool build_is_recurrent(const struct import_layer *layer);
bool build_has_peepholes(const struct import_layer *layer);

/* By enum import_kind: the type in model.json, and the name of a layer that has none. */
extern const char *const build_kind_names[];

/* build_check.c: every view fits its layer and the layer before; what the plan leaves open (units,
 * features, names) is filled in, and names become unique. SHAPE, UNSUPPORTED. */
LSTM_MUST_CHECK enum lstm_status build_check(struct import_plan *plan, struct lstm_error *error);

/* build_text.c: the text of model.json; new. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status build_text(const struct import_plan *plan,
                                            const char *const *labels, size_t n_labels, char **json,
                                            size_t *n, struct lstm_error *error);

/* build_fill.c: floats begin .. end of the weights, which are whole rows of tensors, from the
 * plan's views, each first given to `turn` (which may be NULL). SHAPE: the views leave some unset.
 */
struct build_views {
    enum lstm_status (*turn)(void *context, struct import_array *view, struct lstm_error *error);
    void *context;
};
struct build_window {
    size_t begin, end;
    float *values;
};
LSTM_MUST_CHECK enum lstm_status build_fill(const struct import_plan *plan, const struct spec *spec,
                                            const struct build_views *views,
                                            const struct build_window *window,
                                            struct lstm_error *error);

#endif
