/* test_crc32c.c: the checksum of TensorFlow's files. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/crc32c.h"
#include "tests/support/suites.h"

Suite *suite_crc32c(void);

/* RFC 3720, B.4. */
START_TEST(test_crc32c_of_known_bytes)
{
    unsigned char bytes[48];
    memset(bytes, 0, 32);
    ck_assert_uint_eq(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    ck_assert_uint_eq(crc32c(0, bytes, 32), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= sizeof bytes; n++)
        for (size_t cut = 0; cut <= n; cut++) {
            const uint32_t whole = crc32c_by_tables(0, bytes, n);
            ck_assert_uint_eq(crc32c(crc32c(0, bytes, cut), bytes + cut, n - cut), whole);
            ck_assert_uint_eq(
                crc32c_by_tables(crc32c_by_tables(0, bytes, cut), bytes + cut, n - cut), whole);
        }
}
END_TEST

Suite *suite_crc32c(void)
{
    Suite *suite = suite_create("crc32c");
    TCase *tcase = tcase_create("crc32c");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_crc32c_of_known_bytes);
    return suite;
}
