/* prepare_digit.c: prepares sheets of ink as lstm_digit_prepare() does, for the test that compares
 * it with the page's. SPDX-License-Identifier: Apache-2.0
 *
 * stdin: sheets, each its width and height as two bytes little-endian, then its pixels. stdout: for
 * each a byte, 1 if there is ink, and 784 bytes, zeros if there is none. */
#include <stdio.h>
#include <stdlib.h>

#include "core/lstm.h"

int main(void)
{
    unsigned char size[4];
    while (fread(size, 1, sizeof size, stdin) == sizeof size) {
        const size_t width = size[0] | (size_t)size[1] << 8,
                     height = size[2] | (size_t)size[3] << 8;
        uint8_t digit[1 + LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE] = {0};
        uint8_t *const ink = malloc(width * height + 1);
        if (ink == NULL || fread(ink, 1, width * height, stdin) != width * height) {
            free(ink);
            fprintf(stderr, "prepare_digit: a sheet of %zux%zu is cut\n", width, height);
            return EXIT_FAILURE;
        }
        digit[0] = lstm_digit_prepare(ink, height, width, digit + 1);
        fwrite(digit, 1, sizeof digit, stdout);
        free(ink);
    }
    return EXIT_SUCCESS;
}
