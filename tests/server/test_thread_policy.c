/* test_thread_policy.c: threads get the niceness asked for, and are counted by the cores they may
 * use. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "server/cpu_quota.h"
#include "server/thread_policy.h"

Suite *suite_thread_policy(void);

/* Of the calling thread, on Linux. */
static int niceness(void)
{
    return getpriority(PRIO_PROCESS, 0);
}

static void *become_nicer(void *found)
{
    thread_policy_nice(THREAD_NICE_IO);
    thread_policy_batch();
    thread_policy_step_aside();
    *(int *)found = niceness();
    return NULL;
}

START_TEST(test_thread_policy_niceness_is_the_threads_alone_and_relative)
{
    const int before = niceness();
    int found = before;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, become_nicer, &found), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(found, before + THREAD_NICE_IO < 19 ? before + THREAD_NICE_IO : 19);
    ck_assert_int_eq(niceness(), before);
}
END_TEST

/* What a container's cpuset or taskset leaves. */
static void *count_on_one_core(void *found)
{
    cpu_set_t set, one;
    sched_getaffinity(0, sizeof set, &set);
    CPU_ZERO(&one);
    for (size_t k = 0; CPU_COUNT(&one) == 0; k++)
        if (CPU_ISSET(k, &set))
            CPU_SET(k, &one);
    sched_setaffinity(0, sizeof one, &one);
    *(unsigned *)found = thread_policy_n_cores();
    return NULL;
}

START_TEST(test_thread_policy_counts_the_cores_that_may_be_used)
{
    cpu_set_t set;
    unsigned found = 0;
    pthread_t thread;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    const unsigned quota = cpu_quota_n_cores(CPU_QUOTA_GROUPS, CPU_QUOTA_OWN);
    const unsigned n_cores = (unsigned)CPU_COUNT(&set);
    ck_assert_uint_eq(thread_policy_n_cores(), n_cores < quota ? n_cores : quota);
    ck_assert_int_eq(pthread_create(&thread, NULL, count_on_one_core, &found), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(found, 1);
}
END_TEST

Suite *suite_thread_policy(void)
{
    Suite *suite = suite_create("thread_policy");
    TCase *tcase = tcase_create("thread_policy");
    tcase_add_test(tcase, test_thread_policy_niceness_is_the_threads_alone_and_relative);
    tcase_add_test(tcase, test_thread_policy_counts_the_cores_that_may_be_used);
    suite_add_tcase(suite, tcase);
    return suite;
}
