/* torch_names.c: torch_names.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/torch_names.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *word;
    enum torch_meaning meaning;
} words[] = {
    {"emb", TORCH_NAMES_EMBEDDING},     {"wte", TORCH_NAMES_EMBEDDING},
    {"tok", TORCH_NAMES_EMBEDDING},     {"word", TORCH_NAMES_EMBEDDING},
    {"lookup", TORCH_NAMES_EMBEDDING},  {"vocab", TORCH_NAMES_EMBEDDING},
    {"fc", TORCH_NAMES_LINEAR},         {"linear", TORCH_NAMES_LINEAR},
    {"dense", TORCH_NAMES_LINEAR},      {"proj", TORCH_NAMES_LINEAR},
    {"classifier", TORCH_NAMES_OUTPUT}, {"decoder", TORCH_NAMES_OUTPUT},
    {"final", TORCH_NAMES_OUTPUT},      {"head", TORCH_NAMES_OUTPUT},
    {"logits", TORCH_NAMES_OUTPUT},     {"out", TORCH_NAMES_OUTPUT},
    {"pred", TORCH_NAMES_OUTPUT},       {"score", TORCH_NAMES_OUTPUT},
};

static bool has_word(const char *part, size_t n, const char *word)
{
    const size_t n_word = strlen(word);
    for (size_t k = 0; k + n_word <= n; k++)
        if (strncasecmp(part + k, word, n_word) == 0)
            return true;
    return false;
}

/* Of one part; one with words of embeddings and of linear layers tells nothing. */
static enum torch_meaning part_meaning(const char *part, size_t n)
{
    enum torch_meaning found = TORCH_NAMES_NOTHING;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (!has_word(part, n, words[k].word))
            continue;
        if (found == TORCH_NAMES_EMBEDDING && words[k].meaning != found)
            return TORCH_NAMES_NOTHING;
        found = words[k].meaning; /* the later, the more it tells */
    }
    return found;
}

enum torch_meaning torch_name_meaning(const char *prefix, size_t n)
{
    enum torch_meaning found = TORCH_NAMES_NOTHING;
    while (n > 0 && found == TORCH_NAMES_NOTHING) {
        size_t begin = --n; /* behind the part comes its dot */
        while (begin > 0 && prefix[begin - 1] != '.' && prefix[begin - 1] != '/')
            begin--;
        found = part_meaning(prefix + begin, n - begin);
        n = begin;
    }
    return found;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits that begin a text, without zeros in front of them. */
static size_t number_at(const char **text, size_t *n)
{
    size_t n_digits = 0;
    for (; *n > 1 && (*text)[0] == '0' && is_digit((*text)[1]); --*n)
        ++*text;
    while (n_digits < *n && is_digit((*text)[n_digits]))
        n_digits++;
    return n_digits;
}

int torch_names_compare(const char *a, size_t n_a, const char *b, size_t n_b)
{
    while (n_a > 0 && n_b > 0) {
        const size_t digits_a = number_at(&a, &n_a), digits_b = number_at(&b, &n_b);
        size_t n = 1;
        if (digits_a > 0 && digits_b > 0) {
            if (digits_a != digits_b)
                return digits_a < digits_b ? -1 : 1;
            n = digits_a;
        }
        const int order = memcmp(a, b, n);
        if (order != 0)
            return order;
        a += n, b += n;
        n_a -= n, n_b -= n;
    }
    return n_a == n_b ? 0 : n_a < n_b ? -1 : 1;
}
