/* exec_credentials.h: on whose behalf the new program acts (execve(2), capabilities(7)). */
#ifndef BATON_PROCESS_EXEC_CREDENTIALS_H
#define BATON_PROCESS_EXEC_CREDENTIALS_H

#include "file/credentials.h"
#include "library/types.h"

struct file;

struct exec_credentials {
    const struct credentials *credentials; /* a reference is held */
    bool privileged;                       /* effective user or group is another one now */
    bool secure;                           /* AT_SECURE */
};

/*
 * Applies the set-user-ID and set-group-ID bits of `file`, unless they are to
 * be ignored (`ignore_bits`: shared file-system context, no_new_privs), and the
 * rules for capabilities. 0 or -ENOMEM.
 */
int exec_credentials_prepare(struct exec_credentials *result, const struct file *file,
                             bool ignore_bits);

#endif
