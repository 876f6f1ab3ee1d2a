/* c_client.c: a digit, a client, and what it is expected to answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/clients/c_client.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/temp_folder.h"

struct c_client c_client;

const struct lstmd_input c_client_digit = {
    .form = LSTMD_BYTES, .data = c_client.bytes, .n = PIXELS};

void c_client_read_digit(void)
{
    size_t n;
    char *const file = temp_file_read("tests/data/mnist/digit.bin", &n);
    ck_assert_uint_eq(n, PIXELS);
    memcpy(c_client.bytes, file, PIXELS);
    memcpy(c_client.bytes + PIXELS, file, PIXELS);
    free(file);
    for (size_t k = 0; k < PIXELS; k++)
        c_client.numbers[k] = (float)c_client.bytes[k] / 255;
}

struct lstmd_client *c_client_connect(struct lstmd_config config)
{
    struct lstmd_error error;
    struct lstmd_client *const made = lstmd_client_create(&config, &error);
    ck_assert_msg(made != NULL, "%s", error.text);
    return made;
}

json_t *c_client_need(json_t *answer)
{
    ck_assert_msg(answer != NULL, "%s", lstmd_client_error(c_client.client)->text);
    ck_assert_int_eq(lstmd_client_error(c_client.client)->status, LSTMD_OK);
    return answer;
}

void assert_client_refused(const json_t *answer, int status, const char *word)
{
    const struct lstmd_error *const error = lstmd_client_error(c_client.client);
    ck_assert_ptr_null(answer);
    ck_assert_int_eq(error->status, status);
    ck_assert_msg(strstr(error->text, word) != NULL, "%s", error->text);
}

double c_client_number(json_t *answer, const char *name)
{
    const json_t *const value = json_object_get(c_client_need(answer), name);
    ck_assert_msg(json_is_number(value), "no %s", name);
    const double number = json_number_value(value);
    json_decref(answer);
    return number;
}

json_t *c_client_train(const char *model)
{
    json_t *const labels = json_pack("[i]", SEVEN);
    const struct lstmd_examples examples = {.input = c_client_digit, .labels = labels};
    json_t *const answer = lstmd_client_train_step(c_client.client, model, &examples);
    json_decref(labels);
    return answer;
}
