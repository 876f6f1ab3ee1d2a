/* reader_saved_model.c: SavedModel folders. SPDX-License-Identifier: Apache-2.0
 *
 * The variables are a checkpoint. One of TensorFlow 1 names them as its graph did. One of
 * TensorFlow 2 names them by their place among the model's objects; its object graph tells the name
 * that each had, and Keras' description of the layers lies in keras_metadata.pb (TensorFlow 2.5 and
 * later) or in saved_model.pb. Protocol buffers: TensorFlow core/protobuf/{saved_model,meta_graph,
 * saved_object_graph,trackable_object_graph}.proto, Keras saved_metadata.proto. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/import/keras_config.h"
#include "core/import/protobuf.h"
#include "core/import/readers.h"
#include "core/import/tf_bundle.h"
#include "core/import/tf_graph.h"
#include "core/status.h"

#define INDEX_FILE    "variables/variables.index"
#define PREFIX        "variables/variables"
#define METADATA_FILE "keras_metadata.pb"
#define GRAPH_FILE    "saved_model.pb"

enum { MAX_NAME_BYTES = 512 };

/* What open() leaves for plan(). */
struct saved_model {
    struct doc *root;            /* metadata of the model's root object; NULL: it is not of Keras */
    struct tf_graph_facts facts; /* of one that is not */
};

static bool probe(const struct import_source *source)
{
    return source->is_folder &&
           (import_has(source, GRAPH_FILE) || import_has(source, "saved_model.pbtxt")) &&
           import_has(source, INDEX_FILE);
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* "lstm/lstm/lstm_cell/kernel:0" for the variable "lstm/lstm_cell/kernel", as Keras' HDF5 files
 * have it: one recogniser serves both. NULL: no memory. */
static const char *hdf5_name(struct import_source *source, const struct protobuf_field *full)
{
    char name[2 * MAX_NAME_BYTES + 8];
    const char *text = (const char *)full->bytes;
    const char *slash = memchr(text, '/', full->n);
    const int first = slash == NULL ? 0 : (int)(slash - text) + 1;
    const int n = snprintf(name, sizeof name, "%.*s%.*s:0", first, text, (int)full->n, text);
    return import_text(source, name, (size_t)n);
}

/* A TrackableObject's attribute: the variable's full name and its key in the checkpoint. */
static enum lstm_status rename_variable(struct import_source *source,
                                        const struct import_source *found,
                                        const struct protobuf_field *attribute,
                                        struct lstm_error *error)
{
    struct protobuf_field full, key;
    char text[MAX_NAME_BYTES];
    const struct protobuf message = protobuf_enter(attribute);
    if (!protobuf_find(message, 2, &full) || !protobuf_find(message, 3, &key) || full.n == 0 ||
        full.n >= MAX_NAME_BYTES || key.n >= MAX_NAME_BYTES ||
        memchr(full.bytes, '\0', full.n) != NULL)
        return LSTM_OK;
    memcpy(text, key.bytes, key.n);
    text[key.n] = '\0';
    const struct import_array *array = import_find(found, text);
    if (array == NULL)
        return LSTM_OK;
    struct import_array renamed = *array;
    renamed.name = hdf5_name(source, &full);
    if (renamed.name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for its variables");
    return import_find(source, renamed.name) != NULL ? LSTM_OK
                                                     : import_add_array(source, &renamed, error);
}

/* Adds each variable of the graph (a TrackableObjectGraph) again, under its own name. */
static enum lstm_status add_full_names(struct import_source *source, const struct tf_bundle *bundle,
                                       struct lstm_error *error)
{
    struct protobuf graph = protobuf_begin(bundle->graph, bundle->graph_bytes);
    struct protobuf_field node, attribute;
    enum lstm_status status = LSTM_OK;
    while (status == LSTM_OK && protobuf_next(&graph, &node)) {
        struct protobuf object = protobuf_enter(&node);
        while (status == LSTM_OK && node.number == 1 && protobuf_next(&object, &attribute))
            if (attribute.number == 2 && attribute.wire == PROTOBUF_BYTES)
                status = rename_variable(source, source, &attribute, error);
    }
    if (status == LSTM_OK && graph.is_broken)
        return lstm_fail(error, LSTM_FORMAT, "its object graph is damaged at byte %zu",
                         protobuf_offset(&graph));
    return status;
}

/* ---- Keras' description --------------------------------------------------------------------- */

static bool is_keras(const struct protobuf_field *identifier)
{
    static const char begin[] = "_tf_keras_";
    return identifier->n >= sizeof begin - 1 &&
           memcmp(identifier->bytes, begin, sizeof begin - 1) == 0;
}

/* The metadata text of the root among the nodes of a SavedMetadata; false: there is none. */
static bool find_metadata(const unsigned char *bytes, size_t n, struct protobuf_field *text)
{
    struct protobuf message = protobuf_begin(bytes, n);
    struct protobuf_field node, path, identifier;
    while (protobuf_next(&message, &node))
        if (node.number == 1 && protobuf_find(protobuf_enter(&node), 3, &path) &&
            protobuf_is_text(&path, "root") &&
            protobuf_find(protobuf_enter(&node), 4, &identifier) && is_keras(&identifier))
            return protobuf_find(protobuf_enter(&node), 5, text);
    return false;
}

/* The same in a SavedModel: the first object of the object graph of its first graph. */
static bool find_in_graph(const unsigned char *bytes, size_t n, struct protobuf_field *text)
{
    struct protobuf_field meta_graph, graph, node, object, identifier;
    if (!protobuf_find(protobuf_begin(bytes, n), 2, &meta_graph) ||
        !protobuf_find(protobuf_enter(&meta_graph), 7, &graph))
        return false;
    struct protobuf nodes = protobuf_enter(&graph);
    while (protobuf_next(&nodes, &node))
        if (node.number == 1)
            return protobuf_find(protobuf_enter(&node), 4, &object) &&
                   protobuf_find(protobuf_enter(&object), 1, &identifier) &&
                   is_keras(&identifier) && protobuf_find(protobuf_enter(&object), 3, text) &&
                   text->n > 0;
    return false;
}

static const char *activation_of(const struct import_source *source, const char *matrix)
{
    return tf_graph_activation(&((const struct saved_model *)source->state)->facts, matrix);
}

static enum lstm_status read_description(struct import_source *source, struct saved_model *saved,
                                         struct lstm_error *error)
{
    struct protobuf_field text;
    const unsigned char *bytes = NULL;
    size_t n = 0;
    bool found = false;
    if (import_has(source, METADATA_FILE)) {
        const enum lstm_status status = import_map(source, METADATA_FILE, &bytes, &n, error);
        if (status != LSTM_OK)
            return status;
        found = find_metadata(bytes, n, &text);
        n = found ? n : 0;
    }
    if (!found && import_has(source, GRAPH_FILE)) {
        const enum lstm_status status = import_map(source, GRAPH_FILE, &bytes, &n, error);
        if (status != LSTM_OK)
            return status;
        found = find_in_graph(bytes, n, &text);
    }
    if (!found) {
        source->activation_of = activation_of;
        return tf_graph_read(source, bytes, n, &saved->facts, error);
    }
    const enum lstm_status status =
        doc_parse((const char *)text.bytes, text.n, &saved->root, error);
    if (status == LSTM_INVALID)
        return lstm_fail_in(error, LSTM_FORMAT, "the model's description in " METADATA_FILE);
    return status;
}

static enum lstm_status open_folder(struct import_source *source, struct lstm_error *error)
{
    struct saved_model *saved = import_allocate(source, sizeof *saved);
    struct tf_bundle bundle;
    const unsigned char *bytes;
    size_t n;
    if (saved == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a SavedModel");
    source->state = saved;
    enum lstm_status status = import_map(source, INDEX_FILE, &bytes, &n, error);
    if (status == LSTM_OK)
        status = tf_bundle_read(source, bytes, n, PREFIX, &bundle, error);
    if (status == LSTM_OK && bundle.graph != NULL)
        status = add_full_names(source, &bundle, error);
    return status == LSTM_OK ? read_description(source, saved, error) : status;
}

static void close_folder(struct import_source *source)
{
    const struct saved_model *saved = source->state;
    if (saved != NULL)
        doc_destroy(saved->root);
}

/* The variables' names tell the network, the graph what they do not; options win over it. */
static enum lstm_status plan_by_graph(struct import_source *source,
                                      const struct lstm_import_options *options,
                                      struct import_plan *plan, struct lstm_error *error)
{
    const struct tf_graph_facts *facts = &((const struct saved_model *)source->state)->facts;
    struct lstm_import_options known = *options;
    if (known.activation == NULL && facts->activation != NULL) {
        known.activation = facts->activation;
        import_note(source, "the activation of the cells is %s: the graph says so",
                    facts->activation);
    }
    if (isnan(known.forget_bias) && !isnan(facts->forget_bias)) {
        known.forget_bias = facts->forget_bias;
        import_note(source, "forget_bias is %g: the graph says so", facts->forget_bias);
    }
    if (known.output_activation == NULL && facts->output_activation != NULL) {
        known.output_activation = facts->output_activation;
        import_note(source, "the activation of the last dense layer is %s: the graph says so",
                    facts->output_activation);
    }
    return import_plan_by_names(source, &known, plan, error);
}

/* The root's metadata is the model's configuration with more keys, its version among them. */
static enum lstm_status plan(struct import_source *source,
                             const struct lstm_import_options *options, struct import_plan *plan,
                             struct lstm_error *error)
{
    const struct saved_model *saved = source->state;
    const struct doc *config = doc_get(saved->root, "model_config");
    const char *version = "2";
    if (saved->root == NULL)
        return plan_by_graph(source, options, plan, error);
    doc_text(doc_get(saved->root, "keras_version"), &version);
    const struct keras_model model = {.config = config != NULL ? config : saved->root,
                                      .generation = keras_generation(version),
                                      .prefix = ""};
    return keras_config_plan(source, &model, plan, error);
}

const struct import_reader reader_saved_model = {.name = "saved-model",
                                                 .title = "TensorFlow SavedModel",
                                                 .probe = probe,
                                                 .open = open_folder,
                                                 .plan = plan,
                                                 .close = close_folder};
