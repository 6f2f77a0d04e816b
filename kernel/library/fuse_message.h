/*
 * fuse_message.h: what a FUSE server says (<linux/fuse.h>, Linux's
 * Documentation/filesystems/fuse.rst). A server is outside input: nothing of it becomes a size, a
 * name, a number of a node or an offset before it was looked at here.
 */
#ifndef BATON_LIBRARY_FUSE_MESSAGE_H
#define BATON_LIBRARY_FUSE_MESSAGE_H

#include <linux/fuse.h>

#include "library/types.h"

#define FUSE_NAME_MAXIMUM 255

/* The head of an answer of `size` bytes. 0; -EINVAL: it is none. */
int fuse_head_check(const struct fuse_out_header *head, size_t size);

/* Is it no error, or one that a program may be told? Restart codes and such are the kernel's own.
 */
static inline bool fuse_error_valid(int32_t error)
{
    return error > -512;
}

/* What the server chose of what was offered. */
struct fuse_terms {
    uint32_t minor;         /* of protocol 7 */
    uint32_t flags;         /* FUSE_*: those that both know */
    uint32_t write_maximum; /* bytes */
    uint32_t pages_maximum; /* of one read or write */
};
/* Its answer to FUSE_INIT, which offered these flags. 0; -EPROTO: another protocol, or too old. */
int fuse_terms_parse(const void *bytes, size_t size, uint32_t offered, struct fuse_terms *terms);

/* What is known of a file, in range. */
struct fuse_attributes {
    uint64_t number, size, blocks;       /* blocks of 512 bytes */
    int64_t accessed, modified, changed; /* seconds */
    uint32_t accessed_nanoseconds, modified_nanoseconds, changed_nanoseconds;
    uint32_t mode, links, user, group, device, block_size;
    uint64_t valid; /* how long that may be believed, ns */
};
/* Answers to FUSE_GETATTR and _SETATTR. 0; -EIO: they make no sense. */
int fuse_attributes_parse(const void *bytes, size_t size, struct fuse_attributes *attributes);

/* A name's meaning. */
struct fuse_entry {
    uint64_t node; /* 0: there is no such name */
    uint64_t generation;
    uint64_t valid; /* how long the name may be believed, ns */
    struct fuse_attributes attributes;
};
/* Answers to FUSE_LOOKUP, _MKNOD, _MKDIR, _SYMLINK, _LINK, and the beginning of _CREATE's. The
   root's number is no name's. 0 or -EIO. */
int fuse_entry_parse(const void *bytes, size_t size, struct fuse_entry *entry);

/* One entry of a directory. */
struct fuse_directory_entry {
    const char *name; /* not NUL-terminated; within the answer */
    size_t length;
    uint64_t number;
    uint64_t next;  /* the offset behind it */
    uint32_t type;  /* S_IF* */
    bool has_entry; /* FUSE_READDIRPLUS: the next is known, and the server counts it as looked up */
    struct fuse_entry entry;
};
/* The entry at *at of an answer to FUSE_READDIR (`plus`: _READDIRPLUS); *at moves behind it. 1; 0:
   no more (a last one that is cut counts as none); -EIO. */
int fuse_directory_next(const void *bytes, size_t size, bool plus, size_t *at,
                        struct fuse_directory_entry *entry);

/* Notices: fields are checked, names point into `bytes`. 0 or -EINVAL. */
struct fuse_notice {
    uint64_t node, child;
    int64_t offset, length; /* FUSE_NOTIFY_INVAL_INODE; length 0 or below: to the end */
    const char *name;
    size_t name_length;
    bool expire_only;
};
int fuse_notice_parse(int code, const void *bytes, size_t size, struct fuse_notice *notice);

/* The options of mount(2). */
struct fuse_options {
    int descriptor;
    uint32_t root_mode; /* its type; permissions are asked for */
    uint32_t user, group;
    uint32_t read_maximum; /* bytes; UINT32_MAX: not said */
    uint32_t block_size;   /* fuseblk */
    bool default_permissions, allow_other;
};
/* 0; -EINVAL: something is missing (fd, rootmode, user_id, group_id), unknown or no number. */
int fuse_options_parse(const char *text, struct fuse_options *options);

#endif
