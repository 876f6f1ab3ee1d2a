/* assert_tensor.c: compares arrays and statuses, and words what differs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/assert_tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The running search for the element that is furthest outside its tolerance. */
struct worst {
    size_t index;
    double excess, got, want;
};

static void consider(struct worst *worst, size_t index, double got, double want, double tolerance)
{
    if (isinf(want) && got == want)
        return;
    double excess = fabs(got - want) - tolerance;
    if (isnan(excess))
        excess = HUGE_VAL;
    if (excess > worst->excess)
        *worst = (struct worst){index, excess, got, want};
}

static bool conclude(const struct worst *worst, const char *name, size_t n, double absolute,
                     double relative, struct tensor_report *report)
{
    if (!(worst->excess > 0))
        return true;
    snprintf(report->text, sizeof report->text,
             "%s: worst of %zu values is [%zu]: got %.9g, want %.9g, off by %.3g; tolerance is "
             "%.3g + %.3g * |want|",
             name, n, worst->index, worst->got, worst->want, fabs(worst->got - worst->want),
             absolute, relative);
    return false;
}

bool tensor_is_near(const char *name, const float *got, const double *want, size_t n,
                    double absolute, double relative, struct tensor_report *report)
{
    struct worst worst = {.excess = 0};
    for (size_t k = 0; k < n; k++)
        consider(&worst, k, (double)got[k], want[k], absolute + relative * fabs(want[k]));
    return conclude(&worst, name, n, absolute, relative, report);
}

bool tensor_is_near_float(const char *name, const float *got, const float *want, size_t n,
                          double absolute, double relative, struct tensor_report *report)
{
    struct worst worst = {.excess = 0};
    for (size_t k = 0; k < n; k++) {
        double wanted = (double)want[k];
        consider(&worst, k, (double)got[k], wanted, absolute + relative * fabs(wanted));
    }
    return conclude(&worst, name, n, absolute, relative, report);
}

bool tensor_is_identical(const char *name, const float *got, const float *want, size_t n,
                         struct tensor_report *report)
{
    for (size_t k = 0; k < n; k++) {
        if (memcmp(&got[k], &want[k], sizeof *got) != 0) {
            snprintf(report->text, sizeof report->text,
                     "%s: [%zu] of %zu has other bits: got %.9g (%a), want %.9g (%a)", name, k, n,
                     (double)got[k], (double)got[k], (double)want[k], (double)want[k]);
            return false;
        }
    }
    return true;
}

bool status_is_ok(enum lstm_status got, const struct lstm_error *error,
                  struct tensor_report *report)
{
    if (got == LSTM_OK)
        return true;
    snprintf(report->text, sizeof report->text, "want OK, got %s: %s", lstm_status_name(got),
             error->text);
    return false;
}

bool status_is_failure(enum lstm_status got, enum lstm_status want, const struct lstm_error *error,
                       const char *words, struct tensor_report *report)
{
    if (got == LSTM_OK)
        snprintf(report->text, sizeof report->text, "want %s with \"%s\", got OK",
                 lstm_status_name(want), words);
    else if (got != want || error->status != want)
        snprintf(report->text, sizeof report->text,
                 "want %s with \"%s\", got %s (%s in the error): %s", lstm_status_name(want), words,
                 lstm_status_name(got), lstm_status_name(error->status), error->text);
    else if (strstr(error->text, words) == NULL)
        snprintf(report->text, sizeof report->text, "want the words \"%s\" in \"%s\"", words,
                 error->text);
    else
        return true;
    return false;
}
