/* import.c: the public face of the importers. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/build.h"
#include "core/import/source.h"
#include "core/layer_pooling.h"
#include "core/model.h"
#include "core/status.h"
#include "core/trainer.h"

struct lstm_source {
    struct import_source source;
    const struct import_reader *reader;
    struct import_plan plan; /* of the network that was recognised last */
    struct spec *spec;       /* its description; NULL: none */
};

bool lstm_source_format(size_t k, const char **name, const char **title)
{
    for (size_t i = 0; i <= k; i++)
        if (import_readers[i] == NULL)
            return false;
    *name = import_readers[k]->name;
    *title = import_readers[k]->title;
    return true;
}

/* Parts of names that people give in the place of another's. Contents decide what a source is; the
 * name only helps whoever gave what is none. */
static const struct {
    const char *part, *advice;
} advices[] = {
    {"saved_model.pb", "give the folder that it lies in"},
    {".data-0", "it holds the values of a checkpoint; give the .index file beside it"},
    {"keras_metadata.pb", "give the folder that it lies in"},
    {".meta", "it holds a graph without weights; give the .index file beside it"},
    {".npz",
     "NumPy's arrays say nothing of a network; save them as safetensors, under the names of "
     "PyTorch's or TensorFlow 1's variables"},
    {".pkl", "a pickle is a program, which is not run; save weights by "
             "torch.save(model.state_dict(), path) or as safetensors"},
    {".tflite", "TensorFlow Lite is not supported; convert the model that it was made of"},
};

/* The same of files that a folder may have. */
static const struct {
    const char *file, *advice;
} folder_advices[] = {
    {"variables.index",
     "it has the variables of a SavedModel; give the folder around it, which has "
     "saved_model.pb"},
    {"1/model.json", "it has versions of a model of lstmd; give one of them, as \"1\" in it"},
};

static enum lstm_status fail_folder(const struct import_source *source, struct lstm_error *error)
{
    for (size_t i = 0; i < sizeof folder_advices / sizeof *folder_advices; i++)
        if (import_has(source, folder_advices[i].file))
            return lstm_fail(error, LSTM_UNSUPPORTED, "no model can be made of this folder: %s",
                             folder_advices[i].advice);
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "the folder is no SavedModel, no model of lstmd (model.json), and has no "
                     "file `checkpoint` that names one; give a file in it");
}

static enum lstm_status fail_unknown(const struct import_source *source, struct lstm_error *error)
{
    const char *slash = strrchr(source->path, '/');
    const char *name = slash == NULL ? source->path : slash + 1;
    if (source->is_folder)
        return fail_folder(source, error);
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (strstr(name, advices[i].part) != NULL)
            return lstm_fail(error, LSTM_UNSUPPORTED, "no model can be made of this file alone: %s",
                             advices[i].advice);
    if (source->n == 0)
        return lstm_fail(error, LSTM_UNSUPPORTED, "the file is empty");
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "its content is of no known format: no TensorFlow checkpoint (.index), "
                     "Keras, PyTorch, safetensors or ONNX file");
}

static enum lstm_status find_reader(const struct import_source *source, const char *format,
                                    const struct import_reader **found, struct lstm_error *error)
{
    for (size_t i = 0; import_readers[i] != NULL; i++) {
        const struct import_reader *reader = import_readers[i];
        if (format != NULL ? strcmp(reader->name, format) == 0 : reader->probe(source)) {
            *found = reader;
            return LSTM_OK;
        }
    }
    if (format != NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "'%.40s' is no format; `lstmd inspect` tells that of a file", format);
    return fail_unknown(source, error);
}

/* Takes what was initialised in *source. */
static enum lstm_status finish_open(struct lstm_source *source, const char *format,
                                    struct lstm_source **opened, struct lstm_error *error)
{
    enum lstm_status status = find_reader(&source->source, format, &source->reader, error);
    if (status == LSTM_OK)
        status = source->reader->open(&source->source, error);
    if (status == LSTM_OK) {
        *opened = source;
        return LSTM_OK;
    }
    lstm_fail_in(error, status, "%.120s", source->source.path);
    lstm_source_destroy(source);
    return status;
}

static enum lstm_status allocate(struct lstm_source **source, struct lstm_error *error)
{
    *source = calloc(1, sizeof **source);
    if (*source != NULL)
        (*source)->plan.layers = calloc(IMPORT_MAX_LAYERS, sizeof *(*source)->plan.layers);
    if (*source != NULL && (*source)->plan.layers != NULL)
        return LSTM_OK;
    free(*source);
    *source = NULL;
    return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a source");
}

enum lstm_status lstm_source_open(const char *path, const char *format, struct lstm_source **source,
                                  struct lstm_error *error)
{
    struct lstm_source *made;
    *source = NULL;
    enum lstm_status status = allocate(&made, error);
    if (status != LSTM_OK)
        return status;
    status = source_init(&made->source, path, error);
    if (status == LSTM_OK)
        return finish_open(made, format, source, error);
    lstm_source_destroy(made);
    return status;
}

enum lstm_status lstm_source_parse(const struct lstm_source_file *files, size_t n_files,
                                   const char *format, struct lstm_source **source,
                                   struct lstm_error *error)
{
    struct lstm_source *made;
    *source = NULL;
    enum lstm_status status = allocate(&made, error);
    if (status != LSTM_OK)
        return status;
    status = source_init_files(&made->source, files, n_files, error);
    if (status == LSTM_OK)
        return finish_open(made, format, source, error);
    lstm_source_destroy(made);
    return status;
}

static void forget_network(struct lstm_source *source)
{
    spec_release(source->spec);
    source->spec = NULL;
}

void lstm_source_destroy(struct lstm_source *source)
{
    if (source == NULL)
        return;
    forget_network(source);
    if (source->reader != NULL && source->reader->close != NULL)
        source->reader->close(&source->source);
    source_release(&source->source);
    free(source->plan.layers);
    free(source);
}

const char *lstm_source_name(const struct lstm_source *source)
{
    return source->reader->name;
}

const char *lstm_source_title(const struct lstm_source *source)
{
    return source->reader->title;
}

size_t lstm_source_n_arrays(const struct lstm_source *source)
{
    return source->source.n_arrays;
}

struct lstm_source_array lstm_source_array(const struct lstm_source *source, size_t k)
{
    const struct import_array *array = &source->source.arrays[k];
    size_t bytes = import_dtype_bytes(array->dtype);
    for (size_t i = 0; i < array->rank; i++)
        bytes *= array->shape[i];
    return (struct lstm_source_array){.name = array->name,
                                      .dtype = import_dtype_name(array->dtype),
                                      .rank = array->rank,
                                      .shape = array->shape,
                                      .bytes = bytes};
}

size_t lstm_source_n_notes(const struct lstm_source *source)
{
    return source->source.n_notes;
}

const char *lstm_source_note(const struct lstm_source *source, size_t k)
{
    return source->source.notes[k];
}

/* What every format does with the options that no reader looks at. */
static void apply_options(struct import_plan *plan, const struct lstm_import_options *options)
{
    if (options->steps > 0)
        plan->steps = options->steps;
    if (options->scale != 0 && isfinite(options->scale))
        plan->scale = options->scale;
}

/* Behind the last recurrent layer. */
static enum lstm_status add_pooling(struct import_plan *plan,
                                    const struct lstm_import_options *options,
                                    struct lstm_error *error)
{
    size_t k = plan->n_layers, which = 0;
    struct import_layer *added;
    if (options->pooling == NULL)
        return LSTM_OK;
    while (pooling_names[which] != NULL && strcmp(options->pooling, pooling_names[which]) != 0)
        which++;
    if (pooling_names[which] == NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "--pooling: expected mean, max or last, found '%.40s'", options->pooling);
    if (options->return_sequences)
        return lstm_fail(error, LSTM_INVALID,
                         "--pooling and --return-sequences exclude each other: one row of all "
                         "steps, or a row for each");
    enum lstm_status status = import_add_layer(plan, IMPORT_POOLING, "", &added, error);
    if (status != LSTM_OK)
        return status;
    for (; k > 0 && !build_is_recurrent(&plan->layers[k - 1]); k--)
        plan->layers[k] = plan->layers[k - 1];
    plan->layers[k] = (struct import_layer){.kind = IMPORT_POOLING, .reduce = pooling_names[which]};
    if (k > 0)
        plan->layers[k - 1].return_sequences = true;
    return LSTM_OK;
}

/* An option that changes nothing would let its user believe that it does. */
static enum lstm_status check_options(const struct import_source *source,
                                      const struct lstm_import_options *options,
                                      struct lstm_error *error)
{
    const struct {
        const char *name;
        bool is_given;
    } given[] = {
#define X(id, name, is_given) [IMPORT_OPTION_##id] = {name, is_given},
        IMPORT_OPTION_LIST(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i].is_given && (source->used >> i & 1) == 0)
            return lstm_fail(error, LSTM_INVALID,
                             "%s has nothing to change here: the source says it itself, or has no "
                             "such part; leave it out",
                             given[i].name);
    return LSTM_OK;
}

static enum lstm_status plan_network(struct lstm_source *source,
                                     const struct lstm_import_options *options,
                                     struct lstm_error *error)
{
    struct import_layer *const layers = source->plan.layers;
    memset(layers, 0, IMPORT_MAX_LAYERS * sizeof *layers);
    source->plan = (struct import_plan){.layers = layers};
    enum lstm_status status = source->reader->plan(&source->source, options, &source->plan, error);
    if (status == LSTM_OK)
        status = check_options(&source->source, options, error);
    if (status == LSTM_OK)
        status = add_pooling(&source->plan, options, error);
    if (status != LSTM_OK)
        return status;
    apply_options(&source->plan, options);
    return import_describe(&source->plan, options->labels, options->n_labels, &source->spec, error);
}

/* Of a source that is a whole model already. */
static enum lstm_status read_model(struct lstm_source *source,
                                   const struct lstm_import_options *options,
                                   struct lstm_model **model, struct lstm_error *error)
{
    enum lstm_status status = check_options(&source->source, options, error);
    if (status == LSTM_OK)
        status = source->reader->load(&source->source, model, error);
    if (status == LSTM_OK)
        source->spec = spec_retain((*model)->spec);
    return status;
}

static enum lstm_status fail_in_source(const struct lstm_source *source, enum lstm_status status,
                                       struct lstm_error *error)
{
    return status == LSTM_OK ? LSTM_OK : lstm_fail_in(error, status, "%.120s", source->source.path);
}

/* *model is new; NULL if there is a plan to make it of. */
static enum lstm_status recognise(struct lstm_source *source,
                                  const struct lstm_import_options *options,
                                  struct lstm_model **model, struct lstm_error *error)
{
    const struct lstm_import_options conventions = {.forget_bias = (double)NAN};
    if (options == NULL)
        options = &conventions;
    *model = NULL;
    forget_network(source);
    source->source.n_notes = 0;
    source->source.used = 0;
    const enum lstm_status status = source->reader->load != NULL
                                        ? read_model(source, options, model, error)
                                        : plan_network(source, options, error);
    return fail_in_source(source, status, error);
}

enum lstm_status lstm_source_recognise(struct lstm_source *source,
                                       const struct lstm_import_options *options,
                                       struct lstm_error *error)
{
    struct lstm_model *model;
    const enum lstm_status status = recognise(source, options, &model, error);
    lstm_model_destroy(model);
    return status;
}

size_t lstm_source_n_layers(const struct lstm_source *source)
{
    return source->spec != NULL ? source->spec->n_layers : 0;
}

struct lstm_layer_info lstm_source_layer(const struct lstm_source *source, size_t k)
{
    return spec_layer_info(source->spec, k);
}

enum lstm_status lstm_source_model(struct lstm_source *source,
                                   const struct lstm_import_options *options,
                                   struct lstm_model **model, struct lstm_error *error)
{
    enum lstm_status status = recognise(source, options, model, error);
    if (status != LSTM_OK || *model != NULL)
        return status;
    status = import_build(&source->plan, source->spec, model, error);
    if (status != LSTM_OK)
        forget_network(source);
    return fail_in_source(source, status, error);
}

/* A whole model is read once more; its memory was not kept for this. */
static enum lstm_status save_model(struct lstm_source *source, const char *folder,
                                   struct lstm_error *error)
{
    struct lstm_model *model;
    enum lstm_status status = source->reader->load(&source->source, &model, error);
    if (status == LSTM_OK)
        status = lstm_model_save(model, folder, error);
    lstm_model_destroy(model);
    return status;
}

enum lstm_status lstm_source_save(struct lstm_source *source, const char *folder,
                                  struct lstm_error *error)
{
    if (source->spec == NULL)
        return lstm_fail(error, LSTM_INVALID, "%.120s: no network was recognised in it",
                         source->source.path);
    return source->reader->load != NULL ? save_model(source, folder, error)
                                        : import_save(&source->plan, source->spec, folder, error);
}

/* ---- Training ------------------------------------------------------------------------------- */

/* Fills the trainer's slots from the source's. */
static enum lstm_status restore(const struct lstm_source *source, struct lstm_trainer *trainer,
                                struct lstm_error *error)
{
    const struct import_plan *plan = &source->plan;
    enum lstm_status status =
        import_fill_slot(&source->source, plan, plan->slot_m, source->spec, trainer->m, error);
    if (status == LSTM_OK)
        status =
            import_fill_slot(&source->source, plan, plan->slot_v, source->spec, trainer->v, error);
    trainer->step = plan->optimizer_step;
    trainer->beta1_power = pow(trainer->settings.beta1, (double)plan->optimizer_step + 1);
    trainer->beta2_power = pow(trainer->settings.beta2, (double)plan->optimizer_step + 1);
    return status;
}

enum lstm_status lstm_source_trainer(const struct lstm_source *source,
                                     struct lstm_trainer **trainer, struct lstm_error *error)
{
    struct lstm_model *model;
    *trainer = NULL;
    if (source->spec == NULL || source->plan.slot_m[0] == '\0' || source->plan.slot_v[0] == '\0')
        return lstm_fail(error, LSTM_NOT_FOUND, "%.120s has no training state",
                         source->source.path);
    enum lstm_status status = import_build(&source->plan, source->spec, &model, error);
    if (status == LSTM_OK)
        status = lstm_trainer_create(model, NULL, trainer, error);
    if (status == LSTM_OK)
        status = restore(source, *trainer, error);
    lstm_model_destroy(model);
    if (status != LSTM_OK) {
        lstm_trainer_destroy(*trainer);
        *trainer = NULL;
    }
    return fail_in_source(source, status, error);
}
