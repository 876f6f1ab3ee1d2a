/* fill.h: a model's memory filled from views. SPDX-License-Identifier: Apache-2.0 */
#ifndef FILL_H
#define FILL_H

#include "core/import/import.h"

/* Copies a view [rows, columns] of a float type to rows of `to` that begin `stride` floats apart.
 * A view without data leaves `to` as it is. */
void import_fill_matrix(const struct import_array *view, float *to, size_t stride);

/* Whether a view lies column by column, and fills whole lines of the caches: import_fill_matrix()
 * is then fastest at all of its rows at once, in memory that the system has cleared before. */
bool import_fills_lines(const struct import_array *view);

/* Adds a view [n] of a float type to `to`. A view without data adds nothing. */
void import_add_vector(const struct import_array *view, float *to);

#endif
