/*
 * pseudo.h: file systems whose contents are made when they are looked at:
 * /proc and /sys. This room knows how directories, files and links of such a
 * tree behave; what they say comes from the rooms that own the facts.
 *
 * A node describes a kind of file and is constant after boot: "the status
 * file", not "the status file of process 7". Which thing is meant stands in the
 * key, numbers that a directory's `find` chose (a process number, a thread
 * number, a descriptor) and that all below it inherit. Nothing of the owner is
 * referenced: each call looks its thing up by the key, and answers -ESRCH or
 * -ENOENT when it is gone.
 *
 *     static struct pseudo_node process_files[] = {
 *         {.name = "status", .mode = S_IFREG | 0444, .show = status_show},
 *         {.name = "exe", .mode = S_IFLNK | 0777, .follow = executable_follow},
 *     };
 *     static struct pseudo_node process_directory = {
 *         .mode = S_IFDIR | 0555, .children = process_files,
 *         .child_count = array_length(process_files)};
 *     pseudo_add(&proc_root, …);
 */
#ifndef BATON_FILE_PSEUDO_H
#define BATON_FILE_PSEUDO_H

#include "file/file.h"

/* Which of its kind a node stands for. Zero above what a directory's `find` set. */
struct pseudo_key {
    uint64_t number[3];
};

/* Text that grows. After an allocation failed, or past 64 MiB, all further text is dropped and
   the reader gets -ENOMEM. */
struct text {
    char *bytes;
    size_t size, capacity;
    bool failed;
};
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *text, const void *bytes, size_t size);
/* A path with its special characters as \ooo, as in /proc/mounts and maps. */
void text_append_escaped(struct text *text, const char *string, const char *characters);
void text_free(struct text *text);

struct pseudo_attributes {
    uint32_t mode; /* permissions may be changed, not the type */
    uint32_t user, group, links;
    uint64_t size;
    uint64_t device; /* of a device node */
};

/* The name of an entry that a directory's `next` found. */
struct pseudo_name {
    char text[256];
    uint32_t type; /* S_IF* */
};

struct pseudo_node {
    const char *name; /* NULL: only through a directory's `find` */
    uint32_t mode;    /* with its type */

    /* Directory: its own children, shown first; then those of `find` and `next`. */
    struct pseudo_node *children;
    size_t child_count;
    struct pseudo_node *added; /* by pseudo_add */
    /* Sets the child's key (which begins as the directory's) and its node, or -ENOENT. */
    int (*find)(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                struct pseudo_node **child);
    /* The first child at or after *position (from 0 on, any numbering that is stable); moves
     *position behind it. False: no more. */
    bool (*next)(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name);

    /* A file in it is made, which `find` finds then; or removed. NULL: it cannot be. */
    int (*create)(const struct pseudo_key *key, const char *name);
    int (*remove)(const struct pseudo_key *key, const char *name);

    /* What a file always says, or where a link always leads: instead of `show`, `read_link`. */
    const char *text;

    /* File: the whole text; made anew when a reader begins at 0. */
    int (*show)(const struct pseudo_key *key, struct text *text);
    /* What one write(2) brought (at most 64 KiB, NUL-terminated). 0 or an error. */
    int (*store)(const struct pseudo_key *key, const char *bytes, size_t size);
    /* Called by open(2), with the credentials of who opens: 0 or an error. */
    int (*check)(const struct pseudo_key *key, struct file *file);
    /* What the text is about, as a number, where that can become something else under the same
       name: what was opened before that shows nothing after it, since `check` was for another. */
    uint64_t (*subject)(const struct pseudo_key *key);
    /* A file that is not a text (/proc/PID/mem): its own operations; pseudo_file_key() helps. */
    const struct file_operations *operations;

    /* Symbolic link: its text (the length, no NUL); `follow` makes it magic. */
    ssize_t (*read_link)(const struct pseudo_key *key, char *buffer, size_t size);
    int (*follow)(const struct pseudo_key *key, struct path *target);

    bool is_setting;   /* a directory, below which everything is a setting: /proc/sys */
    bool is_immutable; /* a directory: nobody changes anything of it */

    /* A directory: may the caller go into it, though its mode says otherwise? */
    bool (*is_own)(const struct pseudo_key *key);
    /* Changes what stat shows (owner of a process's files); gone: leaves them. */
    void (*attributes)(const struct pseudo_key *key, struct pseudo_attributes *attributes);

    struct pseudo_node *next_added;
};

/* Nodes of files that everybody may read. */
#define PSEUDO_SHOW(file, function)                                                                \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .show = (function)                                 \
    }
#define PSEUDO_TEXT(file, constant)                                                                \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .text = (constant)                                 \
    }

/* For `read_link`: as much of the target as there is room for; its length. */
ssize_t pseudo_link_text(char *buffer, size_t size, const char *target);

/* The roots, into which the rooms put their nodes. */
extern struct pseudo_node proc_root, sys_root;

/* Makes another tree known, for mount(2) by `type`; `first_mounted` is called when it is mounted
   and was not before, or NULL. At boot only. 0 or -ENOMEM. */
int pseudo_tree_add(const char *type, uint32_t magic, struct pseudo_node *root,
                    void (*first_mounted)(void));

/* Adds `count` nodes of an array to a directory. At boot only. */
void pseudo_add(struct pseudo_node *directory, struct pseudo_node *nodes, size_t count);
/* The node of a directory that was opened; NULL: it is none of such a tree. */
const struct pseudo_node *pseudo_directory_node(const struct file *file);
/* The key of a file opened on a node with operations of its own. */
const struct pseudo_key *pseudo_file_key(const struct file *file);

/* ---- for the files of this room ---- */

int pseudo_initialize(void);

#endif
