/* afl_driver.c: main() for AFL++'s persistent mode: one process, one input after the other, from
 * shared memory. SPDX-License-Identifier: Apache-2.0
 *
 * Without AFL++ around it, it reads one input from stdin, which reproduces what was found. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__AFL_FUZZ_INIT();

int main(void)
{
    __AFL_INIT();
    const uint8_t *const shared = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(10000)) {
        /* In memory of just its size, so that AddressSanitizer sees every read behind its end. */
        const size_t size = (size_t)__AFL_FUZZ_TESTCASE_LEN;
        uint8_t *const exact = malloc(size);
        if (exact == NULL)
            abort();
        memcpy(exact, shared, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    return 0;
}
