/* credentials.h: on whose behalf the new program acts (execve(2), capabilities(7)). */
#ifndef BATON_EXEC_CREDENTIALS_H
#define BATON_EXEC_CREDENTIALS_H

#include "file/credentials.h"
#include "library/types.h"

struct file;
struct inode_attributes;

struct exec_credentials {
    const struct credentials *credentials; /* a reference is held */
    bool has_bits;                         /* the file has set-user-ID or set-group-ID bits */
    bool gains;   /* something that sharing a file-system context would take away again */
    bool changed; /* they are others than the caller's, or more (prctl(2), PR_SET_DUMPABLE) */
    bool secure;  /* AT_SECURE */
};

/*
 * Applies the set-user-ID and set-group-ID bits of `file`, whose attributes were
 * read once, and the rules for capabilities, as far as they may be: with
 * `no_new_privileges` (prctl(2)) and where the file-system context is `shared`
 * with another process, nobody gains anything. 0, -ENOMEM; -EACCES: these
 * attributes no longer let the caller execute what they would give it.
 */
int exec_credentials_prepare(struct exec_credentials *result, const struct file *file,
                             const struct inode_attributes *attributes, bool no_new_privileges,
                             bool shared);

#endif
