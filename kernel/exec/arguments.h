/*
 * arguments.h: what a new program finds on its stack (x86-64 psABI,
 * "Initial Stack and Register State"), written straight into the frames that
 * will be its stack.
 *
 *     base                                                                      top
 *     │ start ▼ = the new RSP
 *     │ (free) │ argc │ argv… 0 │ envp… 0 │ auxiliary vector │ random, platform │ strings │
 *
 * The strings lie in the order argv, envp, path, each with its NUL, as
 * /proc/PID/cmdline and environ want them.
 */
#ifndef BATON_EXEC_ARGUMENTS_H
#define BATON_EXEC_ARGUMENTS_H

#include "library/types.h"

struct address_space;

#define EXEC_STRING_MAXIMUM  (32 * PAGE_SIZE) /* of one string with its NUL; execve(2) */
#define EXEC_AUXILIARY_PAIRS 24

struct exec_arguments {
    vaddr_t base; /* of the first frame; page aligned; chosen before anything is written */

    /* The block in frames; those that `frame_count` counts are there, zeroed at first. */
    paddr_t *frames;
    size_t frame_count, frame_capacity;
    paddr_t few_frames[8];        /* enough for most programs */
    struct user_account *account; /* charged for room for more of them, until these are discarded */

    /* Offsets in the block. */
    size_t start;                      /* of argc: the new RSP */
    size_t slot;                       /* where the next string's pointer goes */
    size_t auxiliary_vector, random;   /* where these begin */
    size_t strings, environment, path; /* where these strings begin */
    size_t second_string;              /* behind argv[0]: for interpreters' scripts */
    size_t end;                        /* where the next string goes */
    size_t limit;                      /* `end` never goes beyond */

    size_t argument_count, environment_count;
};

/* Where the arguments of an exec come from: a program's memory, or the kernel (init). */
struct exec_source {
    bool kernel;
    vaddr_t arguments, environment; /* arrays of pointers in user memory; 0: empty */
    const char *const *kernel_arguments, *const *kernel_environment;
};

/*
 * Copies everything of `source`, and `path` as AT_EXECFN's string. `start`: a
 * multiple of 16, below a page. `limit`: bytes that strings and pointers may have
 * in all. 0; -E2BIG, -EFAULT, -ENOMEM: nothing is held. May sleep.
 */
int exec_arguments_collect(struct exec_arguments *arguments, const struct exec_source *source,
                           const char *path, vaddr_t base, size_t start, size_t limit);
/* Gives back the frames that were not moved to an address space. */
void exec_arguments_discard(struct exec_arguments *arguments);

/*
 * A script: argv[0] is replaced by `count` strings (execve(2), "Interpreter
 * scripts"). 0, -E2BIG, -ENOMEM: then nothing has changed.
 */
int exec_arguments_replace_first(struct exec_arguments *arguments, const char *const *strings,
                                 size_t count);

/* Moves the block to another base: its strings' pointers. Not once it is finished. */
void exec_arguments_rebase(struct exec_arguments *arguments, vaddr_t base);

/* Writes the auxiliary vector (count pairs with AT_NULL) and the random bytes. */
void exec_arguments_finish(struct exec_arguments *arguments, const uint64_t *vector, size_t count,
                           const uint8_t random[16]);
/* User addresses for that vector. */
vaddr_t exec_arguments_random(const struct exec_arguments *arguments);
vaddr_t exec_arguments_platform(const struct exec_arguments *arguments);
vaddr_t exec_arguments_path(const struct exec_arguments *arguments);
vaddr_t exec_arguments_top(const struct exec_arguments *arguments);

/*
 * Moves the frames to a space, in which the stack's region is mapped already,
 * and says there where arguments and environment are. 0 or -ENOMEM.
 */
int exec_arguments_move(struct exec_arguments *arguments, struct address_space *space);

#endif
