/* refusals.c: statuses and sentences of error answers. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/refusals.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/temp_folder.h"

#define FOLDER "tests/data/bad_predict/"

void assert_refused(const char *what, const struct client_answer *answer, int status,
                    const char *words)
{
    ck_assert_msg(answer->status == status, "%s: expected %d with '%s', found %d %s", what, status,
                  words, answer->status, answer->body);
    ck_assert_msg(strncmp(answer->body, "{\"error\":\"", 10) == 0, "%s: %s", what, answer->body);
    ck_assert_msg(strstr(answer->body, words) != NULL, "%s: expected '%s' in %s", what, words,
                  answer->body);
}

/* The words as they are in JSON text. */
static void escape(const char *words, char *out, size_t room)
{
    size_t n = 0;
    for (; *words != '\0' && n + 2 < room; words++) {
        if (*words == '"' || *words == '\\')
            out[n++] = '\\';
        out[n++] = *words;
    }
    out[n] = '\0';
}

/* line: of cases.txt. */
static void assert_bad_body_refused(struct client *client, const char *path, char *line)
{
    char file[256], words[256];
    struct client_answer answer;
    char *status = strstr(line, "  "), *rest = status == NULL ? NULL : strstr(status + 2, "  ");
    ck_assert_msg(rest != NULL, "malformed line: %s", line);
    *status = '\0';
    snprintf(file, sizeof file, FOLDER "%s", line);
    escape(rest + 2, words, sizeof words);
    size_t n;
    char *body = temp_file_read(file, &n);
    const struct client_request request = {
        .path = path, .content_type = "application/json", .body = body, .body_bytes = n};
    client_ask(client, &request, &answer);
    assert_refused(line, &answer, (int)strtol(status + 2, NULL, 10), words);
    client_answer_release(&answer);
    free(body);
}

void assert_bad_bodies_refused(struct client *client, const char *path)
{
    size_t n, n_lines = 0;
    char *text = temp_file_read(FOLDER "cases.txt", &n);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        assert_bad_body_refused(client, path, line);
        n_lines++;
    }
    free(text);
    ck_assert_uint_gt(n_lines, 50);
}
