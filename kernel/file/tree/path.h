/*
 * path.h: names. Dentries make the tree of a file system, mounts lay trees
 * over each other, a path is a place in both.
 *
 * tree_lock, one spinlock for the whole name space, guards every link between
 * dentries and mounts; it is held for some dozen steps of a walk at a time. Who makes or
 * removes a name holds the directory's inode lock as well.
 */
#ifndef BATON_FILE_TREE_PATH_H
#define BATON_FILE_TREE_PATH_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "cpu/spinlock.h"
#include "file/inode.h"

extern struct spinlock tree_lock;

#define NAME_LENGTH_MAXIMUM 255
#define PATH_SIZE_MAXIMUM   4096 /* with the NUL */
#define LINKS_MAXIMUM       40   /* symbolic links in one walk; path_resolution(7) */

RB_HEAD(dentry_names, dentry);
RB_HEAD(dentry_order, dentry);

/* A name in a directory. In RAM file systems the tree of dentries is the directory itself. */
struct dentry {
    uint32_t references;         /* atomic; the tree holds one for each name in it */
    uint32_t mounts;             /* mounts on it; tree_lock */
    struct inode *inode;         /* a reference is held; constant */
    struct dentry *parent;       /* itself: a root; a reference is held; tree_lock */
    char *name;                  /* NUL-terminated; tree_lock */
    uint32_t name_length;        /* tree_lock */
    uint32_t name_hash;          /* tree_lock */
    bool linked;                 /* in the tree (or a root); false: deleted; tree_lock */
    uint64_t order;              /* newer names have greater numbers; tree_lock */
    uint64_t next_order;         /* of a directory: for its next child; tree_lock */
    uint64_t child_count;        /* tree_lock */
    struct dentry_names names;   /* a directory's children by hash and name; tree_lock */
    struct dentry_order ordered; /* …newest first; tree_lock */
    RB_ENTRY(dentry) name_link;  /* in the parent; tree_lock */
    RB_ENTRY(dentry) order_link; /* in the parent; tree_lock */
    /* Of names that are cached, backed/names.c: */
    TAILQ_ENTRY(dentry) cached_link; /* tree_lock */
    uint64_t asked;                  /* when it was asked for last, ns since boot; atomic */
    uint64_t valid_until;            /* ns since boot: then it is to be asked for again; atomic */
    bool cached;                     /* the tree may let it go when nobody uses it; tree_lock */
    bool used;                       /* since it was last looked at for that; atomic */
};

/* How many names the inode has; tree_lock held. */
static inline uint32_t *inode_links(struct inode *inode)
{
    return &GUARDED_BY(&tree_lock, inode->links);
}

static inline void dentry_reference(struct dentry *dentry)
{
    __atomic_fetch_add(&dentry->references, 1, __ATOMIC_RELAXED);
}
/* May sleep. */
void dentry_release(struct dentry *dentry);
/* The directory it is in, with a reference. Takes tree_lock. */
struct dentry *dentry_parent(struct dentry *dentry);
/* A dentry that is in no tree, with one reference; takes references to inode and parent (NULL: it
   is a root). NULL: no memory. */
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length,
                             struct inode *inode);
/* Its present name, cut to what fits in `size` bytes with the NUL. Takes tree_lock. */
void dentry_name_copy(struct dentry *dentry, char *name, size_t size);

/* A file system's tree, attached to a place. */
struct mount {
    uint32_t references;             /* atomic; the mount table holds one while it is attached */
    uint32_t id;                     /* constant */
    struct file_system *file_system; /* a reference is held; constant */
    struct dentry *root;             /* of what is shown; constant */
    struct mount *parent;            /* NULL: the root, or detached; tree_lock */
    struct dentry *place;            /* in the parent; tree_lock */
    uint32_t flags;                  /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, …; atomic */
    char *source;                    /* "none", "proc", …: for /proc/mounts; constant */
    TAILQ_ENTRY(mount) link;         /* all mounts, in order; tree_lock */
};

struct path {
    struct mount *mount;
    struct dentry *dentry;
};

static inline void mount_reference(struct mount *mount)
{
    __atomic_fetch_add(&mount->references, 1, __ATOMIC_RELAXED);
}
/* May sleep. */
void mount_release(struct mount *mount);

static inline void path_reference(const struct path *path)
{
    mount_reference(path->mount);
    dentry_reference(path->dentry);
}
/* May sleep. The dentry goes first: a mount's end takes its tree down. */
static inline void path_release(struct path *path)
{
    dentry_release(path->dentry);
    mount_release(path->mount);
}
static inline bool path_equal(const struct path *left, const struct path *right)
{
    return left->mount == right->mount && left->dentry == right->dentry;
}

/* ---- walking ---- */

enum {
    WALK_FOLLOW = 1,    /* a symbolic link as the last component is followed */
    WALK_DIRECTORY = 2, /* the end must be a directory: -ENOTDIR */
    WALK_EMPTY = 4,     /* AT_EMPTY_PATH: "" means the directory descriptor itself */
};

/*
 * Finds `name`, from the descriptor `directory` (or AT_FDCWD), by the calling
 * thread's root, working directory and credentials. On success *result holds
 * references. Errors as path_resolution(7): -ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 * -ENAMETOOLONG, -EBADF, -ENOMEM. May sleep.
 */
int path_lookup(int directory, const char *name, unsigned flags, struct path *result);
/* The same by a name in user memory: also -EFAULT. */
int path_lookup_user(int directory, vaddr_t name, unsigned flags, struct path *result);

/* A name from user memory: short ones without an allocation. */
struct user_path {
    char *string;
    char small[120];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM; after 0 call user_path_end. */
int user_path_begin(struct user_path *path, vaddr_t name);
void user_path_end(struct user_path *path);

/*
 * Writes the absolute path as seen from `root` (NULL: the calling thread's),
 * NUL-terminated. Returns the length without the NUL, or -ENAMETOOLONG, or
 * -ENOENT when the place is deleted and `deleted` is false; with `deleted` set
 * the text ends in " (deleted)". A place outside the root begins with
 * "(unreachable)", as getcwd(2) has it.
 */
ssize_t path_describe(const struct path *path, const struct path *root, bool deleted, char *buffer,
                      size_t size);

/* ---- mounts ---- */

/* The first mount; set by file_system_initialize(). */
extern struct mount *root_mount;
/* Calls `visit` for each mount (with a reference held, no lock), in the order they were made. */
void mount_for_each(int (*visit)(struct mount *mount, void *context), void *context);
/* Has the path's mount this MS_* flag (or is it in the file system's nature)? */
static inline bool mount_flag(const struct mount *mount, uint32_t flag)
{
    return __atomic_load_n(&mount->flags, __ATOMIC_RELAXED) & flag;
}
/* May files there be executed, and mapped so? */
bool path_may_execute(const struct path *path);

#endif
