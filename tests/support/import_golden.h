/* import_golden.h: models made of other programs' files against the answers these programs give.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_GOLDEN_H
#define IMPORT_GOLDEN_H

#include "core/lstm.h"

/* Runs the inputs of case `name` of a goldens.json (path from tests/data/golden) through the model;
 * every output must be within 1e-5. A case has steps, features and values (numbers per sequence of
 * a batch of two), inputs and outputs. */
void import_golden_compare(const struct lstm_model *model, const char *file, const char *name);

/* Opens these bytes as a file and makes a model of it: whatever comes of it, an error has a
 * sentence, and there is no half model. */
enum lstm_status import_golden_try(const void *bytes, size_t n, struct lstm_error *error);

/* Whether one of the source's notes has these words. */
bool import_golden_has_note(const struct lstm_source *source, const char *words);

#endif
