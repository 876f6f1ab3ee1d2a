/* reader_torch.c: what torch.save() writes since PyTorch 1.6. SPDX-License-Identifier: Apache-2.0
 *
 * A zip archive of one folder: data.pkl, a pickle of the object, and data/<key> for each storage.
 * torch.jit.save() writes the same with programs beside it, which are refused (PyTorch,
 * torch/serialization.py and caffe2/serialize/inline_container.cc). */
#include <string.h>

#include "core/import/readers.h"
#include "core/import/torch_object.h"
#include "core/import/zip.h"
#include "core/status.h"

/* The directory of an archive lies at its end; names in it are looked for in as many bytes. */
enum { PROBED_BYTES = 1 << 20 };

static const char pickle_name[] = "/data.pkl";

struct torch_zip {
    struct pickle_foreign foreign; /* names of the object */
    struct zip_archive archive;
    const char *folder; /* with its '/' */
    /* Of each member: NULL until it was read, and its checksum verified. */
    const unsigned char **contents;
};

static bool probe(const struct import_source *source)
{
    if (source->is_folder || !zip_probe(source->bytes, source->n))
        return false;
    const size_t n = source->n < PROBED_BYTES ? source->n : PROBED_BYTES;
    return memmem(source->bytes + source->n - n, n, pickle_name, strlen(pickle_name)) != NULL;
}

/* Finds "<folder>/data.pkl", and keeps the folder's name. */
static const struct zip_member *find_pickle(struct import_source *source, struct torch_zip *file)
{
    for (size_t k = 0; k < file->archive.n_members; k++) {
        const struct zip_member *member = &file->archive.members[k];
        const char *slash = strchr(member->name, '/');
        if (slash == NULL || strcmp(slash, pickle_name) != 0)
            continue;
        file->folder = import_text(source, member->name, (size_t)(slash - member->name) + 1);
        return file->folder == NULL ? NULL : member;
    }
    return NULL;
}

/* A member by its name in the folder. NULL: there is none, or no memory for its name. */
static const struct zip_member *find_member(struct import_source *source,
                                            const struct torch_zip *file, const char *name)
{
    const size_t n_folder = strlen(file->folder), n_name = strlen(name);
    char *path = import_allocate(source, n_folder + n_name + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, file->folder, n_folder);
    memcpy(path + n_folder, name, n_name);
    return zip_find(&file->archive, path);
}

static enum lstm_status read_member(struct import_source *source, struct torch_zip *file,
                                    const struct zip_member *member, const unsigned char **bytes,
                                    struct lstm_error *error)
{
    const unsigned char **content = &file->contents[member - file->archive.members];
    enum lstm_status status = LSTM_OK;
    if (*content == NULL)
        status = zip_read(source, &file->archive, member, content, error);
    *bytes = *content;
    return status;
}

static enum lstm_status find_storage(struct import_source *source,
                                     const struct torch_storage *storage,
                                     const unsigned char **bytes, size_t *n,
                                     struct lstm_error *error)
{
    struct torch_zip *file = source->state;
    const size_t n_key = strlen(storage->key);
    char *name = import_allocate(source, sizeof "data/" + n_key);
    if (name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the names of storages");
    memcpy(name, "data/", strlen("data/"));
    memcpy(name + strlen("data/"), storage->key, n_key);
    const struct zip_member *member = find_member(source, file, name);
    if (member == NULL)
        return lstm_fail(error, LSTM_FORMAT,
                         "the archive has no member '%.60s%.60s' for its storage", file->folder,
                         name);
    *n = member->n;
    return read_member(source, file, member, bytes, error);
}

/* Programs, and files of machines with another order of bytes. */
static enum lstm_status refuse_others(struct import_source *source, struct torch_zip *file,
                                      struct lstm_error *error)
{
    if (find_member(source, file, "constants.pkl") != NULL)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "a TorchScript program (it has constants.pkl): it is to be run, not read; "
                         "save its weights alone: torch.save(torch.jit.load(path).state_dict(), "
                         "new_path)");
    const struct zip_member *order = find_member(source, file, "byteorder");
    const unsigned char *bytes;
    if (order == NULL)
        return LSTM_OK;
    enum lstm_status status = read_member(source, file, order, &bytes, error);
    if (status != LSTM_OK)
        return status;
    if (order->n != strlen("little") || memcmp(bytes, "little", order->n) != 0)
        return lstm_fail(
            error, LSTM_UNSUPPORTED,
            "member '%.60sbyteorder' says '%.*s': only files of little-endian machines "
            "are read; save it again on one",
            file->folder, (int)(order->n < 20 ? order->n : 20), (const char *)bytes);
    return LSTM_OK;
}

static enum lstm_status open_zip(struct import_source *source, struct lstm_error *error)
{
    struct torch_zip *file = import_allocate(source, sizeof *file);
    if (file == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a file of PyTorch");
    source->state = file;
    enum lstm_status status = zip_open(source, source->bytes, source->n, &file->archive, error);
    if (status != LSTM_OK)
        return status;
    file->contents =
        import_allocate(source, (file->archive.n_members + 1) * sizeof *file->contents);
    const struct zip_member *member = find_pickle(source, file);
    if (member == NULL || file->contents == NULL)
        return lstm_fail(error, LSTM_FORMAT, "the archive has no member '<folder>%s'", pickle_name);
    status = refuse_others(source, file, error);
    const unsigned char *bytes;
    if (status == LSTM_OK)
        status = read_member(source, file, member, &bytes, error);
    struct pickle pickle;
    if (status == LSTM_OK)
        status = pickle_read(source, torch_object_globals, bytes, member->n, &pickle, error);
    if (status != LSTM_OK)
        return status;
    file->foreign = pickle.foreign;
    return torch_object_add_arrays(source, &pickle, find_storage, error);
}

static enum lstm_status plan(struct import_source *source,
                             const struct lstm_import_options *options, struct import_plan *network,
                             struct lstm_error *error)
{
    const struct torch_zip *file = source->state;
    return torch_object_plan(source, &file->foreign, options, network, error);
}

const struct import_reader reader_torch = {
    .name = "pytorch",
    .title = "PyTorch state_dict (zip)",
    .probe = probe,
    .open = open_zip,
    .plan = plan,
};
