/* example.c: a digit recognised by the shipped model. SPDX-License-Identifier: Apache-2.0
 *
 *     example FILE [URL]
 *
 * FILE is a PNG of a digit. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lstmd_client.h"

enum { CLASSES = 10, MAX_FILE_BYTES = 1 << 20 };

/* The number of bytes read; 0: the file cannot be read, or is empty. */
static size_t read_file(const char *path, void *bytes)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    const size_t n = fread(bytes, 1, MAX_FILE_BYTES, file);
    fclose(file);
    return n;
}

/* Prints the likeliest digit. */
static int recognise(struct lstmd_client *client, const void *png, size_t n)
{
    const struct lstmd_input input = {.form = LSTMD_PNG, .data = png, .n = n};
    float probabilities[CLASSES] = {0};
    json_t *const answer = lstmd_client_predict(client, "mnist", &input);
    if (answer == NULL) {
        fprintf(stderr, "%s\n", lstmd_client_error(client)->text);
        return EXIT_FAILURE;
    }
    lstmd_read_floats(answer, probabilities, CLASSES);
    json_decref(answer);
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
        if (probabilities[k] > probabilities[best])
            best = k;
    printf("%d, %.1f%% sure\n", best, 100 * (double)probabilities[best]);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static char png[MAX_FILE_BYTES];
    const size_t n = argc < 2 ? 0 : read_file(argv[1], png);
    if (n == 0) {
        fprintf(stderr, "usage: example FILE [URL]; FILE is a PNG of a digit\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct lstmd_error error;
    const struct lstmd_config config = {.url = argc > 2 ? argv[2] : NULL};
    struct lstmd_client *const client = lstmd_client_create(&config, &error);
    int status = EXIT_FAILURE;
    if (client == NULL)
        fprintf(stderr, "%s\n", error.text);
    else
        status = recognise(client, png, n);
    lstmd_client_destroy(client);
    curl_global_cleanup();
    return status;
}
