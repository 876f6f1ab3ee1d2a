/* test_cpu_quota.c: a container's or a unit's CPU limit, as control groups say it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "server/cpu_quota.h"
#include "tests/support/temp_folder.h"

Suite *suite_cpu_quota(void);

#define NOTHING NULL

/* What the process's file says, and cpu.max of the first group, of the one below it and of the one
 * below that. */
static const struct quota_case {
    const char *own, *max[3];
    unsigned n_cores;
} cases[] = {
    {"0::/\n", {"max 100000\n"}, UINT_MAX},
    {"0::/\n", {"200000 100000\n"}, 2},
    {"0::/\n", {"150000 100000\n"}, 2},
    {"0::/\n", {"50000 100000\n"}, 1},
    {"0::/\n", {"1000 100000"}, 1},
    {"0::/a\n", {NOTHING, "300000 100000\n"}, 3},
    {"0::/a\n", {"100000 100000\n", "300000 100000\n"}, 1},
    {"0::/a/b\n", {NOTHING, "300000 100000\n", "max 100000\n"}, 3},
    {"0::/a/b\n", {NOTHING, "max 100000\n", "400000 100000\n"}, 4},
    {"0::/a\n", {NOTHING, NOTHING, "100000 100000\n"}, UINT_MAX},
    {"0::/elsewhere/b\n", {"500000 100000\n"}, 5},
    {"9:cpu:/a\n0::/a/b\n", {NOTHING, NOTHING, "100000 100000\n"}, 1},
    {"9:cpu:/a\n", {"100000 100000\n", "100000 100000\n"}, UINT_MAX},
    {"", {"100000 100000\n"}, UINT_MAX},
    {"0::/\n", {NOTHING}, UINT_MAX},
    {"0::/\n", {""}, UINT_MAX},
    {"0::/\n", {"100000\n"}, UINT_MAX},
    {"0::/\n", {"100000 0\n"}, UINT_MAX},
    {"0::/\n", {"0 100000\n"}, UINT_MAX},
    {"0::/\n", {"-1 100000\n"}, UINT_MAX},
    {"0::/\n", {"99999999999999999999 1\n"}, UINT_MAX},
    {"0::/\n", {"what it is\n"}, UINT_MAX},
};

START_TEST(test_cpu_quota_is_the_least_of_the_groups_and_those_above)
{
    static const char *const names[] = {"cpu.max", "a/cpu.max", "a/b/cpu.max"};
    const struct quota_case *quota = &cases[_i];
    struct temp_folder folder;
    char path[256];
    temp_folder_create(&folder);
    ck_assert_int_eq(mkdir(temp_folder_path(&folder, "a", path), 0700), 0);
    ck_assert_int_eq(mkdir(temp_folder_path(&folder, "a/b", path), 0700), 0);
    for (size_t k = 0; k < 3; k++)
        if (quota->max[k] != NOTHING)
            temp_file_write(temp_folder_path(&folder, names[k], path), quota->max[k],
                            strlen(quota->max[k]));
    temp_file_write(temp_folder_path(&folder, "own", path), quota->own, strlen(quota->own));
    const unsigned found = cpu_quota_n_cores(folder.path, path);
    temp_folder_remove(&folder);
    ck_assert_msg(found == quota->n_cores, "%s: %u cores, not %u", quota->own, found,
                  quota->n_cores);
}
END_TEST

START_TEST(test_cpu_quota_without_control_groups_is_no_limit)
{
    ck_assert_uint_eq(cpu_quota_n_cores("/nowhere", "/nowhere/cgroup"), UINT_MAX);
}
END_TEST

START_TEST(test_cpu_quota_of_a_path_that_is_too_long_is_no_limit)
{
    struct temp_folder folder;
    char path[256], own[PATH_MAX] = "0::/";
    memset(own + 4, 'a', sizeof own - 6);
    temp_folder_create(&folder);
    temp_file_write(temp_folder_path(&folder, "own", path), own, strlen(own));
    ck_assert_uint_eq(cpu_quota_n_cores(folder.path, path), UINT_MAX);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_cpu_quota(void)
{
    Suite *suite = suite_create("cpu_quota");
    TCase *tcase = tcase_create("cpu_quota");
    tcase_add_loop_test(tcase, test_cpu_quota_is_the_least_of_the_groups_and_those_above, 0,
                        sizeof cases / sizeof cases[0]);
    tcase_add_test(tcase, test_cpu_quota_without_control_groups_is_no_limit);
    tcase_add_test(tcase, test_cpu_quota_of_a_path_that_is_too_long_is_no_limit);
    suite_add_tcase(suite, tcase);
    return suite;
}
