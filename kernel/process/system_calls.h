/*
 * system_calls.h: the process room's system calls. Each takes what the manual
 * page says, user addresses as vaddr_t, and returns a result or a negative
 * errno. No parameter is narrower than int: the upper half of such a register
 * is the program's, but below 32 bits C trusts its caller.
 */
#ifndef BATON_PROCESS_SYSTEM_CALLS_H
#define BATON_PROCESS_SYSTEM_CALLS_H

#include "library/types.h"

/* fork.c */
ssize_t sys_fork(void);
ssize_t sys_vfork(void);
ssize_t sys_clone(uint64_t flags, vaddr_t stack, vaddr_t parent_tid, vaddr_t child_tid,
                  uint64_t thread_pointer);
ssize_t sys_clone3(vaddr_t arguments, size_t size);
ssize_t sys_set_tid_address(vaddr_t address);

/* exit.c, wait.c */
ssize_t sys_exit(int code);
ssize_t sys_exit_group(int code);
ssize_t sys_wait4(int id, vaddr_t status, int options, vaddr_t usage);
ssize_t sys_waitid(int type, int id, vaddr_t information, int options, vaddr_t usage);

/* pidfd.c, other_process.c */
ssize_t sys_pidfd_open(int id, unsigned flags);
ssize_t sys_pidfd_send_signal(int descriptor, int signal, vaddr_t information, unsigned flags);
ssize_t sys_pidfd_getfd(int process, int descriptor, unsigned flags);
ssize_t sys_process_vm_readv(int id, vaddr_t local, size_t local_count, vaddr_t remote,
                             size_t remote_count, uint64_t flags);
ssize_t sys_process_vm_writev(int id, vaddr_t local, size_t local_count, vaddr_t remote,
                              size_t remote_count, uint64_t flags);
ssize_t sys_kcmp(int id1, int id2, int type, uint64_t index1, uint64_t index2);

/* process_group.c, process.c */
ssize_t sys_getpid(void);
ssize_t sys_gettid(void);
ssize_t sys_getppid(void);
ssize_t sys_getpgrp(void);
ssize_t sys_getpgid(int id);
ssize_t sys_setpgid(int id, int group);
ssize_t sys_getsid(int id);
ssize_t sys_setsid(void);

/* signal/ */
ssize_t sys_rt_sigaction(int signal, vaddr_t action, vaddr_t old, size_t size);
ssize_t sys_rt_sigprocmask(int how, vaddr_t set, vaddr_t old, size_t size);
ssize_t sys_rt_sigpending(vaddr_t set, size_t size);
ssize_t sys_rt_sigsuspend(vaddr_t set, size_t size);
ssize_t sys_rt_sigtimedwait(vaddr_t set, vaddr_t information, vaddr_t timeout, size_t size);
ssize_t sys_rt_sigqueueinfo(int id, int signal, vaddr_t information);
ssize_t sys_rt_tgsigqueueinfo(int group, int id, int signal, vaddr_t information);
ssize_t sys_rt_sigreturn(void);
ssize_t sys_sigaltstack(vaddr_t stack, vaddr_t old);
ssize_t sys_kill(int id, int signal);
ssize_t sys_tkill(int id, int signal);
ssize_t sys_tgkill(int group, int id, int signal);
ssize_t sys_pause(void);
ssize_t sys_restart_syscall(void);

/* futex.c, robust_list.c */
ssize_t sys_futex(vaddr_t address, int operation, uint32_t value, uint64_t timeout,
                  vaddr_t address2, uint32_t value3);
ssize_t sys_set_robust_list(vaddr_t head, size_t size);
ssize_t sys_get_robust_list(int id, vaddr_t head, vaddr_t size);

/* time/time.c */
ssize_t sys_time(vaddr_t result);
ssize_t sys_gettimeofday(vaddr_t time, vaddr_t zone);
ssize_t sys_settimeofday(vaddr_t time, vaddr_t zone);
ssize_t sys_clock_gettime(int clock, vaddr_t time);
ssize_t sys_adjtimex(vaddr_t state);
ssize_t sys_clock_adjtime(int clock, vaddr_t state);
ssize_t sys_clock_settime(int clock, vaddr_t time);
ssize_t sys_clock_getres(int clock, vaddr_t resolution);
ssize_t sys_nanosleep(vaddr_t request, vaddr_t remaining);
ssize_t sys_clock_nanosleep(int clock, int flags, vaddr_t request, vaddr_t remaining);
ssize_t sys_times(vaddr_t result);
ssize_t sys_getrusage(int who, vaddr_t usage);

/* time/interval_timer.c, time/posix_timer.c */
ssize_t sys_alarm(unsigned seconds);
ssize_t sys_getitimer(int which, vaddr_t value);
ssize_t sys_setitimer(int which, vaddr_t value, vaddr_t old);
ssize_t sys_timer_create(int clock, vaddr_t event, vaddr_t id);
ssize_t sys_timer_settime(int id, int flags, vaddr_t value, vaddr_t old);
ssize_t sys_timer_gettime(int id, vaddr_t value);
ssize_t sys_timer_getoverrun(int id);
ssize_t sys_timer_delete(int id);

/* time/timerfd.c, signal/signalfd.c */
ssize_t sys_timerfd_create(int clock, int flags);
ssize_t sys_timerfd_settime(int descriptor, int flags, vaddr_t value, vaddr_t old);
ssize_t sys_timerfd_gettime(int descriptor, vaddr_t value);
ssize_t sys_signalfd(int descriptor, vaddr_t mask, size_t size);
ssize_t sys_signalfd4(int descriptor, vaddr_t mask, size_t size, int flags);

/* scheduling.c */
ssize_t sys_sched_yield(void);
ssize_t sys_sched_setaffinity(int id, unsigned size, vaddr_t mask);
ssize_t sys_sched_getaffinity(int id, unsigned size, vaddr_t mask);
ssize_t sys_sched_setscheduler(int id, int policy, vaddr_t parameters);
ssize_t sys_sched_getscheduler(int id);
ssize_t sys_sched_setparam(int id, vaddr_t parameters);
ssize_t sys_sched_getparam(int id, vaddr_t parameters);
ssize_t sys_sched_get_priority_max(int policy);
ssize_t sys_sched_get_priority_min(int policy);
ssize_t sys_sched_rr_get_interval(int id, vaddr_t interval);
ssize_t sys_sched_setattr(int id, vaddr_t attributes, unsigned flags);
ssize_t sys_sched_getattr(int id, vaddr_t attributes, unsigned size, unsigned flags);
ssize_t sys_getpriority(int which, int who);
ssize_t sys_setpriority(int which, int who, int priority);
ssize_t sys_ioprio_get(int which, int who);
ssize_t sys_ioprio_set(int which, int who, int priority);
ssize_t sys_getcpu(vaddr_t cpu, vaddr_t node);

/* credentials_calls.c, capability.c */
ssize_t sys_getuid(void);
ssize_t sys_geteuid(void);
ssize_t sys_getgid(void);
ssize_t sys_getegid(void);
ssize_t sys_setuid(uint32_t user);
ssize_t sys_setgid(uint32_t group);
ssize_t sys_setreuid(uint32_t real, uint32_t effective);
ssize_t sys_setregid(uint32_t real, uint32_t effective);
ssize_t sys_setresuid(uint32_t real, uint32_t effective, uint32_t saved);
ssize_t sys_getresuid(vaddr_t real, vaddr_t effective, vaddr_t saved);
ssize_t sys_setresgid(uint32_t real, uint32_t effective, uint32_t saved);
ssize_t sys_getresgid(vaddr_t real, vaddr_t effective, vaddr_t saved);
ssize_t sys_setfsuid(uint32_t user);
ssize_t sys_setfsgid(uint32_t group);
ssize_t sys_getgroups(int size, vaddr_t list);
ssize_t sys_setgroups(int size, vaddr_t list);
ssize_t sys_capget(vaddr_t header, vaddr_t data);
ssize_t sys_capset(vaddr_t header, vaddr_t data);

/* limits.c */
ssize_t sys_getrlimit(unsigned resource, vaddr_t limit);
ssize_t sys_setrlimit(unsigned resource, vaddr_t limit);
ssize_t sys_prlimit64(int id, unsigned resource, vaddr_t limit, vaddr_t old);

/* process_control.c, membarrier.c, restartable_sequence.c */
ssize_t sys_prctl(int option, uint64_t argument2, uint64_t argument3, uint64_t argument4,
                  uint64_t argument5);
ssize_t sys_arch_prctl(int option, vaddr_t address);
ssize_t sys_personality(unsigned persona);
ssize_t sys_membarrier(int command, unsigned flags, int cpu);
ssize_t sys_rseq(vaddr_t area, uint32_t size, int flags, uint32_t signature);

/* system_information.c */
ssize_t sys_uname(vaddr_t buffer);
ssize_t sys_sysinfo(vaddr_t buffer);
ssize_t sys_reboot(unsigned magic1, unsigned magic2, unsigned command, vaddr_t argument);
ssize_t sys_sethostname(vaddr_t name, int size);
ssize_t sys_setdomainname(vaddr_t name, int size);

#endif
