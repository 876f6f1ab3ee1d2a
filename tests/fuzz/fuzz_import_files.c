/* fuzz_import_files.c: no files, alone or in a folder, crash the search for their format or the
 * readers of those that have several files. SPDX-License-Identifier: Apache-2.0
 *
 * An input is a list of files: 1 byte with the length of a path, the path, 4 bytes with the length
 * of a content, little-endian, the content. A content of 0xffffffff bytes is a folder's. */
#include "tests/fuzz/import_fuzz.h"
#include "tests/fuzz/memory_file.h"

enum { MAX_FILES = 8 };

/* What is left of the input. */
struct rest {
    const uint8_t *at;
    size_t n;
};

static bool take(struct rest *rest, void *bytes, size_t n)
{
    if (n > rest->n)
        return false;
    memcpy(bytes, rest->at, n);
    rest->at += n;
    rest->n -= n;
    return true;
}

static bool take_file(struct rest *rest, char path[256], struct lstm_source_file *file)
{
    uint8_t n_path;
    uint32_t n;
    if (!take(rest, &n_path, 1) || !take(rest, path, n_path) || !take(rest, &n, sizeof n))
        return false;
    path[n_path] = '\0';
    *file = (struct lstm_source_file){.path = path};
    if (n == UINT32_MAX)
        return true;
    if (n > rest->n)
        return false;
    file->data = rest->at;
    file->n = n;
    rest->at += n;
    rest->n -= n;
    return true;
}

/* A file that is mapped. */
static void open_from_disk(const struct lstm_source_file *content)
{
    struct memory_file file;
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    memory_file_open(&file, content->data, content->n);
    if (lstm_source_open(file.path, NULL, &source, &error) == LSTM_OK) {
        import_fuzz_require(lstm_source_save(source, "/nowhere", &error) == LSTM_INVALID);
        const bool is_network = lstm_source_recognise(source, NULL, &error) == LSTM_OK;
        import_fuzz_require(is_network == (lstm_source_n_layers(source) > 0));
    } else {
        import_fuzz_require(source == NULL && error.text[0] != '\0');
    }
    lstm_source_destroy(source);
    memory_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_source_file files[MAX_FILES];
    char paths[MAX_FILES][256];
    struct rest rest = {data, size};
    struct lstm_source *source;
    size_t n = 0;
    while (n < MAX_FILES && take_file(&rest, paths[n], &files[n]))
        n++;
    if (n == 0)
        return 0;
    import_fuzz_require(lstm_source_parse(files, n, "none", &source, NULL) == LSTM_INVALID);
    import_fuzz(files, n, NULL);
    if (n == 1 && files[0].data != NULL)
        open_from_disk(&files[0]);
    return 0;
}
