/* evaluate.c: measures the accuracy of a running daemon on MNIST's test images, as they are and
 * distorted. SPDX-License-Identifier: Apache-2.0
 *
 * usage: evaluate URL MODEL FOLDER [SEED]
 *   evaluate http://127.0.0.1:8501 mnist build/data
 *
 * Every image goes over HTTP as bytes, in batches of BATCH. The distorted copy is rotated by up to
 * 15 degrees, zoomed by 0.85 to 1.15 and shifted by up to 2 pixels, uniformly at random; the same
 * seed gives the same copy. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

enum { BATCH = 100, MAX_BYTES = 1 << 28, MAX_ANSWER = 1 << 20 };

static const struct lstm_distortion distortion = {
    .max_degrees = 15, .min_scale = 0.85, .max_scale = 1.15, .max_shift = 2};

struct answer {
    size_t n;
    char text[MAX_ANSWER];
};

/* Collects an answer; anything but the whole of it tells libcurl that it is too long. */
static size_t collect(char *data, size_t size, size_t n, void *context)
{
    struct answer *answer = context;
    if (n > (sizeof answer->text - answer->n) / size)
        return 0;
    memcpy(answer->text + answer->n, data, size * n);
    answer->n += size * n;
    return size * n;
}

static bool load(const char *folder, const char *name, size_t rank, struct lstm_idx *idx)
{
    static const char *const suffixes[] = {"", ".gz"};
    struct lstm_error error = {LSTM_NOT_FOUND, ""};
    for (size_t i = 0; i < 2 && error.status == LSTM_NOT_FOUND; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s%s", folder, name, suffixes[i]);
        if (lstm_idx_load(path, MAX_BYTES, idx, &error) == LSTM_OK) {
            if (idx->rank == rank)
                return true;
            fprintf(stderr, "evaluate: %s has rank %zu instead of %zu\n", path, idx->rank, rank);
            return false;
        }
    }
    fprintf(stderr, "evaluate: %s\n", error.text);
    return false;
}

static size_t index_of_largest(const json_t *row)
{
    size_t largest = 0;
    for (size_t i = 1; i < json_array_size(row); i++)
        if (json_number_value(json_array_get(row, i)) >
            json_number_value(json_array_get(row, largest)))
            largest = i;
    return largest;
}

/* Counts the predictions of an answer that are right; -1: it is not an answer to n images. */
static long count_correct(const struct answer *answer, const uint8_t *labels, size_t n)
{
    json_t *root = json_loadb(answer->text, answer->n, 0, NULL);
    const json_t *predictions = json_object_get(root, "predictions");
    long n_correct = 0;
    if (json_array_size(predictions) != n) {
        json_decref(root);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        n_correct += index_of_largest(json_array_get(predictions, i)) == labels[i];
    json_decref(root);
    return n_correct;
}

/* Sends n images and counts the right predictions; -1 after a message. */
static long evaluate_batch(CURL *curl, const uint8_t *images, size_t n_bytes, const uint8_t *labels,
                           size_t n)
{
    static struct answer answer;
    answer.n = 0;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)n_bytes);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, images);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "evaluate: %s\n", curl_easy_strerror(code));
        return -1;
    }
    long n_correct = count_correct(&answer, labels, n);
    if (n_correct < 0)
        fprintf(stderr, "evaluate: unexpected answer: %.*s\n",
                (int)(answer.n < 300 ? answer.n : 300), answer.text);
    return n_correct;
}

static bool evaluate_all(CURL *curl, const char *name, const struct lstm_idx *images,
                         const struct lstm_idx *labels)
{
    size_t n = images->shape[0], pixels = images->shape[1] * images->shape[2];
    long n_correct = 0;
    for (size_t first = 0; first < n; first += BATCH) {
        size_t n_now = n - first < BATCH ? n - first : BATCH;
        long now = evaluate_batch(curl, images->data + first * pixels, n_now * pixels,
                                  labels->data + first, n_now);
        if (now < 0)
            return false;
        n_correct += now;
    }
    printf("%s: %ld of %zu right, accuracy %.4f\n", name, n_correct, n,
           (double)n_correct / (double)n);
    return true;
}

static void distort_all(struct lstm_idx *images, uint64_t seed)
{
    static uint8_t copy[1 << 16];
    size_t height = images->shape[1], width = images->shape[2];
    struct lstm_random random;
    lstm_random_init(&random, seed, 0);
    for (size_t i = 0; i < images->shape[0]; i++) {
        uint8_t *image = images->data + i * height * width;
        memcpy(copy, image, height * width);
        lstm_image_distort(copy, height, width, &distortion, &random, image);
    }
}

static CURL *open_connection(const char *url, const char *model, struct curl_slist **headers)
{
    char predict[2048];
    int n = snprintf(predict, sizeof predict, "%s/v1/models/%s:predict?dtype=uint8", url, model);
    CURL *curl = curl_easy_init();
    *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
    if (curl == NULL || *headers == NULL || n < 0 || (size_t)n >= sizeof predict) {
        fprintf(stderr, "evaluate: the URL is too long, or no memory\n");
        exit(EXIT_FAILURE);
    }
    curl_easy_setopt(curl, CURLOPT_URL, predict);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    return curl;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t seed = argc == 5 ? strtoull(argv[4], &end, 10) : 1;
    if (argc < 4 || argc > 5 || (end != NULL && (*end != '\0' || end == argv[4]))) {
        fprintf(stderr, "usage: evaluate URL MODEL FOLDER [SEED]\n");
        return 2;
    }
    struct lstm_idx images = {0}, labels = {0};
    if (!load(argv[3], "t10k-images-idx3-ubyte", 3, &images) ||
        !load(argv[3], "t10k-labels-idx1-ubyte", 1, &labels))
        return EXIT_FAILURE;
    if (images.shape[0] != labels.shape[0] || images.shape[1] > 256 || images.shape[2] > 256) {
        fprintf(stderr, "evaluate: images and labels do not fit together\n");
        return EXIT_FAILURE;
    }
    struct curl_slist *headers;
    CURL *curl = open_connection(argv[1], argv[2], &headers);
    bool done = evaluate_all(curl, "clean", &images, &labels);
    distort_all(&images, seed);
    done = done && evaluate_all(curl, "distorted", &images, &labels);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    lstm_idx_release(&images);
    lstm_idx_release(&labels);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
