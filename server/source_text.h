/* source_text.h: what `convert` and `inspect` tell of a source and its model.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_TEXT_H
#define SOURCE_TEXT_H

#include "server/buf.h"

/* A table of the model's layers, a line each. */
void source_write_layers(const struct lstm_model *model, struct buf *out);

/* A line for each thing that had to be assumed. */
void source_write_notes(const struct lstm_source *source, struct buf *out);

/* A table of the source's arrays. */
void source_write_arrays(const struct lstm_source *source, struct buf *out);

/* {"format": ..., "title": ..., "arrays": [...], "layers": [...], "notes": [...], "problem": ...}:
 * layers without a model, problem with one, are null. */
void source_write_json(const struct lstm_source *source, const struct lstm_model *model,
                       const char *problem, struct buf *out);

#endif
