/*
 * exec.c: how a program hands its process over to another one.
 *
 *   exec_prepare   builds everything the new program needs aside: its arguments, its whole address
 *                  space, its credentials, its descriptors. May fail: then nothing has changed.
 *   exec_claim     makes this thread the one that survives. May lose against an exit or another
 *                  exec: then this thread is to end anyway, and nothing else has changed.
 *   exec_commit    ends the other threads and puts the new in the place of the old. Cannot fail.
 *
 * README.md shows who may come between, at each of the steps that
 * injection_reach() names. The order of errors is Linux's (execve(2)).
 */
#include "exec/exec.h"

#include <asm/auxvec.h>
#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/personality.h>

#include "cpu/cpu.h"
#include "cpu/fpu.h"
#include "cpu/user_segments.h"
#include "exec/image.h"
#include "exec/system_calls.h"
#include "file/descriptor_table.h"
#include "file/file.h"
#include "file/tree/file_system_context.h"
#include "library/align.h"
#include "library/elf.h"
#include "library/format.h"
#include "library/script.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/exit.h"
#include "process/futex.h"
#include "process/identity.h"
#include "process/signal/frame.h"
#include "process/thread_account.h"
#include "process/time/posix_timer.h"
#include "process/vdso/vdso.h"
#include "thread/injection.h"
#include "thread/limits.h"

/* ==== prepare: the arguments ================================================================= */

#define SCRIPT_DEPTH_MAXIMUM 5 /* interpreters that are scripts themselves; then ELOOP */

/*
 * Where things may lie. The distances are Linux's, but for the mmap area's: within 256 GiB stack
 * and mmap area share a table of the second level, always, so that no exec needs a frame more or
 * less than another by chance.
 */
#define IMAGE_BASE      0x555555554000UL /* of a position-independent program: 2/3 of the space */
#define IMAGE_PLACES    (1UL << 28)      /* pages: 1 TiB to choose from */
#define MMAP_PLACES     (1UL << 26)      /* 256 GiB */
#define STACK_PLACES    (1UL << 22)      /* 16 GiB */
#define HEAP_PLACES     (1UL << 13)      /* 32 MiB */
#define VDSO_PLACES     512              /* pages: what one page table maps */
#define STACK_GAP_LEAST (128UL << 20)    /* between the stack and what mmap gives out */
#define STACK_GAP_MOST  (USER_END / 6 * 5)
#define STACK_HEADROOM  (16 * PAGE_SIZE)  /* what lies above the stack's strings and pointers */
#define STACK_AT_FIRST  (128UL << 10)     /* bytes mapped below the arguments */
#define HEAP_ALIGNMENT  (512 * PAGE_SIZE) /* a page table of its own */
#define HEAP_AT_FIRST   (128UL << 10)     /* what small programs use of it */

/* What the first functions use fits in the first page; the arguments begin at one of so many places
   16 bytes apart above it. With more places many an exec would need a second page for them. */
#define STACK_START 1536
#define STACK_SLOTS 64

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

/*
 * Moves [place, place+size) down, if need be, so that one page table of the lowest level maps it:
 * again, no exec is to cost more than another by chance.
 */
static vaddr_t whole_in_one_table(vaddr_t place, size_t size)
{
    const vaddr_t span = 512 * PAGE_SIZE;
    return size <= span && place % span + size > span ? align_down(place, span) + span - size
                                                      : place;
}

static vaddr_t arguments_base(const struct exec *exec)
{
    vaddr_t base = align_down(USER_END - STACK_HEADROOM - arguments_limit(exec), PAGE_SIZE) -
                   exec->placement.stack % STACK_PLACES * PAGE_SIZE;

    return whole_in_one_table(base - STACK_AT_FIRST, 2 * STACK_AT_FIRST) + STACK_AT_FIRST;
}

static int collect_arguments(struct exec *exec)
{
    size_t start = STACK_START + exec->placement.stack / STACK_PLACES % STACK_SLOTS * 16;

    return exec_arguments_collect(&exec->arguments, exec->source, exec->shown, arguments_base(exec),
                                  start, arguments_limit(exec));
}

/* ==== prepare: the program's file ============================================================ */

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

/* ==== prepare: the address space ============================================================= */

/* From where downwards mmap gives out places. */
static void set_mmap_base(const struct exec *exec, struct address_space *space)
{
    uint64_t gap = exec->stack_limit;
    if (gap < STACK_GAP_LEAST)
        gap = STACK_GAP_LEAST;
    if (gap > STACK_GAP_MOST)
        gap = STACK_GAP_MOST;

    space->mmap_base = align_down(exec->arguments.base - gap - STACK_GUARD_GAP, PAGE_SIZE) -
                       exec->placement.mmap % MMAP_PLACES * PAGE_SIZE;
}

/* The program itself; returns its bias in *bias. */
static int map_program(struct exec *exec, uint64_t *bias)
{
    struct address_space *space = exec->space;
    const struct elf_image *image = exec->image;
    vaddr_t place = IMAGE_BASE + exec->placement.image % IMAGE_PLACES * PAGE_SIZE;

    *bias = exec_image_bias(image, whole_in_one_table(place, image->load_end - image->load_start));
    int error = exec_image_map(space, exec->file, image, *bias);
    if (error)
        return error;
    exec_image_describe(space, image, *bias);
    vaddr_t heap = align_up(image->data_end + *bias, HEAP_ALIGNMENT) +
                   exec->placement.heap % HEAP_PLACES * PAGE_SIZE;
    space->brk_start = whole_in_one_table(heap, HEAP_AT_FIRST);
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

/*
 * Above the stack, where the same page table maps it if there is room, with a page between them
 * that is never mapped.
 */
static vaddr_t vdso_place(const struct exec *exec)
{
    const size_t size = vdso_size();
    vaddr_t first = exec_arguments_top(&exec->arguments) + PAGE_SIZE;
    vaddr_t last = align_up(first, VDSO_PLACES * PAGE_SIZE) - size;

    if (last > USER_END - size)
        last = USER_END - size;
    if (last <= first)
        return first;
    return first + exec->placement.vdso % ((last - first) / PAGE_SIZE + 1) * PAGE_SIZE;
}

/* The auxiliary vector (getauxval(3)), kept in the space for /proc. Returns its pairs. */
static size_t fill_auxiliary_vector(const struct exec *exec, uint64_t bias, uint64_t base)
{
    const struct credentials *credentials = exec->credentials.credentials;
    const struct elf_image *image = exec->image;
    const struct exec_arguments *arguments = &exec->arguments;
    uint64_t program_headers =
        image->has_program_headers_address ? image->program_headers_address + bias : 0;
    const uint64_t vector[][2] = {
        {AT_SYSINFO_EHDR, exec->space->vdso},
        {AT_MINSIGSTKSZ, signal_frame_size()},
        {AT_HWCAP, cpu_features.basic},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, 100},
        {AT_PHDR, program_headers},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, image->program_headers_count},
        {AT_BASE, base},
        {AT_FLAGS, 0},
        {AT_ENTRY, image->entry + bias},
        {AT_UID, credentials->real_user},
        {AT_EUID, credentials->effective_user},
        {AT_GID, credentials->real_group},
        {AT_EGID, credentials->effective_group},
        {AT_SECURE, exec->credentials.secure},
        {AT_RANDOM, exec_arguments_random(arguments)},
        {AT_HWCAP2, 0}, /* HWCAP2_FSGSBASE: the kernel leaves it off (cpu/features.c) */
        {AT_EXECFN, exec_arguments_path(arguments)},
        {AT_PLATFORM, exec_arguments_platform(arguments)},
        {AT_NULL, 0},
    };
    _Static_assert(array_length(vector) <= EXEC_AUXILIARY_PAIRS, "room on the stack");
    _Static_assert(sizeof(vector) <= sizeof(exec->space->auxiliary_vector), "room in the space");

    memcpy(exec->space->auxiliary_vector, vector, sizeof(vector));
    return array_length(vector);
}

/* The stack: the arguments' frames, and some pages below them; it grows down from there. */
static int map_stack(struct exec *exec)
{
    struct exec_arguments *arguments = &exec->arguments;
    size_t size = exec_arguments_top(arguments) - arguments->base;
    uint64_t limit = exec->stack_limit;
    size_t more = limit > size ? limit - size : 0;
    if (more > STACK_AT_FIRST)
        more = STACK_AT_FIRST;
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
    set_mmap_base(exec, exec->space);
    int error = map_program(exec, &bias);
    if (!error)
        error = map_interpreter(exec, &base);
    if (error)
        return error;
    vaddr_t vdso = vdso_place(exec);
    exec->space->vdso = vdso_program_address(vdso);
    size_t pairs = fill_auxiliary_vector(exec, bias, base);
    exec_arguments_finish(&exec->arguments, exec->space->auxiliary_vector, pairs,
                          exec->placement.bytes);
    error = map_stack(exec);
    return error ? error : vdso_map(exec->space, vdso);
}

/* ==== prepare: what depends on sharing ======================================================= */

/* What processes other than the caller's share with it. */
struct sharing {
    bool descriptors, actions, file_system;
};

/*
 * Siblings share these things too, but they will be gone: counted are the
 * references that are not theirs. (A reader of /proc may hold one for a moment.
 * That makes a copy for nothing, and no more.) Process's lock held.
 */
static struct sharing find_sharing(const struct process *process)
{
    const struct thread *caller = thread_current(), *thread;
    const struct user_thread *user;
    uint32_t descriptors = 0, file_systems = 0;

    LIST_FOREACH(user, &process->threads, process_link)
    {
        thread = &user->thread;
        descriptors += thread->descriptors == caller->descriptors;
        file_systems += thread->file_system == caller->file_system;
    }
    return (struct sharing){
        .descriptors =
            __atomic_load_n(&caller->descriptors->references, __ATOMIC_ACQUIRE) > descriptors,
        .actions = __atomic_load_n(&process->signals.actions->references, __ATOMIC_ACQUIRE) > 1,
        .file_system =
            __atomic_load_n(&caller->file_system->references, __ATOMIC_ACQUIRE) > file_systems,
    };
}

/* Is what was prepared right for this sharing? */
static bool suits(const struct exec *exec, const struct sharing *sharing)
{
    return (exec->descriptors || !sharing->descriptors) && (exec->actions || !sharing->actions) &&
           (exec->gains_nothing || !sharing->file_system || !exec->credentials.gains);
}

/*
 * Private copies of what is shared with other processes: a program begins with
 * its own (execve(2)). Its set-user-ID bits are ignored where another process
 * could change its root directory; if that process came only now, it is too
 * late to ignore them, and -EAGAIN is the answer.
 */
static int prepare_for_sharing(struct exec *exec)
{
    const struct thread *caller = thread_current();
    struct process *process = caller->process;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct sharing sharing = find_sharing(process);
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
        exec->gains_nothing = find_sharing(process).file_system;
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
    exec_arguments_rebase(&exec->arguments, arguments_base(exec));
}

/* ==== prepare ================================================================================ */

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
        error = prepare_for_sharing(exec);
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

/* ==== claim ================================================================================== */

/*
 * Decides, under the process's lock, that this thread's exec is the one that
 * happens. From then on the siblings are told to end, new ones cannot appear,
 * and nothing can fail. -EINTR: an exit or another exec was first, and this
 * thread is to end. -EAGAIN: something came to be shared since it was prepared.
 */
static int exec_claim(struct exec *exec)
{
    struct user_thread *self = user_thread_current(), *sibling;
    struct process *process = self->thread.process;
    int error = 0;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct sharing sharing = find_sharing(process);
    if (process->exiting || process->executor) {
        error = -EINTR;
    } else if (!suits(exec, &sharing)) {
        error = -EAGAIN;
    } else {
        process->executor = self;
        LIST_FOREACH(sibling, &process->threads, process_link)
        {
            if (sibling != self && !sibling->exiting)
                thread_post_work(&sibling->thread, THREAD_WORK_KILL);
        }
    }
    spinlock_release_restore(&process->lock, enabled);
    return error;
}

/* ==== commit: alone ========================================================================== */

/* Whichever thread it was: now it is the process's first one, with the process's number. */
static void take_over_identity(struct user_thread *thread)
{
    struct process *process = thread->thread.process;

    bool enabled = spinlock_acquire_save(&process_table_lock);
    if (thread->identity != process->identity) {
        thread->identity->thread = NULL;
        identity_drop(thread->identity);
        thread->identity = process->identity;
        thread->identity->thread = thread;
        thread->thread.id = process->id;
    }
    process->exit_signal = SIGCHLD;
    process->executions++;
    process->has_executed = true;
    spinlock_release_restore(&process_table_lock, enabled);
}

/* ==== commit: the switch ===================================================================== */

/*
 * The old memory learns that its thread is gone: robust futexes, and, if
 * another process still uses it, clear_child_tid (set_tid_address(2)).
 */
static void say_goodbye_to_memory(struct user_thread *thread)
{
    struct address_space *old = thread->thread.address_space;
    bool shared = __atomic_load_n(&old->users, __ATOMIC_ACQUIRE) > 1;
    futex_thread_exit(thread, shared);
}

/*
 * The new address space, credentials and name in one step: whoever looks from
 * outside takes the process's lock and sees all of them or none. The old ones
 * are left in *exec.
 */
static void switch_image(struct user_thread *thread, struct exec *exec)
{
    struct thread *self = &thread->thread;
    struct process *process = self->process;

    bool enabled = spinlock_acquire_save(&process->lock);
    struct address_space *old_space = self->address_space;
    const struct credentials *old_credentials = self->credentials;
    self->address_space = exec->space;
    self->credentials = exec->credentials.credentials;
    memcpy(self->name, exec->name, sizeof(self->name));
    if (exec->descriptors) {
        struct descriptor_table *old_descriptors = self->descriptors;
        self->descriptors = exec->descriptors;
        exec->descriptors = old_descriptors;
    }
    process->dumpable =
        exec->is_readable && !exec->credentials.secure && !exec->credentials.changed;
    if (exec->credentials.has_bits)
        __atomic_and_fetch(&process->personality, ~PER_CLEAR_ON_SETID, __ATOMIC_RELAXED);
    thread_set_root(exec->space->root, &exec->space->cpus);
    uint64_t most = address_space_most_resident(old_space);
    if (process->usage.maximum_resident < most)
        process->usage.maximum_resident = most;
    spinlock_release_restore(&process->lock, enabled);

    exec->space = old_space;
    exec->credentials.credentials = old_credentials;
}

/* ==== commit: what does not survive (execve(2), "Effect on process attributes") ============== */

struct trap_frame exec_first_frame(const struct exec *exec)
{
    return (struct trap_frame){
        .vector = TRAP_NONE,
        .rip = exec->entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_IF | RFLAGS_FIXED,
        .rsp = exec->stack,
        .ss = SELECTOR_USER_DATA,
    };
}

static void reset_registers(struct user_thread *thread, const struct exec *exec)
{
    *thread_user_frame(&thread->thread) = exec_first_frame(exec);
    fpu_reset();
    user_fs_base_set(0);
    user_gs_base_set(0);
}

/* What the old program had told the kernel about its memory, and its timers and handlers. */
static void reset_attributes(struct user_thread *thread, struct exec *exec)
{
    thread->set_child_tid = thread->clear_child_tid = 0;
    thread->robust_list = 0;
    thread->rseq = 0;
    thread->thread.restart.again = NULL;
    if (exec->credentials.secure || exec->credentials.changed)
        thread->parent_death_signal = 0;
    posix_timers_delete_all(thread->thread.process);
    exec->actions = signal_exec_commit(thread, exec->actions);
}

/* ==== commit ================================================================================= */

static void exec_commit(struct exec *exec)
{
    struct user_thread *self = user_thread_current();
    struct process *process = self->thread.process;

    process_wait_off_stack(process, 1);
    injection_reach(INJECTION_EXEC_ALONE);

    take_over_identity(self);
    injection_reach(INJECTION_EXEC_NUMBERED);
    say_goodbye_to_memory(self);
    switch_image(self, exec);
    injection_reach(INJECTION_EXEC_SWITCHED);

    vfork_complete(self);
    reset_registers(self, exec);
    reset_attributes(self, exec);
    descriptor_table_close_on_exec(self->thread.descriptors);
    exec_release(exec); /* by now it holds the old image */
    injection_reach(INJECTION_EXEC_RESET);

    bool enabled = spinlock_acquire_save(&process->lock);
    process->executor = NULL;
    spinlock_release_restore(&process->lock, enabled);
    injection_reach(INJECTION_EXEC_COMMITTED);
    self->thread.injection.failure = INJECTION_NOTHING; /* the old program asked for it */
    self->thread.injection.point = INJECTION_NONE;
}

/* ==== the whole ============================================================================== */

static int exec_run(struct exec *exec)
{
    int error = exec_prepare(exec);
    if (!error) {
        injection_reach(INJECTION_EXEC_PREPARED);
        while ((error = exec_claim(exec)) == -EAGAIN) {
            error = prepare_for_sharing(exec);
            if (error)
                break;
        }
    }
    if (error) {
        exec_release(exec);
        return error;
    }
    injection_reach(INJECTION_EXEC_CLAIMED);
    exec_commit(exec);
    return 0;
}

/* The name of a file that was given by a descriptor, as Linux's proc(5) tells it. */
static int show_descriptor(char **shown, int descriptor, const char *path)
{
    size_t size = sizeof("/dev/fd/2147483647/") + strlen(path);
    *shown = heap_allocate(size);
    if (!*shown)
        return -ENOMEM;
    format_string(*shown, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", descriptor, path);
    return 0;
}

ssize_t sys_execveat(int directory, vaddr_t path, vaddr_t arguments, vaddr_t environment, int flags)
{
    const struct exec_source source = {.arguments = arguments, .environment = environment};
    struct process *process = process_current();
    struct user_path name;
    char *shown = NULL;

    int error = user_path_begin(&name, path);
    if (error)
        return error;
    if (!*name.string && !(flags & AT_EMPTY_PATH))
        error = -ENOENT;
    if (!error && directory != AT_FDCWD && *name.string != '/')
        error = show_descriptor(&shown, directory, name.string);
    if (!error) {
        struct exec exec = {
            .directory = directory,
            .path = name.string,
            .at_flags = flags,
            .shown = shown ? shown : name.string,
            .source = &source,
            .stack_limit = thread_limit(RLIMIT_STACK),
            .fixed_places = process->personality & ADDR_NO_RANDOMIZE,
        };
        error = exec_run(&exec);
    }
    heap_free(shown);
    user_path_end(&name);
    return error;
}

ssize_t sys_execve(vaddr_t path, vaddr_t arguments, vaddr_t environment)
{
    return sys_execveat(AT_FDCWD, path, arguments, environment, 0);
}
