/* fuse.h: what the files of this folder share: nodes, open files, the whole file system. */
#ifndef BATON_STORAGE_FUSE_FUSE_H
#define BATON_STORAGE_FUSE_FUSE_H

#include "cpu/clock.h"
#include "file/backed/names.h"
#include "file/backed/regular.h"
#include "storage/fuse/connection.h"

struct fuse_file_system {
    struct file_system file_system; /* first: it is what the file room knows */
    struct cached_names names;
    struct fuse_connection *connection; /* a reference; constant */
    struct fuse_options options;        /* constant */
    struct user_account *account;       /* of options.user: a reference; constant */
    bool on_device;                     /* fuseblk; constant */
    char type[];                        /* as mounted: "fuse.sshfs" */
};

/*
 * What an inode is to the server; its `private`. It outlives the inode until the server was told
 * that it is forgotten, so that this needs no memory.
 */
struct fuse_node {
    RB_ENTRY(fuse_node) link;              /* by number; nodes_lock of node.c */
    TAILQ_ENTRY(fuse_node) forgotten_link; /* connection's lock */
    struct inode *inode;                   /* no reference; nodes_lock */
    uint32_t users; /* atomic; the inode, and each FUSE_RELEASE that is not answered */
    struct fuse_connection *connection; /* constant */
    uint64_t number, generation;        /* constant */
    uint64_t lookups; /* that the server counts; nodes_lock, and nobody's when it is forgotten */
    struct spinlock lock;
    uint64_t valid_until; /* ns since boot: until then attributes need not be asked for; lock */
    uint64_t version;     /* of the size: what was asked for before it changed is stale; lock */
    uint64_t blocks;      /* lock */
    uint32_t block_size;  /* lock */
    struct file_time modified; /* as the server said last; lock */
    uint64_t names_expired;    /* of a directory: names asked for before are not believed; atomic */
    LIST_HEAD(, fuse_handle) writers; /* open for writing; lock */
    struct fuse_handle *created;      /* by this very open(2), not yet its file's; lock */
    const struct thread *creator;     /* whose that is; lock */
};

/* An open file or directory; file->private. */
struct fuse_handle {
    uint64_t number;              /* the server's */
    uint32_t open_flags;          /* FOPEN_* */
    uint32_t flags;               /* O_* */
    uint32_t references;          /* atomic */
    bool opened;                  /* the server is to be told of its end */
    LIST_ENTRY(fuse_handle) link; /* in node->writers; node's lock */
    struct fuse_node *node;       /* constant */
    struct fuse_request *release; /* made with it, so that the end cannot fail */
};

static inline struct fuse_node *fuse_node(const struct inode *inode)
{
    return inode->private;
}
static inline struct fuse_file_system *fuse_of(const struct inode *inode)
{
    return (struct fuse_file_system *)inode->file_system;
}
static inline struct fuse_connection *fuse_connection_of(const struct inode *inode)
{
    return fuse_of(inode)->connection;
}

/* Is this the business of the calling thread? 0 or -EACCES: a mount without allow_other is for who
   made it, whom else its server could learn from or keep waiting. */
int fuse_may_use(const struct fuse_file_system *fuse, const struct credentials *credentials);

/* ---- node.c ---- */

/* The inode of an entry, with a reference; a new one, or the one that is there. The server's count
   of lookups is taken over, also when it fails: -ENOMEM, -EIO: another kind of file. */
int fuse_inode_get(struct fuse_file_system *fuse, const struct fuse_entry *entry,
                   struct inode **inode);
/* The root. NULL: no memory. */
struct inode *fuse_root_create(struct fuse_file_system *fuse);
/* Notes what the server said; `version`: node's when it was asked, or 0: the size is certain. */
void fuse_attributes_note(struct inode *inode, const struct fuse_attributes *attributes,
                          uint64_t version);
/* They are to be asked for again. */
void fuse_attributes_expire(struct inode *inode);
uint64_t fuse_version(struct fuse_node *node);
/* The size is changed by this side: answers under way do not count. */
void fuse_version_raise(struct fuse_node *node);
/* The inode of a number, with a reference, or NULL. */
struct inode *fuse_inode_find(struct fuse_connection *connection, uint64_t number);
/* The inode of the next number behind this one, with a reference; *number moves there. NULL: there
   is none. */
struct inode *fuse_inode_next(struct fuse_connection *connection, uint64_t *number);
/* Tells the server that what it looked up for us is not wanted. */
void fuse_lookup_forget(struct fuse_file_system *fuse, uint64_t number);
/* One user less: with the last one the server is told that it is forgotten. */
void fuse_node_release(struct fuse_node *node);
/* A time from now on, that may be for ever. */
static inline uint64_t fuse_time_until(uint64_t duration)
{
    uint64_t now = clock_now();
    return duration > UINT64_MAX - now ? UINT64_MAX : now + duration;
}
extern const struct inode_operations fuse_directory_inode, fuse_file_inode, fuse_link_inode;

/* ---- file.c ---- */

extern const struct file_operations fuse_file_operations, fuse_directory_operations;
ssize_t fuse_read_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                        const paddr_t *frames);
ssize_t fuse_write_pages(struct inode *inode, struct file *file, uint64_t offset, size_t size,
                         const paddr_t *frames);
/* The answer to FUSE_CREATE: kept for the open(2) that made the file. 0 or -ENOMEM. */
int fuse_created_keep(struct fuse_node *node, const struct fuse_open_out *out, uint32_t flags);
struct fuse_handle *fuse_handle_create(struct fuse_node *node, bool directory);
void fuse_handle_release(struct fuse_handle *handle);
/* Waits until the server has answered most of the closes: 0, -EINTR or -ENOTCONN. Before a file is
   opened. */
int fuse_releases_await(struct fuse_connection *connection);
/* Any handle of the file, that may write to it; with a reference, or NULL. */
struct fuse_handle *fuse_handle_writing(struct fuse_node *node);

/* What was written through any of the files that are open for it is on its medium. Killable. */
int fuse_files_synchronise(struct fuse_connection *connection);

/* ---- connection.c, for device.c ---- */

/* The request that is next, taken out with a reference; NULL: none. */
struct fuse_request *fuse_connection_next(struct fuse_connection *connection);
/* The one of this number, taken out with a reference. */
struct fuse_request *fuse_connection_take(struct fuse_connection *connection, uint64_t unique);
/* The server has read it. False: nobody wants the answer any more. */
bool fuse_request_sent(struct fuse_connection *connection, struct fuse_request *request);
void fuse_request_end(struct fuse_connection *connection, struct fuse_request *request, int error);
/* The next nodes to be forgotten, at most `count`; the caller frees them. */
size_t fuse_nodes_forgotten(struct fuse_connection *connection, struct fuse_node **nodes,
                            size_t count);
void fuse_nodes_forget_all(struct fuse_connection *connection);

/* ---- mount.c ---- */

int fuse_initialize(void);

#endif
