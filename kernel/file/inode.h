/*
 * inode.h: what a file is, apart from its names (dentry, path.h) and from who
 * has it open (file.h).
 */
#ifndef BATON_FILE_INODE_H
#define BATON_FILE_INODE_H

#include <bsd/sys/queue.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "file/credentials.h"
#include "memory/page_cache.h"
#include "thread/mutex.h"

struct dentry;
struct file;
struct file_operations;
struct file_system;
struct inode;
struct mount;
struct path;
struct pipe;
struct record_locks;
struct socket;
struct stat;
struct statfs;
struct text;

/* Device numbers as user space sees them (dev_t of st_rdev: Linux's encoding, major 12 bits). */
static inline uint64_t device_number(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | (uint64_t)major << 8 | ((uint64_t)minor & ~0xffU) << 12;
}
static inline uint32_t device_major(uint64_t device)
{
    return device >> 8 & 0xfff;
}
static inline uint32_t device_minor(uint64_t device)
{
    return (device & 0xff) | (device >> 12 & 0xfff00);
}

/* What is asked of a file system as a whole. NULL: there is nothing to do. All may sleep. */
struct file_system_operations {
    /* The last mount is gone: the names are let go, and the reference to the root. */
    void (*unmounted)(struct file_system *file_system);
    /* The last reference is gone; frees it. NULL: heap_free(). */
    void (*end)(struct file_system *file_system);
    /* umount2(2), MNT_FORCE: whoever waits for its contents gets an error, now and later. */
    void (*abort)(struct file_system *file_system);
    /* statfs(2): what is not known without asking. 0 or an error. */
    int (*statistics)(struct file_system *file_system, struct statfs *answer);
    /* syncfs(2): what was written is where it stays. 0 or an error. */
    int (*synchronise)(struct file_system *file_system);
    /* mount(2), MS_REMOUNT. 0 or an error; then nothing has changed. */
    int (*remount)(struct file_system *file_system, uint32_t flags, const char *options);
    /* Its options for /proc/mounts, each with a comma before it. */
    void (*describe)(struct file_system *file_system, struct text *text);
};

/*
 * A file system that is there: one per tmpfs, one proc, one sys. Reference-
 * counted by its mounts and inodes.
 */
struct file_system {
    uint32_t references;  /* atomic: mounts and inodes */
    uint32_t mount_count; /* atomic; after the last one's end it is `unmounted` */
    const struct file_system_operations *operations; /* constant */
    const char *type;                                /* as in /proc/mounts; constant */
    uint32_t magic;                                  /* statfs f_type; constant */
    uint64_t device;                                 /* st_dev; constant */
    bool in_memory;       /* the tree of names is all there is, each name is counted; constant */
    bool internal;        /* cannot be mounted or linked from (pipes); constant */
    bool no_execute;      /* its files are never executed, however it is mounted; constant */
    uint32_t block_size;  /* st_blksize; 0: a page; constant */
    int64_t last_offset;  /* that a file of it can have; 0: any; constant */
    uint64_t next_number; /* atomic: inode numbers */
    struct mutex rename;  /* one rename between directories at a time: who is above whom stays */
    struct cached_names *names;  /* backed/names.c; NULL: names are not cached; constant */
    void (*first_mounted)(void); /* is called before it is mounted anew; NULL: nothing; constant */
    /* An inode of it ends, and is no longer to be counted; NULL: nothing is counted; constant. */
    void (*inode_ended)(const struct inode *inode);
    /* Of a RAM file system; tmpfs(5), size= and nr_inodes=. */
    struct quota pages;  /* frames of its files, and of long symbolic links */
    struct quota inodes; /* and names beyond each inode's first: these take memory too */
    uint32_t root_mode, root_user, root_group; /* as mount(2) was told; constant */
    struct dentry *root; /* constant; a reference is held until the last mount is gone */
};

/* The limits of a tmpfs that is told none: of pages, and of inodes. */
uint64_t ram_default_limit(void);

static inline uint32_t file_system_block_size(const struct file_system *file_system)
{
    return file_system->block_size ? file_system->block_size : PAGE_SIZE;
}
/* A number for a new one's `device`. */
uint64_t file_system_next_device(void);

/* Pages that a symbolic link's target of this length takes: shorter ones lie in the inode in Linux
   (mm/shmem.c, SHORT_SYMLINK_LEN). */
static inline uint64_t link_pages(uint64_t length)
{
    return length >= 128;
}

/* Whose a file is, and who may do what with it. */
struct inode_attributes {
    uint32_t mode; /* with its type, which is constant */
    uint32_t user, group;
};

/* What of an inode is about to be changed. */
enum inode_change {
    INODE_CHANGE_MODE,
    INODE_CHANGE_OWNER,
    INODE_CHANGE_TIMES,
    INODE_CHANGE_ATTRIBUTES, /* extended ones */
    INODE_CHANGE_NAME,       /* its name goes */
};

/* A moment, of any year (struct timespec64 of Linux); each half is atomic. */
struct file_time {
    int64_t seconds;      /* since 1970, or before it */
    uint32_t nanoseconds; /* below 10^9 */
};

/* Of nanoseconds since 1970, as the wall's clock gives them. */
static inline struct file_time file_time(uint64_t nanoseconds)
{
    return (struct file_time){(int64_t)(nanoseconds / NANOSECONDS_PER_SECOND),
                              (uint32_t)(nanoseconds % NANOSECONDS_PER_SECOND)};
}
static inline struct file_time file_time_get(const struct file_time *field)
{
    return (struct file_time){__atomic_load_n(&field->seconds, __ATOMIC_RELAXED),
                              __atomic_load_n(&field->nanoseconds, __ATOMIC_RELAXED)};
}
static inline void file_time_set(struct file_time *field, struct file_time value)
{
    __atomic_store_n(&field->seconds, value.seconds, __ATOMIC_RELAXED);
    __atomic_store_n(&field->nanoseconds, value.nanoseconds, __ATOMIC_RELAXED);
}

/* What a new name is to be. */
struct creation {
    const struct credentials *credentials; /* whose it becomes */
    uint32_t mode;                         /* with its type; the umask is applied */
    uint32_t umask;
    uint64_t device;         /* of a device node */
    const char *link_target; /* of a symbolic link */
    uint32_t open_flags;     /* O_*: the same thread opens it next (open(2)); 0: it does not */
};

/* What of a file is to change. */
enum {
    CHANGE_MODE = 1,
    CHANGE_USER = 2,
    CHANGE_GROUP = 4,
    CHANGE_SIZE = 8,
    CHANGE_ACCESSED = 16,
    CHANGE_MODIFIED = 32,
    CHANGE_ACCESSED_NOW = 64, /* with CHANGE_ACCESSED; the same for the next */
    CHANGE_MODIFIED_NOW = 128,
};
struct attribute_change {
    unsigned which; /* CHANGE_* */
    struct inode_attributes attributes;
    uint64_t size;
    struct file_time accessed, modified;
    struct file *file; /* ftruncate(2): through which it is cut; or NULL */
};

/*
 * What differs between kinds of inodes. NULL: does not apply. All may sleep. Where the contents lie
 * with a server or on a disk they wait for it so that a fatal signal ends the wait (-EINTR).
 *
 * Those on names are called with the directory's lock (of a rename: both), with permission given
 * and Linux's other checks made; of lookup, the directory's lock may be held or not.
 */
struct inode_operations {
    /* What nobody may, whoever asks: 0 or an error. Only with `refresh`. */
    int (*forbid)(const struct inode *inode, unsigned permission /* PERMISSION_* */);
    int (*forbid_change)(const struct inode *inode, enum inode_change change);
    /*
     * A directory whose names are not in the tree, or not all: finds `name` (not NUL-terminated). A
     * dentry with a reference, or an error.
     */
    int (*lookup)(struct dentry *directory, const char *name, size_t length, struct dentry **found);
    /* Does a name that is in the tree still hold? 1: yes, 0: look it up again, or an error. */
    int (*revalidate)(struct dentry *dentry);
    /* Makes `name`. *created: its dentry, with a reference. */
    int (*create)(struct dentry *directory, const char *name, size_t length,
                  const struct creation *creation, struct dentry **created);
    /* A further name for an inode of the same file system. */
    int (*link)(struct inode *inode, struct dentry *directory, const char *name, size_t length);
    /* Takes the name out that `victim` is, a directory's too: after 0 it is in no tree. */
    int (*remove)(struct dentry *directory, struct dentry *victim);
    /* Gives what `source` names the other place, or exchanges them (`flags`: RENAME_*). `target` is
       what the new name means now, or NULL. After 0 the tree says so too. */
    int (*rename)(struct dentry *source, struct dentry *directory, const char *name, size_t length,
                  struct dentry *target, unsigned flags);
    /* A symbolic link: writes the target, returns its length (cut at size, no NUL). */
    ssize_t (*read_link)(struct inode *inode, char *buffer, size_t size);
    /* A magic link (/proc/self/fd/3, /proc/1/exe): the place itself, with references. */
    int (*follow)(struct inode *inode, struct path *target);
    /* What mode, user and group are just now, where the inode's own may be out of date; brings link
       count, size and times up to date as well. */
    int (*refresh)(struct inode *inode, struct inode_attributes *attributes);
    /* With refresh: fields of stat(2) that no inode here has (blocks). */
    void (*status)(struct inode *inode, struct stat *result);
    /* With refresh: who may do what, where not the mode alone says so. As inode_permission(). */
    int (*permission)(struct inode *inode, unsigned permission,
                      const struct credentials *credentials);
    /* Changes attributes where they lie, and then in the inode, whose lock is held. A size that
       shrinks: the caller cuts the cache. NULL: they are the inode's. */
    int (*change)(struct inode *inode, const struct attribute_change *change);
    /* Extended attributes (xattr(7)); `name` with its prefix. Sizes, or errors; of get and list
       `size` 0: how large it is. */
    ssize_t (*attribute_get)(struct inode *inode, const char *name, void *value, size_t size);
    ssize_t (*attribute_list)(struct inode *inode, char *list, size_t size);
    int (*attribute_set)(struct inode *inode, const char *name, const void *value, size_t size,
                         int flags);
    int (*attribute_remove)(struct inode *inode, const char *name);
    /*
     * The contents, for backed/regular.c: [offset, offset+size) from or to `frames`, from the first
     * byte of the first on. Bytes, or an error. `file`: through which; NULL: any that is open for
     * it. Who gives up waiting may leave them to be filled or read later: then they have
     * references.
     */
    ssize_t (*read_pages)(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                          const paddr_t *frames);
    ssize_t (*write_pages)(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                           const paddr_t *frames);
    /* The last reference is gone; frees what `private` holds. */
    void (*destroy)(struct inode *inode);
};

struct inode {
    const struct inode_operations *operations;
    const struct file_operations *file_operations; /* for files opened on it; constant */
    struct file_system *file_system;               /* a reference is held; constant */
    uint32_t references;                           /* atomic */
    /* One triple: inode_attributes() reads it without a lock, inode_attributes_set() writes it
       under `lock`. Of the mode alone everyone may look at the type, which is constant. */
    uint32_t attributes_sequence; /* odd: it is being written; atomic */
    uint32_t mode;
    uint32_t user, group;
    uint32_t links;  /* tree_lock (path.h) to write */
    uint64_t number; /* st_ino; constant */
    uint64_t device; /* st_rdev of a device node; constant */
    struct file_time accessed, modified, changed, created;
    /* Serialises writes, truncation, changes of attributes, and in a directory making and removing
       names. Taken before an address space's mutex (writes read user memory under it). */
    struct mutex lock;
    /* Open files that may write (> 0), or denials by exec (< 0); atomic, see inode_deny_write. */
    int32_t writers;
    bool refreshes;                 /* operations->refresh is there; constant */
    bool nameless;                  /* made by O_TMPFILE and not yet linked; atomic */
    uint8_t write_hint;             /* RWH_*, fcntl(2); atomic */
    uint32_t seals;                 /* F_SEAL_*, fcntl(2); lock */
    struct page_cache cache;        /* contents and size; a RAM file's storage */
    struct pipe *pipe;              /* a FIFO that is open; pipe.c's */
    struct socket *socket;          /* bound to this name; socket/name.c's lock */
    struct record_locks *locks;     /* fcntl and flock locks; NULL: none; lock.c */
    char *link_target;              /* RAM symbolic link: NUL-terminated; constant */
    TAILQ_ENTRY(inode) backed_link; /* backed/regular.c's lock */
    struct user_account *account;   /* that a memfd's pages count against: a reference; constant */
    void *private;                  /* the kind's own; constant */
};

/* A new inode with one reference, times now, no links. `mode` with its type. NULL: no memory. */
struct inode *inode_create(struct file_system *file_system, uint32_t mode,
                           const struct inode_operations *operations,
                           const struct file_operations *file_operations);
static inline void inode_reference(struct inode *inode)
{
    __atomic_fetch_add(&inode->references, 1, __ATOMIC_RELAXED);
}
/* The last reference frees the contents. May sleep. */
void inode_release(struct inode *inode);
/* A reference to an inode that was found without one; false: its last one is gone already. */
bool inode_reference_found(struct inode *inode);

/* O_DIRECT: may it be read and written without its pages? No file in memory can do without. */
static inline bool inode_can_be_direct(const struct inode *inode)
{
    return S_ISBLK(inode->mode) || (inode->operations && inode->operations->read_pages);
}

static inline uint64_t inode_size(const struct inode *inode)
{
    return __atomic_load_n(&inode->cache.size, __ATOMIC_RELAXED);
}
static inline uint32_t inode_type(const struct inode *inode)
{
    return inode->mode & S_IFMT;
}

/*
 * Mode, user and group as they were at one moment: a decision that rests on more than one of them
 * takes them here, once. No lock, as every step of a path walk asks: who reads while they are
 * written reads again. Any context but interrupts.
 */
static inline struct inode_attributes inode_attributes(const struct inode *inode)
{
    struct inode_attributes attributes;
    uint32_t sequence;

    do {
        sequence = __atomic_load_n(&inode->attributes_sequence, __ATOMIC_ACQUIRE) & ~1U;
        attributes.mode = __atomic_load_n(&inode->mode, __ATOMIC_RELAXED);
        attributes.user = __atomic_load_n(&inode->user, __ATOMIC_RELAXED);
        attributes.group = __atomic_load_n(&inode->group, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (sequence != __atomic_load_n(&inode->attributes_sequence, __ATOMIC_RELAXED));
    return attributes;
}
/* Replaces all three; inode's lock held since what they are made of was read. */
void inode_attributes_set(struct inode *inode, struct inode_attributes attributes);

/* The same where another lock of the kind's serialises it. */
void inode_attributes_store(struct inode *inode, struct inode_attributes attributes);

/* What permission is asked for; or-ed. The values are those of access(2). */
enum {
    PERMISSION_EXECUTE = 1, /* directories: search */
    PERMISSION_WRITE = 2,
    PERMISSION_READ = 4,
    PERMISSION_ASKED = 8, /* nothing is done with the file yet: access(2), chdir(2) */
};
/* 0 or -EACCES, or what `refresh` says. Capabilities count (CAP_DAC_OVERRIDE,
   CAP_DAC_READ_SEARCH). */
int inode_permission(struct inode *inode, unsigned permission,
                     const struct credentials *credentials);
/* The same for a file with these attributes. */
int inode_attributes_permission(const struct inode_attributes *attributes, unsigned permission,
                                const struct credentials *credentials);
/* May this be changed at all, by anybody? 0 or an error. */
static inline int inode_change_allowed(const struct inode *inode, enum inode_change change)
{
    return inode->operations && inode->operations->forbid_change
               ? inode->operations->forbid_change(inode, change)
               : 0;
}
/* Is the caller the owner, or has CAP_FOWNER? */
bool inode_owned(struct inode *inode, const struct credentials *credentials);

/*
 * ETXTBSY: a program that runs is not written to, a file open for writing is
 * not run. 0 or -ETXTBSY; each success is undone once.
 */
int inode_deny_write(struct inode *inode);
void inode_allow_write(struct inode *inode);
int inode_write_begin(struct inode *inode);
void inode_write_end(struct inode *inode);

/* Takes the lock; -EINTR: a fatal signal came while its holder waited for a server or a disk. */
static inline int inode_lock(struct inode *inode)
{
    return mutex_acquire_killable(&inode->lock);
}

/* Is its size that of contents which can be cut? */
bool inode_can_truncate(const struct inode *inode);
/* Sets the size, under RLIMIT_FSIZE and seals; takes the lock. `file`: ftruncate(2)'s, or NULL. 0,
   -EFBIG, -EPERM. */
int inode_truncate(struct inode *inode, uint64_t size, struct file *file);

/* Mode, user and group as they are just now: operations->refresh where there is one. */
int inode_attributes_now(struct inode *inode, struct inode_attributes *attributes);

/* Times. */
enum {
    INODE_ACCESSED = 1,
    INODE_MODIFIED = 2, /* with CHANGED, as POSIX wants after a write */
    INODE_CHANGED = 4,
};
void inode_touch(struct inode *inode, unsigned which);

/* stat(2)'s fields, refreshed. 0 or what `refresh` says. */
int inode_stat(struct inode *inode, struct stat *result);

/* ---- for the files of this room ---- */

/* Sets what all have: one reference, a device number, the lock. */
void file_system_begin(struct file_system *file_system);
void file_system_release(struct file_system *file_system);
static inline void file_system_reference(struct file_system *file_system)
{
    __atomic_fetch_add(&file_system->references, 1, __ATOMIC_RELAXED);
}
/* The set-ID bits of a mode that a change by others is to take away (chown(2)). Lock held. */
uint32_t inode_privileges(const struct inode_attributes *attributes,
                          const struct credentials *credentials);
/* A write, truncation or allocation by others takes them away (write(2)). Lock held. */
void inode_remove_privileges(struct inode *inode);
/* The time of access, as the mount's flags want it. */
void inode_touch_accessed(struct inode *inode, const struct mount *mount);
/* st_size of a directory in RAM. */
uint64_t directory_size(uint64_t entries);

/* How many inodes there are: /proc/sys/fs/inode-nr. */
uint64_t inode_count(void);

#endif
