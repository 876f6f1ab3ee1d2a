/* openapi.c: writes the document. SPDX-License-Identifier: Apache-2.0 */
#include "server/openapi.h"

#include <ctype.h>
#include <string.h>

#include "server/json_text.h"
#include "server/keys.h"

/* The variable parts of paths. */
static const struct {
    const char *name, *description, *pattern;
} parts[] = {{"model", "Name of a model.", "^[A-Za-z0-9_.-]+$"},
             {"version", "Number of a version.", "^[0-9]+$"},
             {"label", "Label of a version.", ".+"},
             {"session", "Name of a session.", ".+"},
             {"file", "Name of a file of the demo page.", ".+"}};

enum { N_PARTS = sizeof parts / sizeof *parts };

static const char head[] =
    "{'openapi':'3.0.3','info':{'title':'lstmd','version':'" LSTM_VERSION "','description':"
    "'Inference server for recurrent networks, with the REST interface of TensorFlow Serving.',"
    "'license':{'name':'Apache-2.0','url':'https://www.apache.org/licenses/LICENSE-2.0'}},"
    "'servers':[{'url':'/'}],'paths':{";

static const char octets[] =
    ",'application/octet-stream':{'schema':{'type':'string','format':'binary',"
    "'description':'Whole instances of a model with fixed steps: little-endian float32, or bytes "
    "with dtype=uint8.'}},'image/png':{'schema':{'type':'string','format':'binary',"
    "'description':'A digit, for a model of 28x28 inputs.'}}";

static const char inference_parameters[] =
    ",{'$ref':'#/components/parameters/dtype'},{'$ref':'#/components/parameters/timeout'}";

static const char components[] =
    "'dtype':{'name':'dtype','in':'query','description':'What raw bytes are.',"
    "'schema':{'type':'string','enum':['float32','uint8'],'default':'float32'}},"
    "'request_id':{'name':'X-Request-Id','in':'header','description':'Comes back with the answer "
    "and in the log.','schema':{'type':'string','maxLength':64}},"
    "'timeout':{'name':'X-Request-Timeout-Ms','in':'header','description':'Milliseconds after "
    "which "
    "the answer is worth nothing: then it is a 504.','schema':{'type':'integer','minimum':1}}},"
    "'responses':{'error':{'description':'It was refused or failed.',"
    "'headers':{'Retry-After':{'description':'Seconds after which to try again, of a 429 or 503.',"
    "'schema':{'type':'integer'}}},"
    "'content':{'application/json':{'schema':{'$ref':'#/components/schemas/Error'}}}}},"
    "'securitySchemes':{'bearer':{'type':'http','scheme':'bearer'},"
    "'key':{'type':'apiKey','in':'header','name':'X-API-Key'}}}}";

/* JSON written with ' for ". */
static void append_quoted(struct buf *out, const char *text)
{
    while (*text != '\0') {
        const size_t n = strcspn(text, "'");
        buf_append(out, text, n);
        text += n;
        if (*text == '\'') {
            buf_text(out, "\"");
            text++;
        }
    }
}

static void append_text(struct buf *out, const char *text)
{
    json_append_string(out, text, strlen(text));
}

static bool has_part(const char *path, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{'))
        if (strncmp(at + 1, name, n) == 0 && at[1 + n] == '}')
            return true;
    return false;
}

/* Several routes may have one name; what their paths name besides the model tells them apart. */
static void append_operation_id(struct buf *out, const struct route *route)
{
    buf_printf(out, "\"operationId\":\"%s", route->name);
    for (size_t k = 1; k < N_PARTS; k++)
        if (has_part(route->path, parts[k].name) && strstr(route->name, parts[k].name) == NULL)
            buf_printf(out, "_%s", parts[k].name);
    buf_text(out, "\"");
}

static void append_parameters(struct buf *out, const struct route *route,
                              const struct openapi_body *body)
{
    append_quoted(out, ",'parameters':[{'$ref':'#/components/parameters/request_id'}");
    for (size_t k = 0; k < N_PARTS; k++)
        if (has_part(route->path, parts[k].name))
            buf_printf(out, ",{\"$ref\":\"#/components/parameters/%s\"}", parts[k].name);
    if (body->takes_octets)
        append_quoted(out, inference_parameters);
    buf_text(out, "]");
}

static void append_content(struct buf *out, const char *type, const char *schema)
{
    buf_printf(out, "\"content\":{\"%s\":{\"schema\":", type == NULL ? "application/json" : type);
    if (schema == NULL)
        buf_text(out, "{\"type\":\"string\"}}");
    else
        buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}}", schema);
}

static void append_bodies(struct buf *out, const struct openapi_body *body)
{
    if (body->request != NULL) {
        buf_text(out, ",\"requestBody\":{\"required\":true,");
        append_content(out, NULL, body->request);
        if (body->takes_octets)
            append_quoted(out, octets);
        buf_text(out, "}}");
    }
    buf_printf(out, ",\"responses\":{\"%d\":{\"description\":\"Done.\",",
               body->status == 0 ? 200 : body->status);
    append_content(out, body->answer_type, body->answer);
    append_quoted(out, "}},'4XX':{'$ref':'#/components/responses/error'},"
                       "'5XX':{'$ref':'#/components/responses/error'}}");
}

static void append_operation(struct buf *out, const struct route *route)
{
    static const struct openapi_body unknown = {.answer_type = "application/json"};
    const struct openapi_body *body = openapi_find_body(route->name);
    body = body == NULL ? &unknown : body;
    buf_text(out, "\"");
    for (const char *c = route->method; *c != '\0'; c++)
        buf_printf(out, "%c", tolower((unsigned char)*c));
    buf_text(out, "\":{");
    append_operation_id(out, route);
    buf_text(out, ",\"summary\":");
    append_text(out, route->summary);
    append_parameters(out, route, body);
    append_bodies(out, body);
    append_quoted(out, route->scope == SCOPE_NONE ? ",'security':[]"
                                                  : ",'security':[{},{'bearer':[]},{'key':[]}]");
    buf_text(out, "}");
}

/* The first route of each path stands for all that have it. */
static bool is_first(const struct route *table, const struct route *route)
{
    while (strcmp(table->path, route->path) != 0)
        table++;
    return table == route;
}

static void append_paths(struct buf *out, const struct route *table)
{
    for (const struct route *path = table; path->method != NULL; path++) {
        if (!is_first(table, path))
            continue;
        buf_text(out, path == table ? "" : ",");
        append_text(out, path->path);
        buf_text(out, ":{");
        for (const struct route *route = path; route->method != NULL; route++) {
            if (strcmp(route->path, path->path) != 0)
                continue;
            buf_text(out, route == path ? "" : ",");
            append_operation(out, route);
        }
        buf_text(out, "}");
    }
}

void openapi_write(const struct route *table, struct buf *out)
{
    append_quoted(out, head);
    append_paths(out, table);
    append_quoted(out, "},'components':{'schemas':{");
    for (const struct openapi_schema *schema = openapi_schemas; schema->name != NULL; schema++) {
        buf_printf(out, "%s\"%s\":", schema == openapi_schemas ? "" : ",", schema->name);
        append_quoted(out, schema->schema);
    }
    append_quoted(out, "},'parameters':{");
    for (size_t k = 0; k < N_PARTS; k++) {
        buf_printf(out, "\"%s\":{\"name\":\"%s\",\"in\":\"path\",\"required\":true,", parts[k].name,
                   parts[k].name);
        buf_text(out, "\"description\":");
        append_text(out, parts[k].description);
        buf_text(out, ",\"schema\":{\"type\":\"string\",\"pattern\":");
        append_text(out, parts[k].pattern);
        buf_text(out, "}},");
    }
    append_quoted(out, components);
}
