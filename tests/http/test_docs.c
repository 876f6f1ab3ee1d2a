/* test_docs.c: every command, option, route and metric is in the documents, the manual page and the
 * completions. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/metrics.h"
#include "server/options.h"
#include "server/router.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

Suite *suite_docs(void);

static struct daemon_run run;

/* Runs lstmd with these arguments; what it printed is in run.out. */
static const char *ask(const char *first, const char *second)
{
    const char *const arguments[] = {first, second, NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_str_eq(run.log, "");
    return run.out;
}

/* Whether the word stands in the text with none of its kind beside it: --port, not --ports. */
static bool has_word(const char *text, const char *word)
{
    static const char kin[] = "abcdefghijklmnopqrstuvwxyz_-";
    const size_t n = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        if (at[n] == '\0' || (strchr(kin, at[n]) == NULL && strncmp(at + n, "\\-", 2) != 0))
            return true;
    return false;
}

/* "--max-batch": the dashes in front, and those within; in roff "\-\-max\-batch", in fish "-l
 * max-batch". */
static void write_name(const char *dashes, const char *name, const char *dash, char out[128])
{
    size_t n = (size_t)snprintf(out, 128, "%s", dashes);
    for (; *name != '\0'; name++)
        n += (size_t)(*name == '-' ? snprintf(out + n, 128 - n, "%s", dash)
                                   : snprintf(out + n, 128 - n, "%c", *name));
}

static void assert_options(const char *text, const char *title, const struct option *options,
                           const char *dashes, const char *dash)
{
    for (const struct option *option = options; option->name != NULL; option++) {
        char flag[128], no_flag[128];
        const bool is_flag = option->type == OPTION_FLAG && !option->only_flag;
        write_name(dashes, option->name, dash, flag);
        snprintf(no_flag, sizeof no_flag, "--[no-]%s", option->name);
        ck_assert_msg(has_word(text, flag) || (is_flag && has_word(text, no_flag)),
                      "%s does not have %s", title, flag);
    }
}

static void assert_every_option(const char *text, const char *title, const char *dashes,
                                const char *dash)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        ck_assert_msg(has_word(text, command->name), "%s does not have %s", title, command->name);
        assert_options(text, title, command->options, dashes, dash);
    }
    assert_options(text, title, common_options, dashes, dash);
}

START_TEST(test_docs_help_has_every_option_of_its_command)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        const char *const text = ask(command->name, "--help");
        assert_options(text, command->name, command->options, "--", "-");
        assert_options(text, command->name, common_options, "--", "-");
        ck_assert_msg(has_word(ask("--help", NULL), command->name), "no %s", command->name);
    }
}
END_TEST

/* What people try first. */
START_TEST(test_docs_help_and_version_have_their_usual_names)
{
    static const char *const helps[] = {"--help", "-h", "help"};
    static const char *const versions[] = {"--version", "-V", "version"};
    for (size_t k = 0; k < sizeof helps / sizeof *helps; k++) {
        ck_assert_ptr_nonnull(strstr(ask(helps[k], NULL), "Usage: lstmd"));
        ck_assert_ptr_nonnull(strstr(ask(versions[k], NULL), "lstmd " LSTM_VERSION));
    }
}
END_TEST

START_TEST(test_docs_manual_page_has_every_option_route_and_metric)
{
    const char *const text = ask("man", NULL);
    assert_every_option(text, "lstmd.8", "\\-\\-", "\\-");
    for (const struct route *route = routes; route->method != NULL; route++) {
        char path[128], line[256];
        write_name("", route->path, "\\-", path);
        snprintf(line, sizeof line, ".TP\n\\fB%s\\fR \\fI%s\\fR\n", route->method, path);
        ck_assert_msg(strstr(text, line) != NULL, "lstmd.8 does not have %s", line);
    }
    for (size_t i = 0; i < N_METRICS; i++)
        ck_assert_msg(has_word(text, metric_families[i].name), "lstmd.8 does not have %s",
                      metric_families[i].name);
}
END_TEST

START_TEST(test_docs_completion_of_each_shell_has_every_option)
{
    static const struct {
        const char *shell, *dashes;
    } shells[] = {{"bash", "--"}, {"zsh", "'--"}, {"fish", "-l "}};
    assert_every_option(ask("completion", shells[_i].shell), shells[_i].shell, shells[_i].dashes,
                        "-");
}
END_TEST

/* The files one behind the other; new. */
static char *read_documents(const char *const *paths)
{
    char *text = NULL;
    size_t n = 0;
    for (; *paths != NULL; paths++) {
        size_t more;
        char *const file = temp_file_read(*paths, &more);
        text = realloc(text, n + more + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text + n, file, more + 1);
        n += more;
        free(file);
    }
    return text;
}

START_TEST(test_docs_documents_have_every_option)
{
    static const char *const paths[] = {"README.md", "models/README.md", "CONTRIBUTING.md", NULL};
    char *const text = read_documents(paths);
    assert_every_option(text, "no document", "--", "-");
    free(text);
}
END_TEST

START_TEST(test_docs_readme_has_every_route_and_metric)
{
    static const char *const paths[] = {"README.md", NULL};
    char *const text = read_documents(paths);
    for (const struct route *route = routes; route->method != NULL; route++) {
        char line[256];
        snprintf(line, sizeof line, "`%s %s`", route->method, route->path);
        ck_assert_msg(strstr(text, line) != NULL, "README.md does not have %s", line);
    }
    for (size_t i = 0; i < N_METRICS; i++)
        ck_assert_msg(has_word(text, metric_families[i].name), "README.md does not have %s",
                      metric_families[i].name);
    free(text);
}
END_TEST

/* What clients/README.md shows of each kind of route: the end of its path. */
START_TEST(test_docs_clients_readme_shows_every_kind_of_route)
{
    static const char *const paths[] = {"clients/README.md", NULL};
    char *const text = read_documents(paths);
    for (const struct route *route = routes; route->method != NULL; route++) {
        const char *const end = route->path + strlen(route->path);
        const char *kind = end;
        while (kind > route->path && *kind != '/' && *kind != ':')
            kind--;
        /* A path that ends with a variable part is shown with the route that it is a part of. */
        if (kind[1] != '{')
            ck_assert_msg(has_word(text, kind), "clients/README.md does not show %s %s",
                          route->method, route->path);
    }
    free(text);
}
END_TEST

START_TEST(test_docs_has_word_knows_words)
{
    ck_assert(has_word("--port N", "--port"));
    ck_assert(has_word("--ports, --port", "--port"));
    ck_assert(!has_word("--ports, --port-range", "--port"));
    ck_assert(!has_word("\\-\\-port\\-range", "\\-\\-port"));
    ck_assert(has_word("\\-\\-port\\fR", "\\-\\-port"));
}
END_TEST

Suite *suite_docs(void)
{
    Suite *suite = suite_create("docs");
    TCase *tcase = tcase_create("docs");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_docs_help_has_every_option_of_its_command);
    tcase_add_test(tcase, test_docs_help_and_version_have_their_usual_names);
    tcase_add_test(tcase, test_docs_manual_page_has_every_option_route_and_metric);
    tcase_add_loop_test(tcase, test_docs_completion_of_each_shell_has_every_option, 0, 3);
    tcase_add_test(tcase, test_docs_documents_have_every_option);
    tcase_add_test(tcase, test_docs_readme_has_every_route_and_metric);
    tcase_add_test(tcase, test_docs_clients_readme_shows_every_kind_of_route);
    tcase_add_test(tcase, test_docs_has_word_knows_words);
    suite_add_tcase(suite, tcase);
    return suite;
}
