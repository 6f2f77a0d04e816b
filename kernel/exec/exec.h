/*
 * exec.h: the three steps of an exec, for execve(2) and for the creation of
 * init, which only prepares.
 */
#ifndef BATON_EXEC_EXEC_H
#define BATON_EXEC_EXEC_H

#include "exec/arguments.h"
#include "exec/credentials.h"
#include "exec/placement.h"
#include "process/process.h"

struct descriptor_table;
struct elf_image;
struct file;

struct exec {
    /* What is asked for. */
    int directory;     /* a descriptor or AT_FDCWD; only for a relative path */
    const char *path;  /* as it was given */
    int at_flags;      /* AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW */
    const char *shown; /* the path as the program will know it: AT_EXECFN, a script's argv */
    const struct exec_source *source;
    uint64_t stack_limit; /* RLIMIT_STACK as it was at the beginning: where things lie, and how much
                             fits, is reckoned with it several times */
    bool fixed_places; /* personality(2) asks for them; a set-user-ID program does not get them */

    /* What exec_prepare made of it; exec_release() lets go of what is still here. */
    struct exec_placement placement;
    struct exec_arguments arguments;
    struct file *file; /* the program's: a script's interpreter; nobody writes to it */
    struct file *interpreter;
    struct elf_image *image, *interpreter_image;
    vaddr_t entry; /* where the first instruction is */
    vaddr_t stack; /* RSP there */
    struct address_space *space;
    char name[16];

    /* The same, where it depends on what others share with the caller. */
    struct exec_credentials credentials;
    bool gains_nothing;                   /* these were prepared for a shared context */
    bool is_readable;                     /* the caller might read the files, too */
    struct descriptor_table *descriptors; /* a copy; NULL: the caller's own will do */
    struct signal_actions *actions;       /* the same */
};

/* prepare.c: everything that can fail. 0 or a negative errno; exec_release() in either case. May
   sleep. */
int exec_prepare(struct exec *exec);
void exec_release(struct exec *exec);
/*
 * Private copies of what is shared with other processes: a program begins with
 * its own (execve(2)). Its set-user-ID bits are ignored where another process
 * could change its root directory; if that process came only now, it is too
 * late to ignore them, and -EAGAIN is the answer. 0, -EAGAIN, -ENOMEM.
 */
int exec_prepare_for_sharing(struct exec *exec);

/* The registers of the first instruction: all zero but RIP, RSP and what user mode must have. */
struct trap_frame exec_first_frame(const struct exec *exec);

#endif
