/* sandbox.c: no new privileges, and a filter of system calls by table.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table holds what the daemon and its libraries call, and the neighbours that another libc,
 * kernel or architecture takes in their place; all tests of the daemon run under it. A call that an
 * architecture lacks is passed over. */
#include "server/sandbox.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "core/status.h"
#include "server/log.h"
#include "server/sanitizers.h"

#define CALL(name) SCMP_SYS(name)

static const int allowed[] = {
    /* Files: models, checkpoints, sessions, keys, certificates. */
    CALL(access), CALL(chmod), CALL(close), CALL(dup), CALL(dup2), CALL(dup3), CALL(faccessat),
    CALL(faccessat2), CALL(fadvise64), CALL(fallocate), CALL(fchmod), CALL(fchmodat), CALL(fcntl),
    CALL(fdatasync), CALL(flock), CALL(fstat), CALL(fstatfs), CALL(fsync), CALL(ftruncate),
    CALL(getcwd), CALL(getdents64), CALL(ioctl), CALL(lseek), CALL(lstat), CALL(mkdir),
    CALL(mkdirat), CALL(newfstatat), CALL(open), CALL(openat), CALL(pread64), CALL(preadv),
    CALL(pwrite64), CALL(pwritev), CALL(read), CALL(readlink), CALL(readlinkat), CALL(readv),
    CALL(rename), CALL(renameat), CALL(renameat2), CALL(rmdir), CALL(stat), CALL(statfs),
    CALL(statx), CALL(sync_file_range), CALL(umask), CALL(unlink), CALL(unlinkat), CALL(write),
    CALL(writev),
    /* Connections, and waiting for them. */
    CALL(accept), CALL(accept4), CALL(connect), CALL(epoll_create1), CALL(epoll_ctl),
    CALL(epoll_pwait), CALL(epoll_wait), CALL(eventfd2), CALL(getpeername), CALL(getsockname),
    CALL(getsockopt), CALL(pipe2), CALL(poll), CALL(ppoll), CALL(pselect6), CALL(recvfrom),
    CALL(recvmsg), CALL(select), CALL(sendfile), CALL(sendmmsg), CALL(sendmsg), CALL(sendto),
    CALL(setsockopt), CALL(shutdown),
    /* Memory. */
    CALL(brk), CALL(madvise), CALL(mlock), CALL(mremap), CALL(msync), CALL(munmap),
    /* Threads, signals, clocks, chance. */
    CALL(clock_getres), CALL(clock_gettime), CALL(clock_nanosleep), CALL(exit), CALL(exit_group),
    CALL(futex), CALL(getcpu), CALL(getegid), CALL(geteuid), CALL(getgid), CALL(getpid),
    CALL(getppid), CALL(getrandom), CALL(getrusage), CALL(get_robust_list), CALL(gettid),
    CALL(gettimeofday), CALL(getuid), CALL(kill), CALL(membarrier), CALL(nanosleep),
    CALL(prlimit64), CALL(restart_syscall), CALL(rseq), CALL(rt_sigaction), CALL(rt_sigpending),
    CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigtimedwait), CALL(sched_getaffinity),
    CALL(sched_getparam), CALL(sched_getscheduler), CALL(sched_setaffinity),
    CALL(sched_setscheduler), CALL(setpriority), CALL(sched_yield), CALL(set_robust_list),
    CALL(set_tid_address), CALL(sigaltstack), CALL(sysinfo), CALL(tgkill), CALL(time), CALL(times),
    CALL(uname)};

/* What lstmd never does, and who took it over would do first. */
static const int fatal[] = {CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv),
                            CALL(process_vm_writev)};

/* Allowed if an argument, cut to the mask, has the value. */
static const struct {
    int call;
    unsigned argument;
    scmp_datum_t mask, value;
} conditions[] = {
    {CALL(clone), 0, CLONE_THREAD, CLONE_THREAD},
    {CALL(mmap), 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {CALL(mmap), 2, PROT_WRITE, 0},
    {CALL(mprotect), 2, PROT_EXEC, 0},
    {CALL(prctl), 0, ~(scmp_datum_t)0, PR_SET_NAME},
    {CALL(socket), 0, ~(scmp_datum_t)0, AF_UNIX},
    {CALL(socket), 0, ~(scmp_datum_t)0, AF_INET},
    {CALL(socket), 0, ~(scmp_datum_t)0, AF_INET6},
};

/* Their flags lie in memory, where no filter can look; libc then takes clone(). */
static const int missing[] = {CALL(clone3)};

static int add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
    int result = 0;
    for (size_t k = 0; k < n && result == 0; k++)
        result = seccomp_rule_add(filter, action, calls[k], 0);
    return result;
}

#define ADD(filter, action, table) add_calls(filter, action, table, sizeof table / sizeof *table)

static int add_conditions(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions && result == 0; k++) {
        const struct scmp_arg_cmp compare = {.arg = conditions[k].argument,
                                             .op = SCMP_CMP_MASKED_EQ,
                                             .datum_a = conditions[k].mask,
                                             .datum_b = conditions[k].value};
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditions[k].call, 1, &compare);
    }
    return result;
}

/* Rules of which the first failure is kept. The tree makes the filter's time one of its depth. */
static int fill(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = ADD(filter, SCMP_ACT_ALLOW, allowed);
    if (result == 0)
        result = add_conditions(filter);
    if (result == 0)
        result = ADD(filter, SCMP_ACT_ERRNO(ENOSYS), missing);
    return result == 0 ? ADD(filter, SCMP_ACT_KILL_PROCESS, fatal) : result;
}

enum lstm_status sandbox_enter(struct lstm_error *error)
{
    if (IS_SANITIZED)
        return LSTM_OK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log_warn("sandbox_unavailable", L_STR("error", strerror(errno)));
        return LSTM_OK;
    }
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the sandbox's filter");
    enum lstm_status status = LSTM_OK;
    const int filled = fill(filter);
    if (filled != 0)
        status = lstm_fail(error, LSTM_IO,
                           "cannot make the sandbox's filter: %s; --sandbox off "
                           "serves without it",
                           strerror(-filled));
    const int loaded = filled == 0 ? seccomp_load(filter) : 0;
    if (loaded != 0)
        log_warn("sandbox_unavailable", L_STR("error", strerror(-loaded)));
    else if (filled == 0)
        log_info("sandboxed", L_INT("system_calls", sizeof allowed / sizeof *allowed));
    seccomp_release(filter);
    return status;
}
