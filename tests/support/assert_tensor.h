/* assert_tensor.h: comparisons of arrays, and of statuses, that say what differs and by how much.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The assertions are macros so that Check reports the line of the test, not one of this file.
 */
#ifndef ASSERT_TENSOR_H
#define ASSERT_TENSOR_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/lstm.h"

/* Where an assertion leaves its sentence. */
struct tensor_report {
    char text[512];
};

/* Whether every got[k] is within `absolute` + `relative` * |want[k]| of want[k]; a NaN never is.
 * If not, the report names the tensor, the worst index, both values and the tolerances. */
bool tensor_is_near(const char *name, const float *got, const double *want, size_t n,
                    double absolute, double relative, struct tensor_report *report);
bool tensor_is_near_float(const char *name, const float *got, const float *want, size_t n,
                          double absolute, double relative, struct tensor_report *report);

/* Whether the two arrays have the same bits. */
bool tensor_is_identical(const char *name, const float *got, const float *want, size_t n,
                         struct tensor_report *report);

/* Whether the call succeeded; whether it failed as wanted with `words` in its sentence. */
bool status_is_ok(enum lstm_status got, const struct lstm_error *error,
                  struct tensor_report *report);
bool status_is_failure(enum lstm_status got, enum lstm_status want, const struct lstm_error *error,
                       const char *words, struct tensor_report *report);

#define assert_report(condition)                                                                   \
    do {                                                                                           \
        struct tensor_report report_;                                                              \
        ck_assert_msg(condition, "%s", report_.text);                                              \
    } while (0)

/* got: float, want: double (the oracle's). */
#define assert_tensor(name, got, want, n, absolute, relative)                                      \
    assert_report(tensor_is_near(name, got, want, n, absolute, relative, &report_))

/* got and want: float. */
#define assert_tensor_float(name, got, want, n, absolute, relative)                                \
    assert_report(tensor_is_near_float(name, got, want, n, absolute, relative, &report_))

#define assert_tensor_identical(name, got, want, n)                                                \
    assert_report(tensor_is_identical(name, got, want, n, &report_))

/* call: an expression of enum lstm_status that leaves its sentence in `error`. */
#define assert_ok(call, error)                                                                     \
    do {                                                                                           \
        enum lstm_status status_ = (call);                                                         \
        assert_report(status_is_ok(status_, error, &report_));                                     \
    } while (0)

#define assert_failure(call, want, error, words)                                                   \
    do {                                                                                           \
        enum lstm_status status_ = (call);                                                         \
        assert_report(status_is_failure(status_, want, error, words, &report_));                   \
    } while (0)

#endif
