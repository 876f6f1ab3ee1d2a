/* ask_input.c: reads a file whose first bytes tell what it is. SPDX-License-Identifier: Apache-2.0
 */
#include "server/ask_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/json.h"
#include "server/png.h"

enum { MAX_INPUT_BYTES = 64 << 20, N_PIXELS = LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE };

static const char json_type[] = "application/json", png_type[] = "image/png";

/* To the end, or until the buffer is full. False, with errno: it cannot be read. */
static bool read_all(int fd, struct buf *out)
{
    char piece[65536];
    ssize_t n;
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0)
            buf_append(out, piece, (size_t)n);
    } while (!out->failed && (n > 0 || (n < 0 && errno == EINTR)));
    return n >= 0;
}

/* NULL: neither. */
static const char *content_type_of(const struct buf *file)
{
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    if (file->n >= sizeof signature - 1 && memcmp(file->data, signature, sizeof signature - 1) == 0)
        return png_type;
    const size_t begin = file->n == 0 ? 0 : strspn(file->data, " \t\r\n");
    return begin < file->n && file->data[begin] == '{' ? json_type : NULL;
}

enum lstm_status ask_input_read(const char *path, struct ask_input *input, struct lstm_error *error)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    const char *const name = is_stdin ? "standard input" : path;
    buf_init(&input->file, MAX_INPUT_BYTES);
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lstm_fail(error, LSTM_IO, "cannot open %s: %s", name, strerror(errno));
    enum lstm_status status = LSTM_OK;
    if (!read_all(fd, &input->file))
        status = lstm_fail(error, LSTM_IO, "cannot read %s: %s", name, strerror(errno));
    else if (input->file.failed)
        status =
            lstm_fail(error, LSTM_INVALID, "%s is longer than %d bytes", name, MAX_INPUT_BYTES);
    if (!is_stdin)
        close(fd);
    if (status != LSTM_OK)
        return status;
    input->content_type = content_type_of(&input->file);
    if (input->content_type == NULL)
        return lstm_fail(error, LSTM_FORMAT,
                         "%s: expected a PNG, or a JSON object like {\"instances\": [...]}", name);
    return LSTM_OK;
}

void ask_input_release(struct ask_input *input)
{
    buf_release(&input->file);
}

static bool digit_of_png(const struct buf *file, float *digit)
{
    uint8_t bytes[N_PIXELS];
    struct png_image image;
    if (png_decode(file->data, file->n, &image, NULL) != LSTM_OK)
        return false;
    const bool has_digit =
        lstm_image_ink(image.grey, image.alpha, image.height, image.width, image.grey) &&
        lstm_digit_prepare(image.grey, image.height, image.width, bytes);
    for (size_t i = 0; i < N_PIXELS && has_digit; i++)
        digit[i] = (float)bytes[i] / 255;
    png_image_release(&image);
    return has_digit;
}

/* The first instance, if they have as many numbers as a digit. */
static bool digit_of_json(const struct buf *file, float *digit)
{
    struct json_body body;
    bool has_digit = false;
    if (json_body_parse(file->data, file->n, &body, NULL) != LSTM_OK)
        return false;
    const struct scanned_tensor *const tensor =
        json_tensor(&body, json_member(body.root, "instances"));
    if (tensor != NULL && tensor->rank >= 2) {
        has_digit = tensor->n_values == (size_t)tensor->lengths[0][0] * N_PIXELS;
        if (has_digit)
            memcpy(digit, tensor->values, N_PIXELS * sizeof *digit);
    }
    json_body_release(&body);
    return has_digit;
}

bool ask_input_digit(const struct ask_input *input, float digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE])
{
    return input->content_type == png_type ? digit_of_png(&input->file, digit)
                                           : digit_of_json(&input->file, digit);
}
