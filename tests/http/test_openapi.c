/* test_openapi.c: the document at /openapi.json is JSON, names every route, and its references
 * lead somewhere. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "server/openapi.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"

Suite *suite_openapi(void);

static json_t *document;
static struct daemon server;

static void setup(void)
{
    struct client client;
    struct client_answer answer;
    daemon_start(&server, "models", NULL);
    client_init(&client, server.url);
    client_get(&client, "/openapi.json", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(client_answer_field(&answer, "Content-Type"), "application/json");
    json_error_t failure;
    document = json_loads(answer.body, JSON_REJECT_DUPLICATES, &failure);
    ck_assert_msg(document != NULL, "byte %d: %s", failure.position, failure.text);
    client_answer_release(&answer);
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}

static void teardown(void)
{
    json_decref(document);
}

static json_t *operation_of(const struct route *route)
{
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    json_t *const path = json_object_get(json_object_get(document, "paths"), route->path);
    return json_object_get(path, method);
}

START_TEST(test_openapi_head_says_what_it_is)
{
    ck_assert_str_eq(json_string_value(json_object_get(document, "openapi")), "3.0.3");
    json_t *const info = json_object_get(document, "info");
    ck_assert_str_eq(json_string_value(json_object_get(info, "title")), "lstmd");
    ck_assert_str_eq(json_string_value(json_object_get(info, "version")), LSTM_VERSION);
}
END_TEST

START_TEST(test_openapi_every_route_is_an_operation_with_summary_and_answer)
{
    size_t n_routes = 0, n_operations = 0;
    const char *key;
    json_t *path;
    for (const struct route *route = routes; route->method != NULL; route++, n_routes++) {
        json_t *const operation = operation_of(route);
        ck_assert_msg(operation != NULL, "no %s %s", route->method, route->path);
        ck_assert_str_eq(json_string_value(json_object_get(operation, "summary")), route->summary);
        ck_assert_uint_eq(json_object_size(json_object_get(operation, "responses")), 3);
        ck_assert_msg(openapi_find_body(route->name) != NULL,
                      "openapi_schemas.c has no row for the route %s", route->name);
    }
    json_object_foreach(json_object_get(document, "paths"), key, path) n_operations +=
        json_object_size(path);
    ck_assert_uint_eq(n_operations, n_routes);
}
END_TEST

START_TEST(test_openapi_operation_ids_are_unique)
{
    json_t *const seen = json_object();
    for (const struct route *route = routes; route->method != NULL; route++) {
        const char *id = json_string_value(json_object_get(operation_of(route), "operationId"));
        ck_assert_ptr_nonnull(id);
        ck_assert_msg(json_object_get(seen, id) == NULL, "%s is there twice", id);
        json_object_set_new(seen, id, json_true());
    }
    json_decref(seen);
}
END_TEST

/* Follows "#/components/schemas/Error". */
static json_t *resolve(const char *reference)
{
    char key[64];
    json_t *at = document;
    ck_assert_int_eq(reference[0], '#');
    for (const char *part = reference + 1; *part == '/'; part += 1 + strlen(key)) {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(part + 1, "/"), part + 1);
        at = json_object_get(at, key);
    }
    return at;
}

/* Every path's variable parts are declared, and nothing else is "in": "path". */
START_TEST(test_openapi_parameters_are_those_of_the_path)
{
    for (const struct route *route = routes; route->method != NULL; route++) {
        size_t i, n_declared = 0, n_parts = 0;
        json_t *reference;
        for (const char *c = route->path; *c != '\0'; c++)
            n_parts += *c == '{';
        json_array_foreach(json_object_get(operation_of(route), "parameters"), i, reference)
        {
            char part[32];
            json_t *const found = resolve(json_string_value(json_object_get(reference, "$ref")));
            if (strcmp(json_string_value(json_object_get(found, "in")), "path") != 0)
                continue;
            snprintf(part, sizeof part, "{%s}", json_string_value(json_object_get(found, "name")));
            ck_assert_msg(strstr(route->path, part) != NULL, "%s in %s", part, route->path);
            ck_assert(json_is_true(json_object_get(found, "required")));
            n_declared++;
        }
        ck_assert_msg(n_declared == n_parts, "%zu parameters for %s", n_declared, route->path);
    }
}
END_TEST

static void check_references(json_t *value)
{
    const char *key;
    size_t i;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        if (strcmp(key, "$ref") == 0)
            ck_assert_msg(resolve(json_string_value(member)) != NULL, "%s leads nowhere",
                          json_string_value(member));
        check_references(member);
    }
    json_array_foreach(value, i, member) check_references(member);
}

START_TEST(test_openapi_references_lead_somewhere)
{
    check_references(document);
}
END_TEST

/* A row that no route has any more, or a schema that nobody refers to. */
START_TEST(test_openapi_tables_have_nothing_that_is_not_used)
{
    char *const text = json_dumps(document, JSON_COMPACT);
    for (const struct openapi_body *body = openapi_bodies; body->route != NULL; body++) {
        const struct route *route = routes;
        while (route->method != NULL && strcmp(route->name, body->route) != 0)
            route++;
        ck_assert_msg(route->method != NULL, "no route has the name %s", body->route);
    }
    for (const struct openapi_schema *schema = openapi_schemas; schema->name != NULL; schema++) {
        char reference[96];
        snprintf(reference, sizeof reference, "\"#/components/schemas/%s\"", schema->name);
        ck_assert_msg(strstr(text, reference) != NULL, "nobody refers to %s", schema->name);
    }
    free(text);
}
END_TEST

Suite *suite_openapi(void)
{
    Suite *suite = suite_create("openapi");
    TCase *tcase = tcase_create("openapi");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_openapi_head_says_what_it_is);
    tcase_add_test(tcase, test_openapi_every_route_is_an_operation_with_summary_and_answer);
    tcase_add_test(tcase, test_openapi_operation_ids_are_unique);
    tcase_add_test(tcase, test_openapi_parameters_are_those_of_the_path);
    tcase_add_test(tcase, test_openapi_references_lead_somewhere);
    tcase_add_test(tcase, test_openapi_tables_have_nothing_that_is_not_used);
    suite_add_tcase(suite, tcase);
    return suite;
}
