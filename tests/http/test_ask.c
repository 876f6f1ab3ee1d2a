/* test_ask.c: `lstmd predict` and `lstmd state` ask a real daemon, for pipes and for people.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/pty_run.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_ask(void);

#define DIGIT_PNG  "tests/data/mnist/digit.png"
#define DIGIT_JSON "tests/data/mnist/digit.json"

static struct daemon server;
static struct daemon_run run;
static struct pty_run pty;

static void start(void)
{
    unsetenv("NO_COLOR");
    daemon_start(&server, "models", NULL);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
}

/* ---- For pipes ---------------------------------------------------------------------------- */

static const struct {
    const char *command, *file, *type;
} piped[] = {{"predict", DIGIT_PNG, "image/png"},
             {"predict", DIGIT_JSON, "application/json"},
             {"state", DIGIT_PNG, "image/png"},
             {"state", DIGIT_JSON, "application/json"}};

START_TEST(test_ask_prints_the_servers_answer_into_a_pipe)
{
    char path[64];
    size_t n;
    char *const body = temp_file_read(piped[_i].file, &n);
    struct client client;
    struct client_answer answer;
    snprintf(path, sizeof path, "/v1/models/mnist:%s", piped[_i].command);
    client_init(&client, server.url);
    client_ask(&client,
               &(struct client_request){
                   .path = path, .content_type = piped[_i].type, .body = body, .body_bytes = n},
               &answer);
    const char *const arguments[] = {piped[_i].command, piped[_i].file, "--server", server.url,
                                     NULL};
    daemon_run(arguments, &run);
    ck_assert_str_eq(run.log, "");
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_uint_eq(strlen(run.out), answer.body_bytes + 1);
    ck_assert_mem_eq(run.out, answer.body, answer.body_bytes);
    ck_assert_int_eq(run.out[answer.body_bytes], '\n');
    client_answer_release(&answer);
    client_release(&client);
    free(body);
}
END_TEST

static const struct {
    const char *file, *option, *value, *words;
} wrong[] = {
    {DIGIT_PNG, "--server", "http://127.0.0.1:1", "nobody answers at http://127.0.0.1:1 ("},
    {DIGIT_PNG, "--server", "127.0.0.1:8501", "--server: expected a URL like http://"},
    {DIGIT_PNG, "--server", "file:///etc/passwd", "--server: expected a URL like http://"},
    {DIGIT_PNG, "--model", "nobody", "answers 404: there is no model 'nobody'"},
    {DIGIT_PNG, "--model", "mnist/versions/9", "answers 404: "},
    {DIGIT_PNG, "--model", "a b?c#d", "answers 404: there is no model 'a b?c#d'"},
    {"tests/data/mnist/digit.bin", "--model", "mnist", "expected a PNG, or a JSON object"},
    {"tests/data/no_such_file.png", "--model", "mnist", "cannot open tests/data/no_such_file.png"},
    {"tests/data/png/bad/blank.png", "--model", "mnist", "answers 400: the body: the picture is"},
    {DIGIT_PNG, "--api-key-file", "tests/data/no_such_file", "cannot open tests/data/no_such"},
};

START_TEST(test_ask_mistake_is_one_sentence)
{
    const char *const arguments[] = {"predict",        wrong[_i].file,  "--server", server.url,
                                     wrong[_i].option, wrong[_i].value, NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_str_eq(run.out, "");
    ck_assert_ptr_eq(strstr(run.log, "lstmd: "), run.log);
    ck_assert_msg(strstr(run.log, wrong[_i].words) != NULL, "%s", run.log);
    ck_assert_ptr_eq(strchr(run.log, '\n'), run.log + strlen(run.log) - 1);
}
END_TEST

START_TEST(test_ask_names_versions)
{
    const char *const arguments[] = {"predict", DIGIT_PNG,          "--server", server.url,
                                     "--model", "mnist/versions/1", NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_ptr_eq(strstr(run.out, "{\"predictions\":[["), run.out);
}
END_TEST

/* ---- For people --------------------------------------------------------------------------- */

/* What a command writes on a terminal. */
static const char *show(const char *command, const char *file, const char *input,
                        unsigned short columns)
{
    const char *const arguments[] = {command, file, "--server", server.url, NULL};
    pty_start(&pty, arguments, input, columns, 24);
    ck_assert_msg(pty_wait(&pty) == 0, "%s", pty.out);
    return pty.out;
}

static size_t count(const char *text, const char *end, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL && at < end; at = strstr(at + 1, part))
        n++;
    return n;
}

START_TEST(test_ask_predict_draws_the_digit_and_bars)
{
    const char *const text = show("predict", DIGIT_PNG, NULL, 80);
    ck_assert_uint_eq(count(text, text + pty.n, "▀"), 28 * 14);
    ck_assert_uint_eq(count(text, text + pty.n, "\n"), 14 + 10);
    const char *const best = strstr(text, "\033[1m"); /* the one line in bold */
    ck_assert_ptr_nonnull(best);
    ck_assert_ptr_eq(strstr(best, "\033[1m         7  ████"), best);
    ck_assert_uint_eq(count(best, strchr(best, '\n'), "█"), 40);
    ck_assert_uint_eq(count(text, text + pty.n, "\033[1m"), 1);
    ck_assert_ptr_null(strchr(text, '{'));
}
END_TEST

START_TEST(test_ask_predict_of_json_from_standard_input_is_drawn)
{
    const char *const text = show("predict", "-", DIGIT_JSON, 80);
    ck_assert_uint_eq(count(text, text + pty.n, "▀"), 28 * 14);
    ck_assert_ptr_nonnull(strstr(text, "\033[1m         7  ████"));
}
END_TEST

START_TEST(test_ask_no_color_means_no_escapes)
{
    setenv("NO_COLOR", "1", 1);
    const char *const text = show("predict", DIGIT_PNG, NULL, 80);
    unsetenv("NO_COLOR");
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_ptr_nonnull(strstr(text, "▓"));
}
END_TEST

START_TEST(test_ask_json_on_a_terminal_is_json)
{
    const char *const arguments[] = {"predict", DIGIT_PNG, "--json", "--server", server.url, NULL};
    pty_start(&pty, arguments, NULL, 80, 24);
    ck_assert_int_eq(pty_wait(&pty), 0);
    ck_assert_ptr_eq(strstr(pty.out, "{\"predictions\":[["), pty.out);
}
END_TEST

/* On a terminal too narrow for 100 units, and on one that is not. */
static const struct {
    unsigned short columns;
    size_t shown;
} widths[] = {{60, 58}, {200, 100}};

START_TEST(test_ask_state_draws_outputs_and_states_as_wide_as_the_terminal)
{
    const char *at = show("state", DIGIT_PNG, NULL, widths[_i].columns);
    static const char *const titles[] = {"outputs  28 steps of 100 units\r\n", "c  100 units",
                                         "h  100 units"};
    static const size_t lines[] = {14, 1, 1};
    at = strstr(at, "outputs");
    for (size_t k = 0; k < 3; k++) {
        ck_assert_ptr_nonnull(at);
        ck_assert_ptr_eq(strstr(at, titles[k]), at);
        for (size_t line = 0; line < lines[k]; line++) {
            at = strchr(at, '\n') + 1;
            ck_assert_uint_eq(count(at, strchr(at, '\n'), "▀"), widths[_i].shown);
        }
        at = strchr(at, '\n') + 1;
    }
    ck_assert_str_eq(at, "");
}
END_TEST

/* ---- Other models than the shipped one ---------------------------------------------------- */

#define MODEL(layers)                                                                              \
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[" layers "]}"
#define TWO_CELLS                                                                                  \
    MODEL("{\"type\":\"lstm\",\"units\":4,\"return_sequences\":true},"                             \
          "{\"type\":\"gru\",\"units\":3}")
#define MANY_CLASSES MODEL("{\"type\":\"lstm\",\"units\":4},{\"type\":\"dense\",\"units\":14}")

#define TWO "{\"instances\":[[[1,2],[3,4]],[[5,6],[7,8]]]}"
#define TEN                                                                                        \
    "{\"instances\":[[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1," \
    "2]]]}"
#define EDGY "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}"

/* `lines` are found in this order; those of NULL are left out. */
static const struct {
    const char *command, *model, *body, *lines[6];
} drawn[] = {
    {"predict", "classes", TWO, {"instance 0\r\n", "  and 4 more\r\n", "instance 1\r\n"}},
    {"predict", "classes", TEN, {"instance 7\r\n", "and 2 more; --json prints all\r\n"}},
    {"predict", "rows", TWO, {"instance 0\r\n", "▀", "instance 1\r\n", "▀"}},
    {"predict", "rows", EDGY, {"  predictions: not drawn; --json prints the numbers\r\n"}},
    {"state",
     "two",
     TWO,
     {"instance 0\r\noutputs  2 steps of 3 units\r\n", "layer 0: c  4 units", "h  4 units",
      "layer 1: h  3 units", "instance 1\r\n"}},
};

START_TEST(test_ask_draws_what_other_models_answer)
{
    struct temp_folder folder;
    char file[256];
    temp_folder_create(&folder);
    model_store_add(folder.path, "classes", "1", MANY_CLASSES, 1);
    model_store_add(folder.path, "rows", "1", model_rows, 1);
    model_store_add(folder.path, "two", "1", TWO_CELLS, 1);
    daemon_start(&server, folder.path, NULL);
    temp_file_write(temp_folder_path(&folder, "body.json", file), drawn[_i].body,
                    strlen(drawn[_i].body));
    const char *const arguments[] = {drawn[_i].command, file,       "--model", drawn[_i].model,
                                     "--server",        server.url, NULL};
    pty_start(&pty, arguments, NULL, 80, 24);
    ck_assert_msg(pty_wait(&pty) == 0, "%s", pty.out);
    const char *at = pty.out;
    for (size_t k = 0; k < N_CASES(drawn[0].lines) && drawn[_i].lines[k] != NULL; k++) {
        at = strstr(at, drawn[_i].lines[k]);
        ck_assert_msg(at != NULL, "no '%s' in its place: %s", drawn[_i].lines[k], pty.out);
        at++;
    }
    stop();
    temp_folder_remove(&folder);
}
END_TEST

/* ---- Keys and TLS ------------------------------------------------------------------------- */

/* SHA-256 of "abc". */
static const char key_line[] =
    "predict sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

static void ask_closed(const char *key_file, int status, const char *words)
{
    const char *arguments[] = {"predict", DIGIT_PNG, "--server", server.url, NULL, NULL, NULL};
    arguments[4] = key_file == NULL ? NULL : "--api-key-file";
    arguments[5] = key_file;
    daemon_run(arguments, &run);
    ck_assert_msg(run.exit_status == status, "%s", run.log);
    ck_assert_ptr_nonnull(strstr(status == 0 ? run.out : run.log, words));
}

START_TEST(test_ask_key_comes_from_a_file_or_the_environment)
{
    struct temp_folder folder;
    char keys[256], right[256], wrong_key[256], empty[256];
    temp_folder_create(&folder);
    temp_file_write(temp_folder_path(&folder, "keys", keys), key_line, strlen(key_line));
    temp_file_write(temp_folder_path(&folder, "right", right), "abc\n", 4);
    temp_file_write(temp_folder_path(&folder, "wrong", wrong_key), "abd\n", 4);
    temp_file_write(temp_folder_path(&folder, "empty", empty), "\n", 1);
    ck_assert_int_eq(chmod(keys, 0600), 0);
    const char *const options[] = {"--api-keys", keys, NULL};
    daemon_start(&server, "models", options);
    ask_closed(NULL, 1, "answers 401: ");
    ask_closed(wrong_key, 1, "answers 401: ");
    ask_closed(empty, 1, "expected an API key, found none");
    ask_closed(right, 0, "{\"predictions\"");
    setenv("LSTMD_API_KEY", "abc", 1);
    ask_closed(NULL, 0, "{\"predictions\"");
    ask_closed(wrong_key, 1, "answers 401: ");
    unsetenv("LSTMD_API_KEY");
    stop();
    temp_folder_remove(&folder);
}
END_TEST

START_TEST(test_ask_tls_needs_a_certificate_that_is_trusted)
{
    struct temp_folder folder;
    char certificate[256], key[256], url[64];
    temp_folder_create(&folder);
    certificate_write("localhost", temp_folder_path(&folder, "certificate.pem", certificate),
                      temp_folder_path(&folder, "key.pem", key));
    const char *const options[] = {"--tls-cert", certificate, "--tls-key", key, NULL};
    daemon_start(&server, "models", options);
    snprintf(url, sizeof url, "https://localhost:%u", server.port);
    const char *arguments[] = {"predict",   DIGIT_PNG,   "--server", url,
                               "--ca-file", certificate, NULL};
    daemon_run(arguments, &run);
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    ck_assert_ptr_eq(strstr(run.out, "{\"predictions\":[["), run.out);
    arguments[4] = NULL;
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(run.log, "its certificate is not trusted"));
    stop();
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_ask(void)
{
    Suite *suite = suite_create("ask");
    TCase *open = tcase_create("open"), *closed = tcase_create("closed");
    tcase_set_timeout(open, 60);
    tcase_set_timeout(closed, 60);
    tcase_add_unchecked_fixture(open, start, stop);
    tcase_add_loop_test(open, test_ask_prints_the_servers_answer_into_a_pipe, 0, N_CASES(piped));
    tcase_add_loop_test(open, test_ask_mistake_is_one_sentence, 0, N_CASES(wrong));
    tcase_add_test(open, test_ask_names_versions);
    tcase_add_test(open, test_ask_predict_draws_the_digit_and_bars);
    tcase_add_test(open, test_ask_predict_of_json_from_standard_input_is_drawn);
    tcase_add_test(open, test_ask_no_color_means_no_escapes);
    tcase_add_test(open, test_ask_json_on_a_terminal_is_json);
    tcase_add_loop_test(open, test_ask_state_draws_outputs_and_states_as_wide_as_the_terminal, 0,
                        N_CASES(widths));
    tcase_add_loop_test(closed, test_ask_draws_what_other_models_answer, 0, N_CASES(drawn));
    tcase_add_test(closed, test_ask_key_comes_from_a_file_or_the_environment);
    tcase_add_test(closed, test_ask_tls_needs_a_certificate_that_is_trusted);
    suite_add_tcase(suite, open);
    suite_add_tcase(suite, closed);
    return suite;
}
