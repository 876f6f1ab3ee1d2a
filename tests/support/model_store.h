/* model_store.h: model repositories of small models for tests.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include <stdint.h>

#include "core/lstm.h"

/* Descriptions of models. */
extern const char model_any[];       /* any number of steps of 2; 3 outputs */
extern const char model_fixed[];     /* 3 steps of 2, bytes times 0.5; 2 outputs, no softmax */
extern const char model_pooled[];    /* 4 outputs of all steps; no sessions */
extern const char model_backwards[]; /* the same in both directions; 8 outputs; no sessions */
extern const char model_rows[];      /* any number of steps of 2; outputs [T, 4] */
extern const char model_digits[];    /* 28 steps of 28; 10 outputs */

/* Writes the model of this description and seed as folder/name/version; the folder exists. */
void model_store_add(const char *folder, const char *name, const char *version, const char *json,
                     uint64_t seed);

/* Writes a model as folder/name/version. */
void model_store_save(const char *folder, const char *name, const char *version,
                      const struct lstm_model *model);

/* Makes folder/name/version with a model.json that is none, and empty weights. */
void model_store_add_broken(const char *folder, const char *name, const char *version);

/* Makes the last weight of folder/name/version, which is stored as F32, NaN. */
void model_store_spoil(const char *folder, const char *name, const char *version);

/* Removes folder/name/version. */
void model_store_remove(const char *folder, const char *name, const char *version);

/* What the model gives for one sequence that is alone in its batch: [output_size] or
 * [steps, output_size]. */
void model_store_run_alone(const struct lstm_model *model, const struct lstm_sequence *sequence,
                           float *output);

#endif
