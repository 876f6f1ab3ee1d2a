/* cpu_quota.h: how many cores' worth of time a control group leaves. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef CPU_QUOTA_H
#define CPU_QUOTA_H

/* Where Linux shows them. */
#define CPU_QUOTA_GROUPS "/sys/fs/cgroup"
#define CPU_QUOTA_OWN    "/proc/self/cgroup"

/* The least that the group of the process, as the file `own` names it, and those above it may use,
 * rounded up to whole cores: what a container's or a unit's CPU limit comes to. `groups` is where
 * the second generation of control groups is mounted (Linux, admin-guide/cgroup-v2: cpu.max).
 * UINT_MAX: nothing says that there is a limit. */
unsigned cpu_quota_n_cores(const char *groups, const char *own);

#endif
