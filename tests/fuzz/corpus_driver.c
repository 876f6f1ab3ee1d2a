/* corpus_driver.c: main() that runs a fuzzer once over each file below a folder, without libFuzzer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What fuzzers found worth keeping are tests: `make cover` counts the lines that they reach. The
 * order is that of the names, so that these are the same lines every time. */
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* False: it cannot be read. */
static bool run_file(const FTSENT *entry)
{
    const size_t size = (size_t)entry->fts_statp->st_size;
    uint8_t *data = malloc(size + 1);
    const int fd = open(entry->fts_accpath, O_RDONLY | O_CLOEXEC);
    const bool is_read = data != NULL && fd >= 0 && read(fd, data, size) == (ssize_t)size;
    if (is_read)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "cannot read %s\n", entry->fts_path);
    if (fd >= 0)
        close(fd);
    free(data);
    return is_read;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    FTS *walk = fts_open(&argv[1], FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    unsigned n_run = 0, n_failed = 0;
    for (FTSENT *entry; walk != NULL && (entry = fts_read(walk)) != NULL;) {
        if (entry->fts_info == FTS_F) {
            n_failed += !run_file(entry);
            n_run++;
        }
    }
    if (walk != NULL)
        fts_close(walk);
    return n_run > 0 && n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
