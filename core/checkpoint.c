/* checkpoint.c: a trainer to a file and back. SPDX-License-Identifier: Apache-2.0
 *
 * A safetensors file: each tensor under its name, its Adam slots as TensorFlow names them ("/Adam"
 * is m, "/Adam_1" is v), and everything else as texts. "checksum" is the CRC-32 of the data and of
 * all other texts, so that no flipped bit passes. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/float_formats.h"
#include "core/gzip.h"
#include "core/safetensors.h"
#include "core/status.h"
#include "core/trainer.h"

enum { NUMBER_BYTES = 32, N_SLOTS = 3 };

static const char *const slot_suffixes[N_SLOTS] = {"", "/Adam", "/Adam_1"};

/* The numbers of a checkpoint, each with its place in the trainer. Doubles are written with 17
 * digits, which read back to the same bits. */
#define AT(member) offsetof(struct lstm_trainer, member)
static const struct {
    const char *key;
    bool is_whole; /* uint64_t; otherwise double */
    size_t offset;
} numbers[] = {{"step", true, AT(step)},
               {"seed", true, AT(seed)},
               {"beta1_power", false, AT(beta1_power)},
               {"beta2_power", false, AT(beta2_power)},
               {"learning_rate", false, AT(settings.learning_rate)},
               {"beta1", false, AT(settings.beta1)},
               {"beta2", false, AT(settings.beta2)},
               {"epsilon", false, AT(settings.epsilon)},
               {"clip_norm", false, AT(settings.clip_norm)}};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers, N_TEXTS = N_NUMBERS + 2 };

static const char format_version[] = "lstmd-checkpoint-1";

static float *slot(const struct lstm_trainer *trainer, size_t k)
{
    float *const slots[N_SLOTS] = {trainer->weights, trainer->m, trainer->v};
    return slots[k];
}

static uint32_t checksum(const void *data, size_t n, const struct safetensors_text *texts,
                         size_t n_texts)
{
    uint32_t crc = gzip_crc32(0, data, n);
    for (size_t i = 0; i < n_texts; i++)
        crc = gzip_crc32(crc, texts[i].text, strlen(texts[i].text) + 1);
    return crc;
}

/* The file's tensors; names are new, one block that the caller frees. */
static struct safetensors_tensor *list_tensors(const struct lstm_trainer *trainer, size_t *n,
                                               char **names)
{
    const struct spec *spec = trainer->spec;
    enum { BYTES = NAME_MAX_BYTES + 64 };
    *n = spec->n_tensors * N_SLOTS;
    struct safetensors_tensor *tensors = calloc(*n, sizeof *tensors);
    *names = calloc(*n, BYTES);
    if (tensors == NULL || *names == NULL) {
        free(tensors);
        return NULL;
    }
    for (size_t i = 0; i < *n; i++) {
        const struct tensor_spec *tensor = &spec->tensors[i / N_SLOTS];
        snprintf(*names + i * BYTES, BYTES, "%s%s", tensor->name, slot_suffixes[i % N_SLOTS]);
        tensors[i] =
            (struct safetensors_tensor){.name = *names + i * BYTES,
                                        .rank = tensor->rank,
                                        .shape = {tensor->shape[0], tensor->shape[1]},
                                        .data = slot(trainer, i % N_SLOTS) + tensor->offset,
                                        .dtype = LSTM_F32};
    }
    return tensors;
}

/* Fills texts[N_TEXTS]: the numbers, the note, the format. */
static void list_texts(const struct lstm_trainer *trainer, const char *note,
                       char buffers[N_NUMBERS][NUMBER_BYTES],
                       struct safetensors_text texts[N_TEXTS])
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        const char *at = (const char *)trainer + numbers[i].offset;
        uint64_t whole;
        double real;
        memcpy(&whole, at, sizeof whole);
        memcpy(&real, at, sizeof real);
        if (numbers[i].is_whole)
            snprintf(buffers[i], NUMBER_BYTES, "%" PRIu64, whole);
        else
            snprintf(buffers[i], NUMBER_BYTES, "%.17g", real);
        texts[i] = (struct safetensors_text){numbers[i].key, buffers[i]};
    }
    texts[N_NUMBERS] = (struct safetensors_text){"note", note != NULL ? note : ""};
    texts[N_NUMBERS + 1] = (struct safetensors_text){"format", format_version};
}

enum lstm_status lstm_trainer_save(const struct lstm_trainer *trainer, const char *path,
                                   const char *note, struct lstm_error *error)
{
    char buffers[N_NUMBERS][NUMBER_BYTES], sum[NUMBER_BYTES];
    struct safetensors_text texts[N_TEXTS + 1];
    char *names = NULL, *header = NULL, *data = NULL;
    size_t n = 0, header_bytes = 0, data_bytes = 0;
    enum lstm_status status;
    struct safetensors_tensor *tensors = list_tensors(trainer, &n, &names);
    if (tensors == NULL) {
        free(names);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a checkpoint");
    }
    list_texts(trainer, note, buffers, texts);
    status = safetensors_data(tensors, n, &data, &data_bytes, error);
    if (status == LSTM_OK) {
        snprintf(sum, sizeof sum, "%08" PRIx32, checksum(data, data_bytes, texts, N_TEXTS));
        texts[N_TEXTS] = (struct safetensors_text){"checksum", sum};
        status = safetensors_header(tensors, n, texts, N_TEXTS + 1, &header, &header_bytes, error);
    }
    if (status == LSTM_OK) {
        const struct file_part parts[] = {{header, header_bytes}, {data, data_bytes}};
        status = file_write(path, parts, 2, error);
    }
    free(tensors);
    free(names);
    free(header);
    free(data);
    return status;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static enum lstm_status check_texts(const struct safetensors *file, struct lstm_error *error)
{
    struct safetensors_text texts[N_TEXTS];
    for (size_t i = 0; i < N_TEXTS; i++) {
        const char *key = i < N_NUMBERS ? numbers[i].key : i == N_NUMBERS ? "note" : "format";
        texts[i] = (struct safetensors_text){key, safetensors_metadata(file, key)};
        if (texts[i].text == NULL)
            return lstm_fail(error, LSTM_FORMAT, "no checkpoint: \"%s\" is missing", key);
    }
    if (strcmp(texts[N_NUMBERS + 1].text, format_version) != 0)
        return lstm_fail(error, LSTM_FORMAT, "expected format %s, found %.40s", format_version,
                         texts[N_NUMBERS + 1].text);
    char sum[NUMBER_BYTES];
    const char *found = safetensors_metadata(file, "checksum");
    snprintf(sum, sizeof sum, "%08" PRIx32,
             checksum(file->buffer, file->buffer_bytes, texts, N_TEXTS));
    if (found == NULL || strcmp(found, sum) != 0)
        return lstm_fail(error, LSTM_FORMAT, "its checksum is wrong: the file is damaged");
    return LSTM_OK;
}

static enum lstm_status read_numbers(const struct safetensors *file, struct lstm_trainer *to,
                                     struct lstm_error *error)
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        const char *text = safetensors_metadata(file, numbers[i].key);
        char *at = (char *)to + numbers[i].offset, *end;
        errno = 0;
        const uint64_t whole = strtoull(text, &end, 10);
        const double real = strtod(text, numbers[i].is_whole ? NULL : &end);
        if (*text == '\0' || *end != '\0' || (numbers[i].is_whole && errno != 0))
            return lstm_fail(error, LSTM_FORMAT, "\"%s\" is no number: '%.40s'", numbers[i].key,
                             text);
        if (numbers[i].is_whole)
            memcpy(at, &whole, sizeof whole);
        else
            memcpy(at, &real, sizeof real);
    }
    return LSTM_OK;
}

/* Every tensor that the trainer expects is there, in its shape, as F32. */
static enum lstm_status check_tensors(const struct safetensors *file,
                                      const struct safetensors_tensor *tensors, size_t n,
                                      struct lstm_error *error)
{
    for (size_t i = 0; i < n; i++) {
        const struct safetensors_entry *entry = safetensors_find(file, tensors[i].name);
        if (entry == NULL || strcmp(entry->dtype, "F32") != 0 || entry->rank != tensors[i].rank ||
            entry->shape[0] != tensors[i].shape[0] ||
            (entry->rank == 2 && entry->shape[1] != tensors[i].shape[1]))
            return lstm_fail(error, LSTM_SHAPE,
                             "tensor %s is missing or of another shape: the checkpoint belongs to "
                             "another model",
                             tensors[i].name);
    }
    return LSTM_OK;
}

/* Weights and slots that are no numbers would spread with every step, and with every predict. */
static enum lstm_status check_values(const struct safetensors *file,
                                     const struct safetensors_tensor *tensors, size_t n,
                                     struct lstm_error *error)
{
    enum { PIECE = 512 };
    float piece[PIECE];
    for (size_t i = 0; i < n; i++) {
        const struct safetensors_entry *entry = safetensors_find(file, tensors[i].name);
        for (size_t first = 0, now; first < entry->n; first += now) {
            now = entry->n - first < PIECE ? entry->n - first : PIECE;
            float_format_read(LSTM_F32, entry->data + first * sizeof *piece, now, piece);
            const size_t k = float_format_find_non_finite(LSTM_F32, piece, now);
            if (k < now)
                return lstm_fail(error, LSTM_FORMAT,
                                 "tensor %s: value %zu is %g; expected finite numbers",
                                 tensors[i].name, first + k, (double)piece[k]);
        }
    }
    return LSTM_OK;
}

static enum lstm_status restore(struct lstm_trainer *trainer, const struct safetensors *file,
                                struct lstm_error *error)
{
    char *names = NULL;
    size_t n = 0;
    struct lstm_trainer read = *trainer;
    struct safetensors_tensor *tensors = list_tensors(trainer, &n, &names);
    enum lstm_status status = LSTM_OK;
    if (tensors == NULL)
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a checkpoint");
    if (status == LSTM_OK)
        status = check_texts(file, error);
    if (status == LSTM_OK)
        status = check_tensors(file, tensors, n, error);
    if (status == LSTM_OK)
        status = read_numbers(file, &read, error);
    if (status == LSTM_OK)
        status = check_values(file, tensors, n, error);
    /* From here on nothing can fail: the trainer changes as a whole. */
    for (size_t i = 0; status == LSTM_OK && i < n; i++) {
        const struct tensor_spec *tensor = &trainer->spec->tensors[i / N_SLOTS];
        status = safetensors_floats(safetensors_find(file, tensors[i].name),
                                    slot(trainer, i % N_SLOTS) + tensor->offset, error);
    }
    if (status == LSTM_OK) {
        *trainer = read;
        optimizer_forget_bounds(trainer);
    }
    free(tensors);
    free(names);
    return status;
}

enum lstm_status lstm_trainer_restore(struct lstm_trainer *trainer, const char *path, char *note,
                                      size_t note_bytes, struct lstm_error *error)
{
    char *bytes;
    size_t n;
    struct safetensors file;
    enum lstm_status status = file_read(path, (size_t)PTRDIFF_MAX, &bytes, &n, error);
    if (status != LSTM_OK)
        return status;
    status = safetensors_open(bytes, n, &file, error);
    if (status == LSTM_OK) {
        status = restore(trainer, &file, error);
        if (status == LSTM_OK && note != NULL && note_bytes > 0)
            snprintf(note, note_bytes, "%s", safetensors_metadata(&file, "note"));
        safetensors_release(&file);
    }
    free(bytes);
    return status == LSTM_OK ? status : lstm_fail_in(error, status, "%s", path);
}
