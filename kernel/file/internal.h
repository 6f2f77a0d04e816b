/*
 * internal.h: what the files of this room share and nobody else needs.
 */
#ifndef BATON_FILE_INTERNAL_H
#define BATON_FILE_INTERNAL_H

#include <linux/magic.h>
#include <linux/mount.h>

#include "file/descriptor_table.h"
#include "file/file.h"
#include "file/tree/file_system_context.h"

/* ---- descriptor_table.c ---- */

/* Puts the file (its reference) at this very number, closing what was there. -EBADF, -EBUSY,
   -ENOMEM: the reference stays the caller's. */
int descriptor_replace(int descriptor, struct file *file, bool close_on_exec);
/* False: it is not open. */
bool descriptor_set_close_on_exec(int descriptor, bool close_on_exec);

/* ---- inode.c ---- */

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

/* ---- dentry.c ---- */

/* A dentry that is in no tree, with one reference; takes references to inode and parent (NULL:
   it is a root). NULL: no memory. */
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length,
                             struct inode *inode);
/* The child, without a reference, or NULL. tree_lock held. */
struct dentry *dentry_find(struct dentry *directory, const char *name, size_t length);
/* Puts a new dentry (parent and name set) into the tree, which takes a reference. tree_lock held.
   The caller holds the directory's inode lock and has seen that the name is free. */
void dentry_insert(struct dentry *dentry);
/* Takes it out; the tree's reference becomes the caller's. tree_lock held. */
void dentry_remove(struct dentry *dentry);
/* The next one in reading order whose `order` is below the limit; NULL. tree_lock held. */
struct dentry *dentry_next(struct dentry *directory, uint64_t limit);
/* Frees all that is below a root nobody uses any more. May sleep. */
void dentry_tear_down(struct dentry *root);
uint32_t dentry_name_hash(const char *name, size_t length);

/* ---- mount.c ---- */

void mount_release(struct mount *mount);
static inline void mount_reference(struct mount *mount)
{
    __atomic_fetch_add(&mount->references, 1, __ATOMIC_RELAXED);
}
/* A mount that is nowhere, with one reference; takes a reference to the file system's root or the
   given one. NULL: no memory. */
struct mount *mount_create(struct file_system *file_system, struct dentry *root, const char *source,
                           uint32_t flags);
/* Makes it the first of all. Boot only. */
void mount_attach_root(struct mount *mount);
/* The newest mount on this place, without a reference, or NULL. tree_lock held. */
struct mount *mount_find(const struct mount *parent, const struct dentry *place);

/* ---- walk.c ---- */

struct walk_level {
    const char *rest;    /* of the name, behind the link */
    struct inode *inode; /* whose target is walked now; a reference is held; or NULL */
    char *text;          /* the target, from the heap; or NULL */
};

enum walk_last {
    WALK_LAST_NAME,
    WALK_LAST_DOT,
    WALK_LAST_DOT_DOT,
    WALK_LAST_ROOT, /* nothing but slashes */
};

/* A walk through the name space that can stop before the last component. */
struct walk {
    const struct credentials *credentials; /* the caller's; lives longer than the walk */
    struct path root;                      /* a reference is held */
    struct path at;                        /* a reference is held: where the walk stands */
    const char *rest;                      /* of the name at the present level */
    unsigned depth;                        /* levels in use */
    unsigned links;                        /* followed so far */
    unsigned resolve;                      /* RESOLVE_*, openat2(2): what the walk may not do */
    enum walk_last last_kind;
    const char *last; /* the last component; not NUL-terminated */
    size_t last_length;
    bool trailing_slash; /* behind the last component: it must be a directory */
    struct walk_level levels[LINKS_MAXIMUM];
};

/* Starts; after 0 call walk_end. */
int walk_begin(struct walk *walk, int directory, const char *name, unsigned flags,
               const struct credentials *credentials);
void walk_end(struct walk *walk);
/* Goes on until only the last component is left: walk->at is its directory. */
int walk_to_parent(struct walk *walk);
/* Finds the last component: its path with references; symbolic links are not followed, mounts are
   entered. -ENOENT and so on. */
int walk_find_last(struct walk *walk, struct path *result);
/* After walk_begin(): sets walk->resolve. 0, or -EXDEV: the name begins outside already. */
int walk_restrict(struct walk *walk, const char *name, unsigned resolve);
/* The last component was this link: goes on in it; then call walk_to_parent again. 1: a magic
   link, walk->at is the end. Takes the reference to `link`. */
int walk_follow_last(struct walk *walk, struct path *link);
/* path_lookup by other credentials than the calling thread's. */
int path_lookup_as(const struct credentials *credentials, int directory, const char *name,
                   unsigned flags, struct path *result);
/* Enters the mounts on path->dentry. Takes tree_lock. */
void path_enter_mounts(struct path *path);

/* ---- names.c ---- */

/*
 * Makes `name` in a directory whose inode's lock is held and in which the name
 * is known to be free. The new inode's owner and mode are the caller's as
 * open(2) says (umask applied by the caller). *created: a dentry with a
 * reference.
 */
int name_create(const struct credentials *credentials, const struct path *directory,
                const char *name, size_t length, uint32_t mode, uint64_t device,
                const char *link_target, struct dentry **created);
/* An inode as name_create makes it, without a name: O_TMPFILE. 0, -ENOMEM, -ENOSPC. */
int inode_create_in(const struct credentials *credentials, const struct path *directory,
                    uint32_t mode, uint64_t device, const char *link_target, struct inode **result);
/* Is it /proc? It says of each name that is not there that it does not exist, also to who wants to
   make it; the others say that nothing can be made. */
static inline bool names_are_given(const struct file_system *file_system)
{
    return file_system->magic == PROC_SUPER_MAGIC;
}
/* May the caller make names in this directory? Its inode's lock is held. */
int name_may_create(const struct credentials *credentials, const struct path *directory);
/* mkdir, mknod and symlink; link; unlink and rmdir: by names in kernel memory. */
int name_make(int directory, const char *name, uint32_t mode, uint64_t device,
              const char *link_target);
/* As name_make; *inode: what was made, a reference. */
int name_make_inode(int directory, const char *name, uint32_t mode, uint64_t device,
                    const char *link_target, struct inode **inode);
int name_link(const struct path *from, int directory, const char *name);
int name_remove(int directory_descriptor, const char *name, bool directory);
uint32_t umask_current(void);
void names_initialize(void);

/* ---- ram.c ---- */

uint64_t file_system_next_device(void);
struct memory_options;
/* A RAM file system with an empty root directory of this mode, unless the options say another;
   one reference. NULL: no memory. */
struct file_system *ram_file_system_create(const char *type, uint32_t mode,
                                           const struct memory_options *options);
/* Changes its limits (mount(2), MS_REMOUNT). -EINVAL: more is used already, or there was none. */
int ram_file_system_limit(struct file_system *file_system, const struct memory_options *options);
/* An inode of it, owned by user 0; one reference. `link_target`: of a symbolic link, is copied; or
   NULL. 0, -ENOMEM, -ENOSPC. */
int ram_inode_create(struct file_system *file_system, uint32_t mode, uint64_t device,
                     const char *link_target, struct inode **result);
/* For the end of an inode: takes it out of what is counted. */
void ram_inode_uncount(const struct inode *inode);
/* Pages that a symbolic link's target of this length takes. */
uint64_t ram_link_pages(uint64_t length);
/* Puts a new name into its directory or takes it out (the caller gets the tree's reference):
   links, size and times with it. The directory's inode's lock is held. */
void ram_name_insert(struct dentry *dentry);
/* -EBUSY: something is mounted on it. */
int ram_name_remove(struct dentry *dentry);
/* The same without its times; tree_lock held. */
int ram_name_detach(struct dentry *dentry);
/* A further name of an inode that is there, or the first of one made without. -ENOENT: its last
   name is gone; -ENOSPC. */
int ram_link_insert(struct dentry *dentry);
void ram_directory_changed(struct dentry *directory);

/* ---- directory.c ---- */
/* "." and "..", for files that begin with them; offsets from 2 on are the kind's own. False: the
   sink is full. */
bool directory_give_dots(struct file *file, struct directory_sink *sink);
int64_t directory_seek(struct file *file, int64_t offset, int whence);

/* ---- pseudo.c ---- */
int pseudo_initialize(void);
/* The tree that pseudo_tree_add made known, or NULL. */
struct file_system *pseudo_tree_find(const char *type);
extern struct file_system *proc_file_system, *sys_file_system;

/* ---- device.c ---- */
extern const struct file_operations device_operations;
int memory_devices_initialize(void);

/* ---- kernel_log.c ---- */

/* Registers /dev/kmsg. At boot. */
int kernel_log_initialize(void);
/* The nodes of the registered devices, in the root of a fresh devtmpfs. */
int device_nodes_create(struct mount *mount);

/* ---- pipe.c ---- */
extern const struct file_operations fifo_operations;

/* ---- anonymous.c ---- */
int anonymous_initialize(void);
/* An inode of the file system that has no tree, owned by the caller; one reference. */
struct inode *internal_inode_create(uint32_t mode, const struct inode_operations *operations,
                                    const struct file_operations *file_operations);
/* A file on it that is shown under this name. Access as in the flags. NULL: no memory. */
struct file *internal_file_create(const char *name, size_t length, struct inode *inode,
                                  const struct file_operations *operations, uint32_t flags);
int memory_file_create(const char *name, size_t length, bool sealable, struct file **result);

/* ---- lock.c ---- */
void record_locks_free(struct record_locks *locks);
/* A descriptor of `table` for the file is closed: its fcntl locks end (POSIX, fcntl). */
void record_locks_release_owner(struct file *file, const void *table);
/* The open file ends: its flock and OFD locks end. */
void record_locks_release_file(struct file *file);
ssize_t record_lock_control(struct file *file, unsigned command, vaddr_t argument);

/* ---- epoll.c ---- */
void epoll_initialize(void);
void epoll_forget_file(struct file *file);

/* ---- transfer.c ---- */
#define TRANSFER_SEGMENTS_MAXIMUM 1024
#define TRANSFER_SEGMENTS_SMALL   8
/* The largest count of one read or write (Linux's MAX_RW_COUNT). */
#define TRANSFER_MAXIMUM 0x7ffff000UL
/* A vector from user memory: 0 or an error; after 0 call transfer_vector_end. */
struct transfer_vector {
    struct transfer transfer;
    struct iovec small[TRANSFER_SEGMENTS_SMALL];
    struct iovec *segments;
};
/* The next piece in one run of memory, of at most `maximum` bytes: its size, 0 at the end. */
size_t transfer_piece(struct transfer *transfer, vaddr_t *address, size_t maximum);
void transfer_advance(struct transfer *transfer, size_t size);
int transfer_vector_begin(struct transfer_vector *vector, vaddr_t address, unsigned long count);
void transfer_vector_end(struct transfer_vector *vector);

/* ---- file.c ---- */
/* A file for a path (references are taken); not yet opened by its kind. NULL: no memory. */
struct file *file_allocate(const struct path *path, uint32_t flags,
                           const struct file_operations *operations);
/* Takes back a file whose opening failed. */
void file_free(struct file *file);
/* Reads from or writes to the file at *offset, after the checks of the mode. */
ssize_t file_read_at(struct file *file, struct transfer *to, int64_t *offset);
ssize_t file_write_at(struct file *file, struct transfer *from, int64_t *offset);

#endif
