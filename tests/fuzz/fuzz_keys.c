/* fuzz_keys.c: no key file crashes its reader; what is accepted has keys, and lets nobody in who
 * has none of them. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "server/keys.h"
#include "server/log.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* SHA-256 of "secret", as the corpus has it. */
    static const char digest[] = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    static const char nobody[] = "nobody has this key";
    struct memory_file file;
    struct keys *keys = NULL;
    struct lstm_error error = {.text = ""};
    char name[KEY_NAME_BYTES];
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    memory_file_open(&file, data, size);
    if (keys_open(file.path, &keys, &error) == LSTM_OK) {
        require(keys_count(keys) > 0);
        require(keys_check(keys, nobody, sizeof nobody - 1, SCOPE_READ, name) == KEY_UNKNOWN);
        const enum key_verdict verdict = keys_check(keys, "secret", 6, SCOPE_READ, name);
        const bool is_there = memmem(data, size, "sha256:", 7) != NULL;
        require(verdict != KEY_INSUFFICIENT && is_there);
        require(verdict == KEY_UNKNOWN || strlen(name) < sizeof name);
        if (memmem(data, size, digest, sizeof digest - 1) == NULL && size < 200 &&
            memmem(data, size, "2BB", 3) == NULL && memmem(data, size, "2bB", 3) == NULL &&
            memmem(data, size, "2Bb", 3) == NULL && memmem(data, size, "2bb", 3) == NULL)
            require(verdict == KEY_UNKNOWN);
        require(keys_reload(keys, &error) == LSTM_OK);
        keys_close(keys);
    } else {
        require(keys == NULL && error.text[0] != '\0');
    }
    memory_file_close(&file);
    return 0;
}
