/*
 * mutex_order.h: the one order in which mutexes are taken, outermost first. Debug kernels panic
 * when a thread takes one while it holds a later one, and when it returns to user mode with one.
 */
#ifndef BATON_THREAD_MUTEX_ORDER_H
#define BATON_THREAD_MUTEX_ORDER_H

enum mutex_rank {
    MUTEX_PARTITION_TABLE, /* of a disk: what makes and removes names */
    MUTEX_FILE_OFFSET,
    MUTEX_PSEUDO_READER,      /* the text of a file in /proc: made by who owns what it tells */
    MUTEX_EPOLL_NESTING,      /* who looks through instances that watch each other: one for all */
    MUTEX_EPOLL_WATCH,        /* who watches whom: one for all */
    MUTEX_EPOLL,              /* of two: the one that watches the other */
    MUTEX_RENAME,             /* one for each file system */
    MUTEX_SOCKET_NAMES,       /* one for all */
    MUTEX_SOCKET_CONNECTIONS, /* one for all */
    MUTEX_KERNEL_LOG,         /* how far syslog(2) came; programs that write: one for all each */
    MUTEX_INODE,              /* of several: a directory's before what is below it */
    MUTEX_PIPE,
    MUTEX_SOCKET,
    MUTEX_SOCKET_RIGHTS, /* files on their way: one for all */
    MUTEX_TERMINAL_OPEN,
    MUTEX_RECORD_LOCKS,
    MUTEX_LOOPS,        /* which loop devices there are, and their files: one for all */
    MUTEX_DISKS,        /* which disks and partitions there are, who has them open: one for all */
    MUTEX_BLOCK_DEVICE, /* its contents */
    MUTEX_TRUNCATION,
    MUTEX_ADDRESS_SPACE, /* of two: the parent's before the child's (fork) */
    MUTEX_PAGE_CACHE,
    MUTEX_LEAF,        /* of one that spaces share: who copies it */
    MUTEX_USB_TREE,    /* which devices there are: one for all */
    MUTEX_USB_CONTROL, /* a device's: one request at a time */
    MUTEX_USB_INPUT,   /* …what its controller is told of it */
    MUTEX_USB_COMMAND, /* a controller's: one command at a time */
    MUTEX_VARIABLES,   /* the list of the firmware's variables */
    MUTEX_FIRMWARE,    /* whose turn it is to call the firmware: one for all */
    MUTEX_DRIVER,      /* a device's, of its own */
    MUTEX_RECORD,      /* the record of the handoff */
    MUTEX_RANK_COUNT,
};

#endif
