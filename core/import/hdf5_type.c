/* hdf5_type.c: datatypes and dataspaces of HDF5 (specification IV.A.2.b and d).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/hdf5_reading.h"
#include "core/memory.h"

enum { CLASS_INTEGER = 0, CLASS_FLOAT = 1, CLASS_TEXT = 3, CLASS_ENUM = 8, CLASS_VARIABLE = 9 };
enum { TYPE_PREFIX = 8, FLOAT_BYTES = 20, VARIABLE_BYTES = 16 };

/* The layouts of IEEE 754 numbers and bfloat16: the bits of the type, and where its parts begin. */
static const struct {
    enum import_dtype dtype;
    unsigned char bytes, sign, exponent, n_exponent, mantissa, n_mantissa;
} floats[] = {{IMPORT_F32, 4, 31, 23, 8, 0, 23},
              {IMPORT_F64, 8, 63, 52, 11, 0, 52},
              {IMPORT_F16, 2, 15, 10, 5, 0, 10},
              {IMPORT_BF16, 2, 15, 7, 8, 0, 7}};

static enum import_dtype float_dtype(const unsigned char *data, size_t bytes)
{
    const unsigned char *parts = data + TYPE_PREFIX + 4;
    for (size_t k = 0; k < sizeof floats / sizeof *floats; k++)
        if (floats[k].bytes == bytes && floats[k].sign == data[2] &&
            floats[k].exponent == parts[0] && floats[k].n_exponent == parts[1] &&
            floats[k].mantissa == parts[2] && floats[k].n_mantissa == parts[3])
            return floats[k].dtype;
    return IMPORT_OTHER;
}

static enum import_dtype integer_dtype(bool is_signed, size_t bytes)
{
    switch (bytes) {
    case 1:
        return is_signed ? IMPORT_I8 : IMPORT_U8;
    case 2:
        return is_signed ? IMPORT_I16 : IMPORT_U16;
    case 4:
        return is_signed ? IMPORT_I32 : IMPORT_U32;
    case 8:
        return is_signed ? IMPORT_I64 : IMPORT_U64;
    default:
        return IMPORT_OTHER;
    }
}

bool hdf5_type_read(struct hdf5_span span, struct hdf5_type *type)
{
    const unsigned char *data = span.data;
    *type = (struct hdf5_type){.dtype = IMPORT_OTHER};
    if (span.n < TYPE_PREFIX)
        return false;
    type->bytes = (size_t)hdf5_number(data + 4, 4);
    type->is_big_endian = (data[1] & 1) != 0;
    switch (data[0] & 15) {
    case CLASS_INTEGER:
        type->dtype = integer_dtype((data[1] & 8) != 0, type->bytes);
        break;
    case CLASS_FLOAT:
        if (span.n < FLOAT_BYTES)
            return false;
        /* Bit 6 is VAX's order, with bit 0. */
        type->dtype = (data[1] & 64) != 0 ? IMPORT_OTHER : float_dtype(data, type->bytes);
        break;
    case CLASS_TEXT:
        type->dtype = IMPORT_TEXT;
        break;
    case CLASS_ENUM: /* h5py's bool */
        type->dtype = type->bytes == 1 ? IMPORT_BOOL : IMPORT_OTHER;
        type->is_big_endian = false;
        break;
    case CLASS_VARIABLE:
        type->is_variable = (data[1] & 15) == 1;
        type->dtype = type->is_variable ? IMPORT_TEXT : IMPORT_OTHER;
        break;
    default:
        break;
    }
    return type->bytes > 0 && (!type->is_variable || type->bytes == VARIABLE_BYTES);
}

bool hdf5_space_read(struct hdf5_span span, struct hdf5_space *space)
{
    enum { V1_PREFIX = 8, V2_PREFIX = 4, NO_ELEMENTS = 2 };
    *space = (struct hdf5_space){.n_elements = 1};
    if (span.n < V2_PREFIX || span.data[0] < 1 || span.data[0] > 2)
        return false;
    const size_t skip = span.data[0] == 1 ? V1_PREFIX : V2_PREFIX;
    space->rank = span.data[1];
    if (space->rank > IMPORT_MAX_RANK || span.n < skip + 8 * space->rank)
        return false;
    for (size_t k = 0; k < space->rank; k++) {
        space->shape[k] = (size_t)hdf5_number(span.data + skip + 8 * k, 8);
        if (!memory_multiply(space->n_elements, space->shape[k], &space->n_elements))
            return false;
    }
    if (span.data[0] == 2 && span.data[3] == NO_ELEMENTS)
        space->n_elements = 0;
    return true;
}
