/* table.c: every system call Baton has: its number and its function, a line each. */
#include "syscall/table.h"

#include <asm/errno.h>
#include <asm/unistd_64.h>

#include "cpu/log.h"
#include "exec/system_calls.h"
#include "file/system_calls.h"
#include "memory/system_calls.h"
#include "process/out_of_memory.h"
#include "process/system_calls.h"
#include "socket/system_calls.h"
#include "syscall/names.h"
#include "terminal/system_calls.h"
#include "thread/restart.h"
#include "thread/thread.h"

typedef ssize_t system_call(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

#define ERRNO_MAXIMUM 4095 /* answers from -this to -1 are errors (Linux's MAX_ERRNO) */

/* Each function has its own parameters; by the psABI they are where these six are. */
#define CALL(function) (system_call *)(void (*)(void))(function)

/* In the order of the numbers. */
static system_call *const table[SYSTEM_CALL_NAME_COUNT] = {
    [__NR_read] = CALL(sys_read),
    [__NR_write] = CALL(sys_write),
    [__NR_open] = CALL(sys_open),
    [__NR_close] = CALL(sys_close),
    [__NR_stat] = CALL(sys_stat),
    [__NR_fstat] = CALL(sys_fstat),
    [__NR_lstat] = CALL(sys_lstat),
    [__NR_poll] = CALL(sys_poll),
    [__NR_lseek] = CALL(sys_lseek),
    [__NR_mmap] = CALL(sys_mmap),
    [__NR_mprotect] = CALL(sys_mprotect),
    [__NR_munmap] = CALL(sys_munmap),
    [__NR_brk] = CALL(sys_brk),
    [__NR_rt_sigaction] = CALL(sys_rt_sigaction),
    [__NR_rt_sigprocmask] = CALL(sys_rt_sigprocmask),
    [__NR_rt_sigreturn] = CALL(sys_rt_sigreturn),
    [__NR_ioctl] = CALL(sys_ioctl),
    [__NR_pread64] = CALL(sys_pread64),
    [__NR_pwrite64] = CALL(sys_pwrite64),
    [__NR_readv] = CALL(sys_readv),
    [__NR_writev] = CALL(sys_writev),
    [__NR_access] = CALL(sys_access),
    [__NR_pipe] = CALL(sys_pipe),
    [__NR_select] = CALL(sys_select),
    [__NR_sched_yield] = CALL(sys_sched_yield),
    [__NR_mremap] = CALL(sys_mremap),
    [__NR_msync] = CALL(sys_msync),
    [__NR_mincore] = CALL(sys_mincore),
    [__NR_madvise] = CALL(sys_madvise),
    [__NR_dup] = CALL(sys_dup),
    [__NR_dup2] = CALL(sys_dup2),
    [__NR_pause] = CALL(sys_pause),
    [__NR_nanosleep] = CALL(sys_nanosleep),
    [__NR_getitimer] = CALL(sys_getitimer),
    [__NR_alarm] = CALL(sys_alarm),
    [__NR_setitimer] = CALL(sys_setitimer),
    [__NR_getpid] = CALL(sys_getpid),
    [__NR_sendfile] = CALL(sys_sendfile),
    [__NR_socket] = CALL(sys_socket),
    [__NR_connect] = CALL(sys_connect),
    [__NR_accept] = CALL(sys_accept),
    [__NR_sendto] = CALL(sys_sendto),
    [__NR_recvfrom] = CALL(sys_recvfrom),
    [__NR_sendmsg] = CALL(sys_sendmsg),
    [__NR_recvmsg] = CALL(sys_recvmsg),
    [__NR_shutdown] = CALL(sys_shutdown),
    [__NR_bind] = CALL(sys_bind),
    [__NR_listen] = CALL(sys_listen),
    [__NR_getsockname] = CALL(sys_getsockname),
    [__NR_getpeername] = CALL(sys_getpeername),
    [__NR_socketpair] = CALL(sys_socketpair),
    [__NR_setsockopt] = CALL(sys_setsockopt),
    [__NR_getsockopt] = CALL(sys_getsockopt),
    [__NR_clone] = CALL(sys_clone),
    [__NR_fork] = CALL(sys_fork),
    [__NR_vfork] = CALL(sys_vfork),
    [__NR_execve] = CALL(sys_execve),
    [__NR_exit] = CALL(sys_exit),
    [__NR_wait4] = CALL(sys_wait4),
    [__NR_kill] = CALL(sys_kill),
    [__NR_uname] = CALL(sys_uname),
    [__NR_fcntl] = CALL(sys_fcntl),
    [__NR_flock] = CALL(sys_flock),
    [__NR_fsync] = CALL(sys_fsync),
    [__NR_fdatasync] = CALL(sys_fdatasync),
    [__NR_truncate] = CALL(sys_truncate),
    [__NR_ftruncate] = CALL(sys_ftruncate),
    [__NR_getdents] = CALL(sys_getdents),
    [__NR_getcwd] = CALL(sys_getcwd),
    [__NR_chdir] = CALL(sys_chdir),
    [__NR_fchdir] = CALL(sys_fchdir),
    [__NR_rename] = CALL(sys_rename),
    [__NR_mkdir] = CALL(sys_mkdir),
    [__NR_rmdir] = CALL(sys_rmdir),
    [__NR_creat] = CALL(sys_creat),
    [__NR_link] = CALL(sys_link),
    [__NR_unlink] = CALL(sys_unlink),
    [__NR_symlink] = CALL(sys_symlink),
    [__NR_readlink] = CALL(sys_readlink),
    [__NR_chmod] = CALL(sys_chmod),
    [__NR_fchmod] = CALL(sys_fchmod),
    [__NR_chown] = CALL(sys_chown),
    [__NR_fchown] = CALL(sys_fchown),
    [__NR_lchown] = CALL(sys_lchown),
    [__NR_umask] = CALL(sys_umask),
    [__NR_gettimeofday] = CALL(sys_gettimeofday),
    [__NR_getrlimit] = CALL(sys_getrlimit),
    [__NR_getrusage] = CALL(sys_getrusage),
    [__NR_sysinfo] = CALL(sys_sysinfo),
    [__NR_times] = CALL(sys_times),
    [__NR_getuid] = CALL(sys_getuid),
    [__NR_syslog] = CALL(sys_syslog),
    [__NR_getgid] = CALL(sys_getgid),
    [__NR_setuid] = CALL(sys_setuid),
    [__NR_setgid] = CALL(sys_setgid),
    [__NR_geteuid] = CALL(sys_geteuid),
    [__NR_getegid] = CALL(sys_getegid),
    [__NR_setpgid] = CALL(sys_setpgid),
    [__NR_getppid] = CALL(sys_getppid),
    [__NR_getpgrp] = CALL(sys_getpgrp),
    [__NR_setsid] = CALL(sys_setsid),
    [__NR_setreuid] = CALL(sys_setreuid),
    [__NR_setregid] = CALL(sys_setregid),
    [__NR_getgroups] = CALL(sys_getgroups),
    [__NR_setgroups] = CALL(sys_setgroups),
    [__NR_setresuid] = CALL(sys_setresuid),
    [__NR_getresuid] = CALL(sys_getresuid),
    [__NR_setresgid] = CALL(sys_setresgid),
    [__NR_getresgid] = CALL(sys_getresgid),
    [__NR_getpgid] = CALL(sys_getpgid),
    [__NR_setfsuid] = CALL(sys_setfsuid),
    [__NR_setfsgid] = CALL(sys_setfsgid),
    [__NR_getsid] = CALL(sys_getsid),
    [__NR_capget] = CALL(sys_capget),
    [__NR_capset] = CALL(sys_capset),
    [__NR_rt_sigpending] = CALL(sys_rt_sigpending),
    [__NR_rt_sigtimedwait] = CALL(sys_rt_sigtimedwait),
    [__NR_rt_sigqueueinfo] = CALL(sys_rt_sigqueueinfo),
    [__NR_rt_sigsuspend] = CALL(sys_rt_sigsuspend),
    [__NR_sigaltstack] = CALL(sys_sigaltstack),
    [__NR_utime] = CALL(sys_utime),
    [__NR_mknod] = CALL(sys_mknod),
    [__NR_personality] = CALL(sys_personality),
    [__NR_statfs] = CALL(sys_statfs),
    [__NR_fstatfs] = CALL(sys_fstatfs),
    [__NR_getpriority] = CALL(sys_getpriority),
    [__NR_setpriority] = CALL(sys_setpriority),
    [__NR_sched_setparam] = CALL(sys_sched_setparam),
    [__NR_sched_getparam] = CALL(sys_sched_getparam),
    [__NR_sched_setscheduler] = CALL(sys_sched_setscheduler),
    [__NR_sched_getscheduler] = CALL(sys_sched_getscheduler),
    [__NR_sched_get_priority_max] = CALL(sys_sched_get_priority_max),
    [__NR_sched_get_priority_min] = CALL(sys_sched_get_priority_min),
    [__NR_sched_rr_get_interval] = CALL(sys_sched_rr_get_interval),
    [__NR_mlock] = CALL(sys_mlock),
    [__NR_munlock] = CALL(sys_munlock),
    [__NR_mlockall] = CALL(sys_mlockall),
    [__NR_munlockall] = CALL(sys_munlockall),
    [__NR_vhangup] = CALL(sys_vhangup),
    [__NR_prctl] = CALL(sys_prctl),
    [__NR_arch_prctl] = CALL(sys_arch_prctl),
    [__NR_setrlimit] = CALL(sys_setrlimit),
    [__NR_adjtimex] = CALL(sys_adjtimex),
    [__NR_chroot] = CALL(sys_chroot),
    [__NR_sync] = CALL(sys_sync),
    [__NR_settimeofday] = CALL(sys_settimeofday),
    [__NR_mount] = CALL(sys_mount),
    [__NR_umount2] = CALL(sys_umount2),
    [__NR_reboot] = CALL(sys_reboot),
    [__NR_sethostname] = CALL(sys_sethostname),
    [__NR_setdomainname] = CALL(sys_setdomainname),
    [__NR_gettid] = CALL(sys_gettid),
    [__NR_readahead] = CALL(sys_readahead),
    [__NR_setxattr] = CALL(sys_setxattr),
    [__NR_lsetxattr] = CALL(sys_lsetxattr),
    [__NR_fsetxattr] = CALL(sys_fsetxattr),
    [__NR_getxattr] = CALL(sys_getxattr),
    [__NR_lgetxattr] = CALL(sys_lgetxattr),
    [__NR_fgetxattr] = CALL(sys_fgetxattr),
    [__NR_listxattr] = CALL(sys_listxattr),
    [__NR_llistxattr] = CALL(sys_llistxattr),
    [__NR_flistxattr] = CALL(sys_flistxattr),
    [__NR_removexattr] = CALL(sys_removexattr),
    [__NR_lremovexattr] = CALL(sys_lremovexattr),
    [__NR_fremovexattr] = CALL(sys_fremovexattr),
    [__NR_tkill] = CALL(sys_tkill),
    [__NR_time] = CALL(sys_time),
    [__NR_futex] = CALL(sys_futex),
    [__NR_sched_setaffinity] = CALL(sys_sched_setaffinity),
    [__NR_sched_getaffinity] = CALL(sys_sched_getaffinity),
    [__NR_epoll_create] = CALL(sys_epoll_create),
    [__NR_getdents64] = CALL(sys_getdents64),
    [__NR_set_tid_address] = CALL(sys_set_tid_address),
    [__NR_restart_syscall] = CALL(sys_restart_syscall),
    [__NR_fadvise64] = CALL(sys_fadvise64),
    [__NR_timer_create] = CALL(sys_timer_create),
    [__NR_timer_settime] = CALL(sys_timer_settime),
    [__NR_timer_gettime] = CALL(sys_timer_gettime),
    [__NR_timer_getoverrun] = CALL(sys_timer_getoverrun),
    [__NR_timer_delete] = CALL(sys_timer_delete),
    [__NR_clock_settime] = CALL(sys_clock_settime),
    [__NR_clock_gettime] = CALL(sys_clock_gettime),
    [__NR_clock_getres] = CALL(sys_clock_getres),
    [__NR_clock_nanosleep] = CALL(sys_clock_nanosleep),
    [__NR_exit_group] = CALL(sys_exit_group),
    [__NR_epoll_wait] = CALL(sys_epoll_wait),
    [__NR_epoll_ctl] = CALL(sys_epoll_ctl),
    [__NR_tgkill] = CALL(sys_tgkill),
    [__NR_utimes] = CALL(sys_utimes),
    [__NR_waitid] = CALL(sys_waitid),
    [__NR_ioprio_set] = CALL(sys_ioprio_set),
    [__NR_ioprio_get] = CALL(sys_ioprio_get),
    [__NR_openat] = CALL(sys_openat),
    [__NR_mkdirat] = CALL(sys_mkdirat),
    [__NR_mknodat] = CALL(sys_mknodat),
    [__NR_fchownat] = CALL(sys_fchownat),
    [__NR_futimesat] = CALL(sys_futimesat),
    [__NR_newfstatat] = CALL(sys_newfstatat),
    [__NR_unlinkat] = CALL(sys_unlinkat),
    [__NR_renameat] = CALL(sys_renameat),
    [__NR_linkat] = CALL(sys_linkat),
    [__NR_symlinkat] = CALL(sys_symlinkat),
    [__NR_readlinkat] = CALL(sys_readlinkat),
    [__NR_fchmodat] = CALL(sys_fchmodat),
    [__NR_faccessat] = CALL(sys_faccessat),
    [__NR_pselect6] = CALL(sys_pselect6),
    [__NR_ppoll] = CALL(sys_ppoll),
    [__NR_set_robust_list] = CALL(sys_set_robust_list),
    [__NR_get_robust_list] = CALL(sys_get_robust_list),
    [__NR_splice] = CALL(sys_splice),
    [__NR_tee] = CALL(sys_tee),
    [__NR_vmsplice] = CALL(sys_vmsplice),
    [__NR_sync_file_range] = CALL(sys_sync_file_range),
    [__NR_utimensat] = CALL(sys_utimensat),
    [__NR_epoll_pwait] = CALL(sys_epoll_pwait),
    [__NR_signalfd] = CALL(sys_signalfd),
    [__NR_timerfd_create] = CALL(sys_timerfd_create),
    [__NR_eventfd] = CALL(sys_eventfd),
    [__NR_fallocate] = CALL(sys_fallocate),
    [__NR_timerfd_settime] = CALL(sys_timerfd_settime),
    [__NR_timerfd_gettime] = CALL(sys_timerfd_gettime),
    [__NR_accept4] = CALL(sys_accept4),
    [__NR_signalfd4] = CALL(sys_signalfd4),
    [__NR_eventfd2] = CALL(sys_eventfd2),
    [__NR_epoll_create1] = CALL(sys_epoll_create1),
    [__NR_dup3] = CALL(sys_dup3),
    [__NR_pipe2] = CALL(sys_pipe2),
    [__NR_preadv] = CALL(sys_preadv),
    [__NR_pwritev] = CALL(sys_pwritev),
    [__NR_rt_tgsigqueueinfo] = CALL(sys_rt_tgsigqueueinfo),
    [__NR_recvmmsg] = CALL(sys_recvmmsg),
    [__NR_prlimit64] = CALL(sys_prlimit64),
    [__NR_clock_adjtime] = CALL(sys_clock_adjtime),
    [__NR_syncfs] = CALL(sys_syncfs),
    [__NR_sendmmsg] = CALL(sys_sendmmsg),
    [__NR_getcpu] = CALL(sys_getcpu),
    [__NR_process_vm_readv] = CALL(sys_process_vm_readv),
    [__NR_process_vm_writev] = CALL(sys_process_vm_writev),
    [__NR_kcmp] = CALL(sys_kcmp),
    [__NR_sched_setattr] = CALL(sys_sched_setattr),
    [__NR_sched_getattr] = CALL(sys_sched_getattr),
    [__NR_renameat2] = CALL(sys_renameat2),
    [__NR_getrandom] = CALL(sys_getrandom),
    [__NR_memfd_create] = CALL(sys_memfd_create),
    [__NR_execveat] = CALL(sys_execveat),
    [__NR_membarrier] = CALL(sys_membarrier),
    [__NR_mlock2] = CALL(sys_mlock2),
    [__NR_copy_file_range] = CALL(sys_copy_file_range),
    [__NR_preadv2] = CALL(sys_preadv2),
    [__NR_pwritev2] = CALL(sys_pwritev2),
    [__NR_statx] = CALL(sys_statx),
    [__NR_rseq] = CALL(sys_rseq),
    [__NR_pidfd_send_signal] = CALL(sys_pidfd_send_signal),
    [__NR_pidfd_open] = CALL(sys_pidfd_open),
    [__NR_clone3] = CALL(sys_clone3),
    [__NR_close_range] = CALL(sys_close_range),
    [__NR_openat2] = CALL(sys_openat2),
    [__NR_pidfd_getfd] = CALL(sys_pidfd_getfd),
    [__NR_faccessat2] = CALL(sys_faccessat2),
    [__NR_epoll_pwait2] = CALL(sys_epoll_pwait2),
};

const char *system_call_name(uint64_t number)
{
    return number < SYSTEM_CALL_NAME_COUNT ? system_call_names[number] : NULL;
}

/* Says once by name that a program wants a call that is not there. */
static __attribute__((noinline)) ssize_t report_missing(uint64_t number)
{
    static uint64_t reported[(SYSTEM_CALL_NAME_COUNT + 63) / 64];

    if (!system_call_name(number))
        return -ENOSYS;
    uint64_t bit = 1UL << number % 64;
    if (!(__atomic_fetch_or(&reported[number / 64], bit, __ATOMIC_RELAXED) & bit))
        log_write(LOG_WARNING, "system call %s (%lu) does not exist yet: ENOSYS",
                  system_call_name(number), number);
    return -ENOSYS;
}

static inline ssize_t call(const struct trap_frame *frame)
{
    uint64_t number = (uint32_t)frame->code; /* Linux: an int, whatever the upper half holds */
    system_call *function = number < array_length(table) ? table[number] : NULL;

    return function ? function(frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9)
                    : report_missing(number);
}

/* What is to be done about an error before the program sees it. */
static __attribute__((noinline)) void mend(struct trap_frame *frame)
{
    unsigned attempts = 0;

    /* A call that found no memory has changed nothing. */
    while ((int64_t)frame->rax == -ENOMEM && out_of_memory_call_again(attempts++))
        frame->rax = call(frame);
    if (restart_is_wanted((int64_t)frame->rax))
        __atomic_fetch_or(&thread_current()->work, THREAD_WORK_ANSWER, __ATOMIC_RELAXED);
}

void system_call_dispatch(struct trap_frame *frame)
{
    frame->rax = call(frame);
    if (frame->rax >= (uint64_t)-ERRNO_MAXIMUM)
        mend(frame);
}
