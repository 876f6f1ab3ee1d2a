/* answer_text.h: numbers out of the daemon's answers. SPDX-License-Identifier: Apache-2.0 */
#ifndef ANSWER_TEXT_H
#define ANSWER_TEXT_H

#include <stddef.h>

/* The numbers in the nested arrays under `key` of a JSON object, in order. Returns how many there
 * are; 0 if the text is no such thing or there are more than `room`. */
size_t answer_numbers(const char *json, const char *key, float *out, size_t room);

/* The value of a series in a text of metrics, "lstmd_queue_depth{model=\"m\"}"; 0 if it is not
 * there. */
double answer_metric(const char *metrics, const char *series);

#endif
