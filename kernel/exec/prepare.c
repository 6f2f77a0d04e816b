/*
 * prepare.c: the first step of an exec: everything the new program needs, built aside. All of it
 * may fail; nothing of the caller has changed then. Read it from the bottom up.
 */
#include <asm/auxvec.h>
#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>

#include "cpu/cpu.h"
#include "exec/exec.h"
#include "exec/image.h"
#include "exec/sharing.h"
#include "file/descriptor_table.h"
#include "file/file.h"
#include "library/align.h"
#include "library/elf.h"
#include "library/script.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/signal/frame.h"
#include "process/thread_account.h"
#include "process/vdso/vdso.h"

#define SCRIPT_DEPTH_MAXIMUM 5 /* interpreters that are scripts themselves; then ELOOP */

/* ---- the arguments ---- */

#define ARGUMENTS_LEAST (128UL << 10) /* ARG_MAX, however small the stack's limit */
#define ARGUMENTS_MOST  (6UL << 20)   /* three quarters of the usual stack limit */

/* A quarter of the stack's limit, within bounds (execve(2), "Limits on size of arguments"). */
static size_t arguments_limit(const struct exec *exec)
{
    uint64_t limit = exec->stack_limit / 4;
    if (limit > ARGUMENTS_MOST)
        limit = ARGUMENTS_MOST;
    return limit > ARGUMENTS_LEAST ? limit : ARGUMENTS_LEAST;
}

static int collect_arguments(struct exec *exec)
{
    size_t limit = arguments_limit(exec);

    return exec_arguments_collect(&exec->arguments, exec->source, exec->shown,
                                  exec_place_arguments(&exec->placement, limit),
                                  exec_place_start(&exec->placement), limit);
}

/* ---- the program's file ---- */

/*
 * What a thread is called (prctl(2), PR_SET_NAME): the last component of its program's path, or,
 * when it was given by a descriptor alone, the name of the file that runs.
 */
static void take_name(struct exec *exec)
{
    const char *slash = strrchr(exec->shown, '/');

    if (!*exec->path)
        dentry_name_copy(exec->file->path.dentry, exec->name, sizeof(exec->name));
    else
        string_copy(exec->name, slash ? slash + 1 : exec->shown, sizeof(exec->name));
}

/* Would the new program still find "/dev/fd/N" open, to read its script from? */
static bool script_is_reachable(const struct exec *exec)
{
    return exec->shown == exec->path ||
           !descriptor_table_closes_on_exec(thread_current()->descriptors, exec->directory);
}

/*
 * The file is a script: its interpreter becomes the program, and the script's
 * path, `shown`, one of its arguments. The interpreter's own path is left in
 * `name`, should it be a script too.
 */
static int follow_script(struct exec *exec, struct exec_head *head, const char *shown,
                         char name[SCRIPT_LINE_MAXIMUM])
{
    struct script_line line;
    int error = script_line_parse(head->bytes, &line);
    if (error)
        return error;
    if (!script_is_reachable(exec))
        return -ENOENT;

    const char *arguments[3] = {line.interpreter};
    size_t count = 1;
    if (line.argument)
        arguments[count++] = line.argument;
    arguments[count++] = shown;
    error = exec_arguments_replace_first(&exec->arguments, arguments, count);
    if (error)
        return error;
    string_copy(name, line.interpreter, SCRIPT_LINE_MAXIMUM);

    file_release(exec->file);
    exec->file = NULL;
    return file_open_executable(AT_FDCWD, name, 0, &exec->file);
}

/* Opens the program, through scripts if need be, and leaves its first bytes in *head. */
static int open_program(struct exec *exec, struct exec_head *head)
{
    char name[SCRIPT_LINE_MAXIMUM];
    const char *shown = exec->shown;

    if (exec->at_flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    int error = file_open_executable(exec->directory, exec->path, exec->at_flags, &exec->file);
    if (error)
        return error;

    for (int depth = 0;; depth++) {
        error = exec_head_read(head, exec->file);
        if (error || !script_is(head->bytes, head->size))
            return error;
        error = follow_script(exec, head, shown, name);
        if (error)
            return error;
        if (depth == SCRIPT_DEPTH_MAXIMUM)
            return -ELOOP;
        shown = name;
    }
}

/*
 * Opens the program and the interpreter it asks for (PT_INTERP), and checks both. As on Linux, what
 * is wrong with their segments comes last.
 */
static int read_images(struct exec *exec)
{
    struct exec_head head;

    int error = open_program(exec, &head);
    if (!error)
        error = exec_image_read(&exec->image, exec->file, &head, ELF_PROGRAM);
    if (error)
        return error;
    take_name(exec);
    if (!exec->image->interpreter.size)
        return exec->image->fault;

    error = exec_image_open_interpreter(exec->image, exec->file, &exec->interpreter);
    if (!error)
        error = exec_head_read(&head, exec->interpreter);
    if (!error)
        error =
            exec_image_read(&exec->interpreter_image, exec->interpreter, &head, ELF_INTERPRETER);
    if (!error)
        error = exec->image->fault;
    return error ? error : exec->interpreter_image->fault;
}

/* ---- the address space ---- */

/* The program itself; returns its bias in *bias. */
static int map_program(struct exec *exec, uint64_t *bias)
{
    struct address_space *space = exec->space;
    const struct elf_image *image = exec->image;

    *bias = exec_image_bias(
        image, exec_place_image(&exec->placement, image->load_end - image->load_start));
    int error = exec_image_map(space, exec->file, image, *bias);
    if (error)
        return error;
    exec_image_describe(space, image, *bias);
    space->brk_start = exec_place_heap(&exec->placement, image->data_end + *bias);
    space->brk = space->brk_start;
    space->executable = &exec->file->object;
    space->executable->reference(space->executable);
    exec->entry = image->entry + *bias;
    return 0;
}

/* The interpreter, which is then what runs first; its bias (AT_BASE) in *bias. */
static int map_interpreter(struct exec *exec, uint64_t *bias)
{
    const struct elf_image *image = exec->interpreter_image;

    *bias = 0;
    if (!image)
        return 0;
    *bias = exec_image_bias(image, exec->space->mmap_base - (image->load_end - image->load_start));
    exec->entry = image->entry + *bias;
    int error = exec_image_map(exec->space, exec->interpreter, image, *bias);
    file_allow_write(exec->interpreter); /* only the program itself is ETXTBSY while it runs */
    return error;
}

static uint64_t *pair(uint64_t *at, uint64_t type, uint64_t value)
{
    at[0] = type;
    at[1] = value;
    return at + 2;
}

/* The auxiliary vector (getauxval(3)), kept in the space for /proc. Returns its pairs. */
static size_t fill_auxiliary_vector(const struct exec *exec, uint64_t bias, uint64_t base)
{
    const struct credentials *credentials = exec->credentials.credentials;
    const struct elf_image *image = exec->image;
    const struct exec_arguments *arguments = &exec->arguments;
    uint64_t program_headers =
        image->has_program_headers_address ? image->program_headers_address + bias : 0;
    uint64_t *vector = exec->space->auxiliary_vector, *at = vector;
    _Static_assert(2 * EXEC_AUXILIARY_PAIRS <= array_length(exec->space->auxiliary_vector),
                   "room in the space");

    at = pair(at, AT_SYSINFO_EHDR, exec->space->vdso);
    at = pair(at, AT_MINSIGSTKSZ, signal_frame_size());
    at = pair(at, AT_HWCAP, cpu_features.basic);
    at = pair(at, AT_PAGESZ, PAGE_SIZE);
    at = pair(at, AT_CLKTCK, 100);
    at = pair(at, AT_PHDR, program_headers);
    at = pair(at, AT_PHENT, sizeof(Elf64_Phdr));
    at = pair(at, AT_PHNUM, image->program_headers_count);
    at = pair(at, AT_BASE, base);
    at = pair(at, AT_FLAGS, 0);
    at = pair(at, AT_ENTRY, image->entry + bias);
    at = pair(at, AT_UID, credentials->real_user);
    at = pair(at, AT_EUID, credentials->effective_user);
    at = pair(at, AT_GID, credentials->real_group);
    at = pair(at, AT_EGID, credentials->effective_group);
    at = pair(at, AT_SECURE, exec->credentials.secure);
    at = pair(at, AT_RANDOM, exec_arguments_random(arguments));
    at = pair(at, AT_HWCAP2, 0); /* HWCAP2_FSGSBASE: the kernel leaves it off (cpu/features.c) */
    at = pair(at, AT_EXECFN, exec_arguments_path(arguments));
    at = pair(at, AT_PLATFORM, exec_arguments_platform(arguments));
    at = pair(at, AT_NULL, 0);
    return (size_t)(at - vector) / 2;
}

/* The stack: the arguments' frames, and some pages below them; it grows down from there. */
static int map_stack(struct exec *exec)
{
    struct exec_arguments *arguments = &exec->arguments;
    size_t size = exec_arguments_top(arguments) - arguments->base;
    uint64_t limit = exec->stack_limit;
    size_t more = limit > size ? limit - size : 0;
    if (more > EXEC_STACK_AT_FIRST)
        more = EXEC_STACK_AT_FIRST;
    more = align_down(more, PAGE_SIZE);

    unsigned flags = REGION_READ | REGION_WRITE | REGION_STACK;
    if (exec->image->stack_executable)
        flags |= REGION_EXECUTE;
    exec->stack = arguments->base + arguments->start;
    int error = address_space_map(exec->space, arguments->base - more, size + more, flags, NULL, 0,
                                  0, false);
    return error ? error : exec_arguments_move(arguments, exec->space);
}

static int build_space(struct exec *exec)
{
    uint64_t bias, base;

    exec->space = address_space_create();
    if (!exec->space)
        return -ENOMEM;
    exec->space->mmap_base =
        exec_place_mmap(&exec->placement, exec->arguments.base, exec->stack_limit);
    int error = map_program(exec, &bias);
    if (!error)
        error = map_interpreter(exec, &base);
    if (error)
        return error;
    vaddr_t vdso =
        exec_place_vdso(&exec->placement, exec_arguments_top(&exec->arguments), vdso_size());
    exec->space->vdso = vdso_program_address(vdso);
    size_t pairs = fill_auxiliary_vector(exec, bias, base);
    exec_arguments_finish(&exec->arguments, exec->space->auxiliary_vector, pairs,
                          exec->placement.bytes);
    error = map_stack(exec);
    return error ? error : vdso_map(exec->space, vdso);
}

/* ---- as whom it runs ---- */

static bool may_read(const struct inode_attributes *attributes)
{
    return !inode_attributes_permission(attributes, PERMISSION_READ, credentials_current());
}

static bool may_read_interpreter(const struct exec *exec)
{
    if (!exec->interpreter)
        return true;
    struct inode_attributes attributes = inode_attributes(exec->interpreter->inode);
    return may_read(&attributes);
}

/* The user and group the program runs as; needed before its stack is written (AT_UID, …). */
static int prepare_credentials(struct exec *exec)
{
    const struct thread *caller = thread_current();
    struct process *process = caller->process;
    bool no_new_privileges = false;

    if (process) {
        bool enabled = spinlock_acquire_save(&process->lock);
        exec->gains_nothing = exec_sharing_find(process).file_system;
        spinlock_release_restore(&process->lock, enabled);
        no_new_privileges = user_thread_current()->no_new_privileges;
    }
    struct inode_attributes attributes = inode_attributes(exec->file->inode);
    exec->is_readable = may_read(&attributes) && may_read_interpreter(exec);
    return exec_credentials_prepare(&exec->credentials, exec->file, &attributes, no_new_privileges,
                                    exec->gains_nothing);
}

/* What a caller of less rights chose about places is not for a set-user-ID program. */
static void prepare_places(struct exec *exec)
{
    if (!exec->credentials.has_bits || !exec->fixed_places)
        return;
    exec->fixed_places = false;
    exec_placement_draw(&exec->placement, exec->fixed_places);
    exec_arguments_rebase(&exec->arguments,
                          exec_place_arguments(&exec->placement, arguments_limit(exec)));
}

/* ---- what depends on sharing ---- */

int exec_prepare_for_sharing(struct exec *exec)
{
    const struct thread *caller = thread_current();
    struct process *process = caller->process;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct exec_sharing sharing = exec_sharing_find(process);
    spinlock_release_restore(&process->lock, enabled);

    if (sharing.file_system && exec->credentials.gains && !exec->gains_nothing)
        return -EAGAIN;
    if (sharing.descriptors && !exec->descriptors) {
        exec->descriptors = descriptor_table_copy(caller->descriptors);
        if (!exec->descriptors)
            return -ENOMEM;
    }
    if (sharing.actions && !exec->actions) {
        exec->actions = signal_actions_copy(process->signals.actions);
        if (!exec->actions)
            return -ENOMEM;
    }
    return 0;
}

/* ---- the whole ---- */

int exec_prepare(struct exec *exec)
{
    exec_placement_draw(&exec->placement, exec->fixed_places);
    int error = thread_current()->process ? user_account_check() : 0;
    if (!error)
        error = collect_arguments(exec);
    if (!error)
        error = read_images(exec);
    if (!error)
        error = prepare_credentials(exec);
    if (!error) {
        prepare_places(exec);
        error = build_space(exec);
    }
    if (!error && thread_current()->process)
        error = exec_prepare_for_sharing(exec);
    return error;
}

void exec_release(struct exec *exec)
{
    exec_arguments_discard(&exec->arguments);
    heap_free(exec->image);
    heap_free(exec->interpreter_image);
    if (exec->space)
        address_space_release(exec->space);
    file_release(exec->file);
    file_release(exec->interpreter);
    credentials_release(exec->credentials.credentials);
    descriptor_table_release(exec->descriptors);
    if (exec->actions)
        signal_actions_release(exec->actions);
}
