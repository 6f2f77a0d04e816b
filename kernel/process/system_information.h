/* system_information.h: what programs are told of the system: uname(2), sysinfo(2), /proc. */
#ifndef BATON_PROCESS_SYSTEM_INFORMATION_H
#define BATON_PROCESS_SYSTEM_INFORMATION_H

#include "library/types.h"

/*
 * Programs and C libraries ask uname(2) which kernel they run on, and mean the
 * system-call ABI: glibc refuses a release below 3.2, others want "Linux". So
 * the name is that of the ABI, with the release whose calls Baton follows; that
 * it is Baton stands behind it.
 */
#define SYSTEM_NAME    "Linux"
#define SYSTEM_RELEASE "6.1.0-baton"
#define SYSTEM_VERSION "#1 SMP Baton"
#define SYSTEM_MACHINE "x86_64"

#define HOST_NAME_SIZE 65 /* of struct new_utsname, with the NUL */

/* Copies the host's or the domain's name, NUL-terminated. Any context. */
void host_name_get(char name[HOST_NAME_SIZE]);
/* Sets it, cut off to 64 bytes. */
void host_name_set(const char *name, size_t length);
void domain_name_get(char name[HOST_NAME_SIZE]);
void domain_name_set(const char *name, size_t length);

/* The kernel's options, for /proc/cmdline; the text must stay. Set once at boot. */
void system_set_options(const char *options);
const char *system_options(void);

/* Pages: all, free, those that hold files, those of shared memory. */
struct memory_summary {
    uint64_t total, free, cached, shared, page_tables, kernel, kernel_stacks, anonymous;
};
void memory_summary(struct memory_summary *summary);

/* Threads of programs that live; how many of all wait for a CPU or run; the newest TID. */
struct thread_summary {
    uint32_t processes, threads, runnable, newest;
    uint32_t blocked; /* in a sleep that nothing interrupts */
};
void thread_summary(struct thread_summary *summary);

#endif
