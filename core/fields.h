/* fields.h: reads a JSON object into a struct by a table of its keys.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A key that the table does not have is an error that names it, as are a wrong type and a value
 * out of range: a misspelt "forget_bais" must not be taken for the default. */
#ifndef FIELDS_H
#define FIELDS_H

#include "core/json_doc.h"

enum field_type {
    FIELD_SIZE,   /* size_t, min .. max; null is allowed where min is 0, and means 0 */
    FIELD_REAL,   /* double, min .. max */
    FIELD_BOOL,   /* bool */
    FIELD_NAME,   /* char[NAME_MAX_BYTES]: letters, digits and "_.-/>", as TensorFlow's scopes */
    FIELD_CHOICE, /* int: index into choices */
    FIELD_OBJECT, /* a struct, by the table `members` */
    FIELD_OTHER   /* read elsewhere; only known here */
};

enum { NAME_MAX_BYTES = 128 };

struct field {
    const char *key;
    enum field_type type;
    size_t offset; /* in the struct */
    double min, max;
    const char *const *choices; /* NULL-ended */
    const struct field *members;
    bool required;
};

/* Fills *target; what the object does not say stays as it was. `path` begins the messages:
 * "layers[0]". fields is ended by a row without a key. INVALID. */
LSTM_MUST_CHECK enum lstm_status fields_read(const struct doc *object, const struct field *fields,
                                             void *target, const char *path,
                                             struct lstm_error *error);

#endif
