/* source_text.h: what `convert` and `inspect` tell of a source and its network.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_TEXT_H
#define SOURCE_TEXT_H

#include "server/buf.h"

/* A table of the layers of the network that was recognised, a line each. */
void source_write_layers(const struct lstm_source *source, struct buf *out);

/* A line for each thing that had to be assumed. */
void source_write_notes(const struct lstm_source *source, struct buf *out);

/* A table of the source's arrays. */
void source_write_arrays(const struct lstm_source *source, struct buf *out);

/* {"format": ..., "title": ..., "arrays": [...], "layers": [...], "notes": [...], "problem": ...}:
 * problem NULL: a network was recognised; else it says why not, and layers are null. */
void source_write_json(const struct lstm_source *source, const char *problem, struct buf *out);

#endif
