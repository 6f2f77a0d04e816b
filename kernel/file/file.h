/*
 * file.h: an open file (POSIX: open file description), and what can be done with
 * it.
 */
#ifndef BATON_FILE_FILE_H
#define BATON_FILE_FILE_H

#include <asm/poll.h>
#include <linux/fcntl.h>

#include "file/transfer.h"
#include "file/tree/path.h"
#include "memory/address_space.h"

struct poll_table;
struct async_list;

/* Who gets a file's signals, F_SETOWN (fcntl(2)). */
struct file_owner {
    void *who; /* a thread, process or group, which process/ knows: a reference; NULL: nobody */
    int type;  /* F_OWNER_* */
    uint32_t real_user, effective_user; /* of who said so */
};

/* A directory entry's receiver: false: it is full, ask again from this one. */
struct directory_sink {
    bool (*entry)(struct directory_sink *sink, const char *name, size_t length, uint64_t number,
                  uint32_t type /* S_IF* */, int64_t next_offset);
};

/* What a kind of file does. NULL: a sensible error. Unless said otherwise all may sleep. */
struct file_operations {
    /* A device or FIFO is being opened; may replace file->operations and set private. */
    int (*open)(struct inode *inode, struct file *file);
    /* Bytes, 0 at the end, or an error; *offset is moved. -RESTART_CALL when a signal came. */
    ssize_t (*read)(struct file *file, struct transfer *to, int64_t *offset);
    ssize_t (*write)(struct file *file, struct transfer *from, int64_t *offset);
    /* Gives the entries from file->offset on to the sink and moves the offset. */
    int (*iterate)(struct file *file, struct directory_sink *sink);
    /* The new offset. NULL: -ESPIPE. file_seek_* below are the usual ones. */
    int64_t (*seek)(struct file *file, int64_t offset, int whence);
    bool writes_in_order; /* pwrite(2) is -ESPIPE */
    bool any_offset;      /* also above 2^63: addresses */
    /* preadv2(2) and pwritev2(2): knows no flags, and of several pieces each is a write of its own;
       RWF_NOWAIT is no question, or transfer->nowait is looked at. */
    bool plain_read, plain_write, takes_nowait;
    bool no_splice_in, no_splice_out; /* splice(2) and sendfile(2) from it, to it: -EINVAL */
    /* -ENOTTY for unknown commands. */
    ssize_t (*ioctl)(struct file *file, unsigned command, vaddr_t argument);
    /* EPOLLIN-like bits (POLLIN, …) that hold now; calls poll_wait for each queue. NULL: always
       readable and writable. */
    unsigned (*poll)(struct file *file, struct poll_table *table);
    /* Its queues are woken with interrupts off (poll_wait_limited), or are other files' too: few
       ways may lead up from it through epoll instances that watch each other. */
    bool few_ways;
    /* Each read and each write is one message: of FILE_MESSAGE_MAXIMUM bytes at most. */
    bool messages;
    /* Reading, writing is with locks that others want: memory that lies elsewhere is waited for
       without them (memory/hasty_copy.h). What is not copied to a reader is still to be read. */
    bool hasty_read, hasty_write;
    /* The list of those who want signals of it (async.h), which is about to be joined or left.
       NULL: it sends none. */
    struct async_list *(*async)(struct file *file, bool joins);
    /* A descriptor is closed (others may be left). */
    void (*flush)(struct file *file);
    /* The last reference is gone. */
    void (*release)(struct file *file);
    /* May it be mapped with these REGION_* flags? NULL: -ENODEV. file_map_cache: contents in the
       inode's page cache. May answer with other memory by *object (a reference is given). */
    int (*map)(struct file *file, unsigned flags, struct memory_object **object);
    /* fsync(2); `data_only`: fdatasync(2). */
    int (*synchronise)(struct file *file, bool data_only);
    int (*allocate)(struct file *file, int mode, int64_t offset, int64_t size);
    /* Bytes that the kernel keeps for this file and frees with its last reference, beside the file
       itself; does not sleep, any lock may be held. NULL: none worth counting. */
    uint64_t (*memory)(const struct file *file);
    /* A line or more for /proc/PID/fdinfo. */
    void (*describe)(struct file *file, char *buffer, size_t size);
};

/* The longest message that a read may be: a FUSE request, with 128 KiB of data. */
#define FILE_MESSAGE_MAXIMUM (36 * PAGE_SIZE)

/* In file->references: a socket that is on its way in messages (unix(7), SCM_RIGHTS); whether these
   alone hold it is looked at with each reference that goes. */
#define FILE_IN_FLIGHT (1U << 31)

/* Beside O_* in file->flags. */
struct file {
    const struct file_operations *operations; /* constant after open */
    uint32_t references;                      /* and FILE_IN_FLIGHT; atomic */
    uint32_t flags; /* O_*: access mode and creation: constant; O_APPEND, O_NONBLOCK, …: atomic */
    uint32_t opened_with;    /* all of open's flags, for `open` operations (O_NOCTTY); constant */
    bool readable, writable; /* constant */
    bool stream;           /* no offset (pipe, terminal): reads and writes take no offset_lock, and
                              are at no place (pread(2)) */
    bool counts_as_writer; /* in inode->writers; constant after open */
    bool denies_write;     /* opened by exec: inode_allow_write at the end; owner's */
    struct path path;      /* constant; references are held */
    struct inode *inode;   /* path.dentry->inode; constant */
    int64_t offset;        /* offset_lock */
    struct mutex offset_lock;              /* taken before the inode's lock */
    const struct credentials *credentials; /* of who opened it; constant */
    struct spinlock owner_lock;            /* with interrupts off; an async_list's comes before */
    struct file_owner owner;               /* owner_lock */
    int32_t signal;                        /* F_SETSIG; atomic */
    bool async_listed;                     /* these three: its async_list's lock */
    int async_descriptor;
    LIST_ENTRY(file) async_link;
    void *private;               /* the kind's own */
    struct memory_object object; /* lets a mapping hold this file: see file_from_object */
    LIST_HEAD(epoll_watchers, epoll_item) watchers; /* epoll instances; epoll.c's watch_mutex */
    void (*forget_watchers)(struct file *file);     /* NULL: nobody ever watched it; atomic */
    uint64_t watch_check;                           /* the last that looked at them; as well */
};

static inline void file_reference(struct file *file)
{
    __atomic_fetch_add(&file->references, 1, __ATOMIC_RELAXED);
}
/* The rest of file_release(): perhaps the last reference, or one to a file on its way. */
void file_release_rest(struct file *file);
/* The last reference closes the file. May sleep, allocates nothing. NULL allowed. */
static inline void file_release(struct file *file)
{
    if (!file)
        return;
    /* Others' references remain, which no message holds: each call on a descriptor ends so. */
    uint32_t references = __atomic_load_n(&file->references, __ATOMIC_RELAXED);
    if (references <= 1 || references & FILE_IN_FLIGHT ||
        !__atomic_compare_exchange_n(&file->references, &references, references - 1, true,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        file_release_rest(file);
}

static inline bool file_nonblocking(const struct file *file)
{
    return __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK;
}

/* The file behind a region's object, or NULL if it is no file's (shared anonymous memory). */
struct file *file_from_object(struct memory_object *object);

/*
 * Opens `name` as open(2) does. `flags` O_*, `mode` permissions for a new file
 * (the umask is applied). 0 and *file with a reference, or a negative errno.
 */
int file_open(int directory, const char *name, int flags, uint32_t mode, struct file **file);
/* Opens a place that was found already (a reference is taken). */
int file_open_path(const struct path *path, int flags, struct file **file);

/*
 * For exec: a regular file on a mount without noexec that the caller may
 * execute; nobody may write to it from now on, until file_allow_write() or the
 * last reference's end. at_flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
 * -EACCES, -ETXTBSY, -ELOOP and the errors of path_lookup.
 */
int file_open_executable(int directory, const char *name, int at_flags, struct file **file);
void file_allow_write(struct file *file);

/*
 * A file without a name (eventfd, epoll, …): shown as "anon_inode:NAME" in
 * /proc/PID/fd. `flags`: O_RDWR or so, with O_NONBLOCK. Its inode is shared by
 * all of them. NULL: no memory (then nothing is released by the file).
 */
struct file *file_create_anonymous(const char *name, const struct file_operations *operations,
                                   void *private, int flags);
/* Files of this kind? */
static inline bool file_is(const struct file *file, const struct file_operations *operations)
{
    return file->operations == operations;
}

/* Reads or writes with kernel memory at an offset, as pread. */
ssize_t file_read_kernel(struct file *file, void *buffer, size_t size, int64_t offset);
/* As read(2) and write(2) on a descriptor's file: checks the mode, moves the offset. */
ssize_t file_read(struct file *file, struct transfer *to);
ssize_t file_write(struct file *file, struct transfer *from);

/*
 * How many of `size` bytes a regular file may be written at the offset (generic_write_checks on
 * Linux). -EFBIG: none; beyond RLIMIT_FSIZE with SIGXFSZ sent. Any lock of the file.
 */
ssize_t file_write_limit(uint64_t offset, size_t size);

/* Usual operations. */
int64_t file_seek_size(struct file *file, int64_t offset, int whence);   /* SEEK_END by the size */
int64_t file_seek_no_end(struct file *file, int64_t offset, int whence); /* devices without one */
int64_t file_seek_null(struct file *file, int64_t offset, int whence);   /* always 0: /dev/null */
int file_map_none(struct file *file, unsigned flags, struct memory_object **object); /* -ENODEV */
int file_map_cache(struct file *file, unsigned flags, struct memory_object **object);
extern const struct file_operations regular_operations, directory_operations;
/* What files of this type do, in memory; of devices and FIFOs anywhere. NULL: sockets. */
const struct file_operations *file_operations_for(uint32_t mode);

/* ---- poll ---- */

/* Called by a poll operation for each queue whose wake-up may change its answer. The queue lives
   as long as the file. `table` NULL: nobody wants to wait. Does not sleep. */
void poll_wait(struct poll_table *table, struct wait_queue *queue);

/*
 * How many may watch a queue that is woken with interrupts off, or from another queue's wake-up:
 * that work must have a bound. Embedded beside the queue.
 */
struct watch_limit {
    uint32_t watchers; /* whoever owns the queue may count as one; atomic */
    uint32_t most;     /* constant */
    bool looked;       /* someone has, or came, since they were told last; atomic */
    void (*unwatched)(struct watch_limit *limit); /* the last of them left; or NULL; constant */
};
#define WATCHERS_FEW 128
/* As poll_wait; poll(2) fails with ENOMEM, epoll_ctl(2) with ENOSPC, where there are too many. */
void poll_wait_limited(struct poll_table *table, struct wait_queue *queue,
                       struct watch_limit *limit);
/* The same failure, for who has no queue to give. */
void poll_refuse(struct poll_table *table);
/* One watcher more, who waits by other means than poll. False: there are too many. */
bool watch_limit_join(struct watch_limit *limit);
/* One watcher less. */
void watch_limit_leave(struct watch_limit *limit);
/* Called before a watcher looks at what it watches. */
static inline void watch_limit_look(struct watch_limit *limit)
{
    if (!__atomic_load_n(&limit->looked, __ATOMIC_RELAXED))
        __atomic_store_n(&limit->looked, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
/* Called after a change. False: nobody has looked since the last one, so they know. */
static inline bool watch_limit_tell(struct watch_limit *limit)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&limit->looked, __ATOMIC_RELAXED) &&
           __atomic_exchange_n(&limit->looked, false, __ATOMIC_SEQ_CST);
}

/* ---- boot ---- */

/* An empty tmpfs as root, the memory devices. 0 or -ENOMEM. */
int file_system_initialize(void);
/*
 * Unpacks cpio archives over the root: later files replace earlier ones.
 * Contents are copied: the caller may free the archive afterwards. 0, -EINVAL
 * (corrupt: *reason says what, what came before stays), -ENOMEM. `reason` is a
 * constant text.
 */
int file_system_load_cpio(const void *archive, size_t size, const char **reason);

/* ---- for the files of this room ---- */

/* A file for a path (references are taken); not yet opened by its kind. NULL: no memory. */
struct file *file_allocate(const struct path *path, uint32_t flags,
                           const struct file_operations *operations);
/* Takes back a file whose opening failed. */
void file_free(struct file *file);
/* Reads from or writes to the file at *offset, after the checks of the mode. */
ssize_t file_read_at(struct file *file, struct transfer *to, int64_t *offset);
ssize_t file_write_at(struct file *file, struct transfer *from, int64_t *offset);

/* How many open files there are: /proc/sys/fs/file-nr. */
uint64_t open_file_count(void);

#endif
