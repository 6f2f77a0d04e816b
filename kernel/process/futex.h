/*
 * futex.h: futex(2): sleeping on a word of user memory.
 *
 * A word is known by what it is, not by where someone maps it: (address space,
 * address) for private memory, (memory object, byte) for shared memory. The
 * sleeping threads stand in buckets by the hash of that key, each under a
 * spinlock (taken with interrupts on or off alike: no interrupt takes it). A
 * waiter holds a reference to the object, so that a key cannot come to mean
 * something else while someone sleeps on it; an address space is held by its
 * threads. munmap(2) therefore needs to know nothing of futexes.
 */
#ifndef BATON_PROCESS_FUTEX_H
#define BATON_PROCESS_FUTEX_H

#include "library/types.h"

struct user_thread;

/* Wakes at most `count` threads that sleep on the word; of this address space, or shared.
   How many, or -EFAULT, -EINVAL. May sleep. */
int futex_wake(vaddr_t address, int count, bool private);

/*
 * The calling thread ends, or execs: marks the locks that it holds as dead
 * (FUTEX_OWNER_DIED) and wakes a waiter of each; then clears and wakes
 * clear_child_tid if `clear_tid` and others have the memory too (set_tid_address(2)). Its address
 * space is still there. May sleep.
 */
void futex_thread_exit(struct user_thread *thread, bool clear_tid);

#endif
