/* target.h: whom a file below /proc/PID is about, and who may look into it. */
#ifndef BATON_PROC_PROCESS_TARGET_H
#define BATON_PROC_PROCESS_TARGET_H

#include "proc/proc.h"

struct address_space;

/* The process, zombies too, and a thread of it (NULL: a zombie), with references. */
struct pid_target {
    struct process *process;
    struct user_thread *thread;
};
/* Whom the key means. 0; -ESRCH: it is gone, and nothing is held. */
int pid_target_get(struct pid_target *target, const struct pseudo_key *key);
void pid_target_release(struct pid_target *target);
/* The target's memory, to be looked at (address_space_unobserve()); NULL: it has left it. */
struct address_space *pid_target_observe(const struct pid_target *target,
                                         const struct pseudo_key *key);
/* The same, if the caller may look into it. 0, -EPERM, -ESRCH: it has none. */
int pid_target_trace(const struct pid_target *target, const struct pseudo_key *key,
                     struct address_space **space);

/* Both in one step, by the key alone. */
struct address_space *pid_observe_memory(const struct pseudo_key *key);
int pid_trace_memory(const struct pseudo_key *key, struct address_space **space);
/* Shows what `show` says of the memory that the key means; of its next image, whole, if it comes
   meanwhile; nothing of a zombie. 0 or an error of `show`. */
int pid_memory_show(const struct pseudo_key *key, struct text *text,
                    int (*show)(struct address_space *space, struct text *text));

/* pseudo_node.check: may the caller look into the process? Of a zombie there is nothing to see. */
int pid_check_access(const struct pseudo_key *key, struct file *file);
/* pseudo_node.subject: which image files are about that only show the one they were opened for. */
uint64_t pid_memory_number(const struct pseudo_key *key);
/* pseudo_node.is_own: by a process that looks into itself. */
bool pid_is_own(const struct pseudo_key *key);
/* pseudo_node.attributes: files belong to the process's effective user, or to root when others may
   not look into it. */
void pid_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes);

#endif
