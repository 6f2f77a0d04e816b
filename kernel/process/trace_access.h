/*
 * trace_access.h: may the caller look into another thread: its memory, its files (ptrace(2),
 * "Ptrace access mode checking")? What it may look into is one image of the other process: whoever
 * got the answer for one does not get a part of the next, which may run a set-user-ID program. So
 * the question and the taking are one: these functions answer with the thing itself.
 *
 * All may be called with any thread that the caller has a reference to, and sleep as far as paths
 * and files are let go of.
 */
#ifndef BATON_PROCESS_TRACE_ACCESS_H
#define BATON_PROCESS_TRACE_ACCESS_H

#include "process/process.h"

struct file;
struct file_system_context;
struct path;

/* As whom the caller asks. */
enum trace_mode {
    TRACE_AS_USER,      /* its real IDs and its permitted capabilities: PTRACE_MODE_REALCREDS */
    TRACE_AS_FILE_USER, /* its file user and its effective ones: PTRACE_MODE_FSCREDS */
};

/* Process's lock held: the answer is good as long as it is. */
bool trace_allowed(const struct user_thread *thread, enum trace_mode mode);

/* 0, -EPERM. What was learned of the thread may be told; nothing is taken. */
int trace_check(struct user_thread *thread, enum trace_mode mode);

/* The thread's address space, observed. 0, -EPERM, -ESRCH: it has left it. */
int trace_address_space(struct user_thread *thread, enum trace_mode mode,
                        struct address_space **space);
/* The one that the process's threads share, also while some of them end. */
int trace_process_address_space(struct process *process, enum trace_mode mode,
                                struct address_space **space);

/* A file it has open, with a reference, and (NULL: never mind) whether an exec would close it. 0,
   -EPERM, -ESRCH, -EBADF. */
int trace_file(struct user_thread *thread, enum trace_mode mode, unsigned descriptor,
               struct file **file, bool *closes_on_exec);
/* The first of its open descriptors from `from` on, or -EPERM, -ESRCH, -EBADF: no more. */
int trace_next_descriptor(struct user_thread *thread, enum trace_mode mode, unsigned from);
/* Its root or working directory, as `get` reads it there, with references. 0, -EPERM, -ESRCH. */
int trace_path(struct user_thread *thread, enum trace_mode mode,
               void (*get)(struct file_system_context *context, struct path *path),
               struct path *path);

#endif
