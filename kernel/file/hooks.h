/*
 * hooks.h: what this room, and that of sockets, ask of the rooms above. The table is constant, and
 * all of it is there from the first instruction on: kernel/start/hooks.c.
 */
#ifndef BATON_FILE_HOOKS_H
#define BATON_FILE_HOOKS_H

#include "file/file.h"

struct descriptor_table;

extern const struct file_hooks {
    /* Sends the calling thread a signal: SIGPIPE, SIGXFSZ. Mutexes may be held. */
    void (*signal_self)(int signal);
    /* Its process's number, as fcntl locks report it. */
    int32_t (*process_number)(void);
    /* Makes this table (its reference) the calling thread's: close_range(CLOSE_RANGE_UNSHARE). */
    void (*descriptors_replace)(struct descriptor_table *table);
    /*
     * ppoll, pselect, epoll_pwait: replaces the signal mask by the one at user
     * address `mask` until `restore`, or, when a signal interrupted the call,
     * until its handler's frame is made. 0, -EFAULT, -EINVAL (size).
     */
    int (*signal_mask_replace)(vaddr_t mask, size_t size);
    void (*signal_mask_restore)(bool interrupted);
    /* Finds who owner->type and the number mean, with a reference. 0 or -ESRCH. Any context, as
       the next three. */
    int (*owner_find)(struct file_owner *owner, int32_t number);
    void (*owner_hold)(const struct file_owner *owner); /* one reference more */
    void (*owner_release)(const struct file_owner *owner);
    /* 0: it has ended. Its file's owner_lock may be held, as by the next. */
    int32_t (*owner_number)(const struct file_owner *owner);
    /* Sends SIGIO, or `signal` (not 0) with the reason (POLL_IN, …) and the descriptor, if who set
       the owner may. */
    void (*owner_signal)(const struct file_owner *owner, int signal, int reason, int descriptor);
    /* Drops a reference to a file with FILE_IN_FLIGHT, which the socket room gives to files in its
       messages. True: it was the last one. May sleep. */
    bool (*file_in_flight_drop)(struct file *file);
    /* sync(2), after the file systems: what was written to disks is on them. No lock held; may
       sleep. */
    void (*disks_synchronise)(void);
} file_hooks;

#endif
