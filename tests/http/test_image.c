/* test_image.c: pictures of digits as bodies, in every route that runs sequences.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

Suite *suite_image(void);

enum { N_DIGITS = 10 };

static struct daemon server;
static struct client client;
static struct client_answer answer;

static void start(void)
{
    daemon_start(&server, "models", NULL);
    client_init(&client, server.url);
}

static void stop(void)
{
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}

/* Posts a file; the answer's body is new. */
static char *post(const char *path, const char *type, const char *file, int expected_status)
{
    size_t n;
    char *const body = temp_file_read(file, &n);
    const struct client_request request = {
        .path = path, .content_type = type, .body = body, .body_bytes = n};
    client_ask(&client, &request, &answer);
    ck_assert_msg(answer.status == expected_status, "%s %s: %d %s", path, file, answer.status,
                  answer.body);
    char *const text = strdup(answer.body);
    client_answer_release(&answer);
    free(body);
    return text;
}

/* The routes whose body may be a picture: with one, and with the bytes that it becomes. */
static const struct {
    const char *of_picture, *of_bytes;
} routes[] = {
    {"/v1/models/mnist:predict", "/v1/models/mnist:predict?dtype=uint8"},
    {"/v1/models/mnist/versions/1:predict", "/v1/models/mnist/versions/1:predict?dtype=uint8"},
    {"/v1/models/mnist:state?trace=true&gates=true",
     "/v1/models/mnist:state?dtype=uint8&trace=true&gates=true"},
    {"/v1/models/mnist:evaluate?labels=3", "/v1/models/mnist:evaluate?dtype=uint8&labels=3"},
};

START_TEST(test_image_answer_is_that_of_the_prepared_bytes)
{
    for (int digit = 0; digit < N_DIGITS; digit++) {
        char picture[64], bytes[64];
        snprintf(picture, sizeof picture, "tests/data/drawings/%d.png", digit);
        snprintf(bytes, sizeof bytes, "tests/data/drawings/%d.bin", digit);
        char *const found = post(routes[_i].of_picture, "image/png", picture, 200);
        char *const expected = post(routes[_i].of_bytes, "application/octet-stream", bytes, 200);
        ck_assert_str_eq(found, expected);
        free(found);
        free(expected);
    }
}
END_TEST

/* The class with the largest probability in {"predictions":[[...]]}. */
static int class_of(const char *json)
{
    const char *at = strstr(json, "[[");
    ck_assert_ptr_nonnull(at);
    at += 2;
    int best = 0;
    double most = -1;
    for (int k = 0; k < N_DIGITS; k++) {
        char *end;
        const double probability = strtod(at, &end);
        ck_assert_ptr_ne(end, at);
        if (probability > most) {
            most = probability;
            best = k;
        }
        at = end + 1;
    }
    return best;
}

START_TEST(test_image_drawn_digits_are_recognised)
{
    for (int digit = 0; digit < N_DIGITS; digit++) {
        char picture[64];
        snprintf(picture, sizeof picture, "tests/data/drawings/%d.png", digit);
        char *const found = post("/v1/models/mnist:predict", "image/png", picture, 200);
        ck_assert_msg(class_of(found) == digit, "%d: %s", digit, found);
        free(found);
    }
}
END_TEST

START_TEST(test_image_is_a_piece_of_a_session)
{
    client_post(&client, "/v1/models/mnist/sessions", "{\"id\":\"pen\"}", &answer);
    ck_assert_int_eq(answer.status, 201);
    client_answer_release(&answer);
    char *const first = post("/v1/models/mnist/sessions/pen:predict", "image/png",
                             "tests/data/mnist/digit.png", 200);
    ck_assert_int_eq(class_of(first), 7);
    client_get(&client, "/v1/models/mnist/sessions/pen/state", &answer);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"steps\":28"));
    client_answer_release(&answer);
    free(first);
}
END_TEST

static const struct {
    const char *file, *words;
} bad[] = {
    {"tests/data/png/bad/blank.png", "the picture is empty"},
    {"tests/data/png/bad/empty.png", "expected a whole PNG"},
    {"tests/data/png/bad/huge.png", "expected at most 1048576 pixels"},
    {"tests/data/png/bad/bomb_of_pixels.png", "the picture is empty"},
    {"tests/data/mnist/digit.json", "expected a whole PNG"},
};

START_TEST(test_image_that_is_none_is_refused_in_words)
{
    char *const text = post("/v1/models/mnist:predict", "image/png", bad[_i].file, 400);
    ck_assert_ptr_eq(strstr(text, "{\"error\":\"the body: "), text);
    ck_assert_ptr_nonnull(strstr(text, bad[_i].words));
    free(text);
}
END_TEST

Suite *suite_image(void)
{
    Suite *suite = suite_create("image");
    TCase *tcase = tcase_create("image");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_image_answer_is_that_of_the_prepared_bytes, 0, N_CASES(routes));
    tcase_add_test(tcase, test_image_drawn_digits_are_recognised);
    tcase_add_test(tcase, test_image_is_a_piece_of_a_session);
    tcase_add_loop_test(tcase, test_image_that_is_none_is_refused_in_words, 0, N_CASES(bad));
    suite_add_tcase(suite, tcase);
    return suite;
}
