/* random.c: xoshiro256++ and the distributions on it. SPDX-License-Identifier: Apache-2.0
 *
 * xoshiro256++ 1.0 and splitmix64 are by David Blackman and Sebastiano Vigna (prng.di.unimi.it),
 * in the public domain. No function here calls the mathematics library, whose last bits differ
 * between machines: the same seed gives the same numbers everywhere. */
#include "core/random.h"

#include <math.h>

static uint64_t rotate_left(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

/* The finishing step of splitmix64: a bijection that keeps 0. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void lstm_random_init(struct lstm_random *random, uint64_t seed, uint64_t stream)
{
    /* Stream 0 is the seeding that the authors recommend. */
    uint64_t x = seed ^ mix(stream);
    for (size_t i = 0; i < 4; i++) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        random->s[i] = mix(x);
    }
}

uint64_t lstm_random_bits(struct lstm_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double lstm_random_uniform(struct lstm_random *random)
{
    return (double)(lstm_random_bits(random) >> 11) * 0x1p-53;
}

uint64_t lstm_random_below(struct lstm_random *random, uint64_t n)
{
    /* The lowest 2^64 mod n values are drawn again, so that each remainder is equally likely. */
    uint64_t n_rejected = (0 - n) % n;
    uint64_t bits;
    do
        bits = lstm_random_bits(random);
    while (bits < n_rejected);
    return bits % n;
}

/* True with probability exp(-x), 0 <= x <= 1: the number of draws that go on falling below the one
 * before, starting at x, is even with just this probability (von Neumann, 1951). */
static bool exponential_chance(struct lstm_random *random, double x)
{
    bool even = true;
    double last = x, next;
    while ((next = lstm_random_uniform(random)) < last) {
        last = next;
        even = !even;
    }
    return even;
}

/* True with probability exp(-x)^n. */
static bool exponential_chances(struct lstm_random *random, double x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!exponential_chance(random, x))
            return false;
    return true;
}

/* Algorithm N of C. F. F. Karney, "Sampling exactly from the normal distribution" (2016): the whole
 * part k has probability proportional to exp(-k^2 / 2), and the fraction x is kept with probability
 * exp(-x (2k + x) / 2). */
double lstm_random_normal(struct lstm_random *random)
{
    for (;;) {
        unsigned k = 0;
        while (exponential_chance(random, 0.5))
            k++;
        if (k > 1 && !exponential_chances(random, 0.5, k * (k - 1)))
            continue;
        double x = lstm_random_uniform(random);
        if (!exponential_chances(random, x * (2 * k + x) / (2 * k + 2), k + 1))
            continue;
        return lstm_random_bits(random) >> 63 ? -(k + x) : k + x;
    }
}

double random_truncated_normal(struct lstm_random *random)
{
    double x;
    do
        x = lstm_random_normal(random);
    while (fabs(x) >= 2);
    return x;
}
