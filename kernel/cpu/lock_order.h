/*
 * lock_order.h: the one order in which spinlocks are taken, outermost first. Debug kernels panic
 * when one is taken while a later one is held. Locks that are alone (no other is taken under
 * them, nor they under another) have no rank.
 */
#ifndef BATON_CPU_LOCK_ORDER_H
#define BATON_CPU_LOCK_ORDER_H

enum lock_rank {
    LOCK_UNRANKED,
    LOCK_KEYBOARDS,
    LOCK_KEYBOARD_PORT,
    LOCK_USB_STORAGE,
    LOCK_USB, /* a controller's */
    LOCK_TERMINAL,
    LOCK_TERMINAL_CONTROL,
    LOCK_ASYNC_LIST,
    LOCK_FILE_OWNER,
    LOCK_PROCESS_TABLE,
    LOCK_PROCESS, /* of two: the parent's first */
    LOCK_SIGNAL_ACTIONS,
    LOCK_WALL_CLOCK,
    LOCK_BLOCK_SERVICE,
    LOCK_BLOCK_DISK,
    LOCK_WAIT_QUEUE, /* of two: the one whose entry wakes the other (epoll) */
    LOCK_RUN_QUEUE,
    LOCK_TIMER_QUEUE,
    LOCK_THREAD_LIST,
    LOCK_HEAP,
    LOCK_FRAME,
    LOCK_LOG_SINKS,
    LOCK_LOG,
    LOCK_RANK_COUNT,
};

#endif
