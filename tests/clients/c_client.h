/* c_client.h: what the tests of the C client share. SPDX-License-Identifier: Apache-2.0 */
#ifndef C_CLIENT_H
#define C_CLIENT_H

#include "clients/c/lstmd_client.h"

enum { PIXELS = 784, SEVEN = 7 };

extern struct c_client {
    struct lstmd_client *client;     /* that the functions below ask about */
    unsigned char bytes[2 * PIXELS]; /* the digit, a seven, twice */
    float numbers[PIXELS];           /* the same from 0 to 1 */
} c_client;

/* The digit as bytes; nothing before c_client_read_digit(). */
extern const struct lstmd_input c_client_digit;
void c_client_read_digit(void);

/* A new client; a failure fails the test. */
struct lstmd_client *c_client_connect(struct lstmd_config config);

/* Trains the model on the digit: the answer, new. */
json_t *c_client_train(const char *model);

/* An answer that must be there. */
json_t *c_client_need(json_t *answer);

/* The number that an answer, which is taken, has under this name. */
double c_client_number(json_t *answer, const char *name);

/* An answer that must be an error whose sentence has this word. */
void assert_client_refused(const json_t *answer, int status, const char *word);

#endif
