/*
 * baton.c: what tests see of the kernel, one file each:
 *
 *   frames   a line for each owner: name and number of frames; then the total
 *   objects  a line for each kind: processes, threads, bytes of the kernel's heap in use
 *   heap     a line for each size: bytes of an object, how many are in use
 *   threads  a line for each thread: TID, state, page-table root, root of its address space
 *            ("-": a kernel thread), timer interrupts that came while it ran, name
 *   cpus     a line for each CPU: number, CR3 as that CPU holds it, its thread's TID and name
 *   firmware what the firmware's services say: firmware.c
 *   inject   (debug kernels) makes something go wrong in the thread that writes, see below
 */
#include "proc/baton.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/clock.h"
#include "cpu/registers.h"
#include "file/pseudo.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "process/process.h"
#include "thread/injection.h"
#include "thread/preemption.h"

static int frames_show(const struct pseudo_key *key, struct text *text)
{
    struct frame_counts counts;

    /* What is kept in reserve goes back first, tables and all: the rest is in use. */
    (void)key;
    heap_trim(0);
    heap_reclaim();
    frame_count(&counts);
    for (int owner = 0; owner < FRAME_OWNER_COUNT; owner++)
        text_print(text, "%s %lu\n", frame_owner_names[owner], counts.by_owner[owner]);
    text_print(text, "total %lu\n", counts.total);
    return 0;
}

/* ---- threads ---- */

static const char *state_name(const struct thread *thread)
{
    static const char *const names[] = {
        [THREAD_RUNNABLE] = "runnable", [THREAD_UNINTERRUPTIBLE] = "uninterruptible",
        [THREAD_KILLABLE] = "killable", [THREAD_INTERRUPTIBLE] = "interruptible",
        [THREAD_STOPPED] = "stopped",   [THREAD_DEAD] = "dead",
    };
    uint32_t state = __atomic_load_n(&thread->state, __ATOMIC_RELAXED);
    return state < array_length(names) ? names[state] : "?";
}

static uint64_t timer_interrupts(const struct thread *thread)
{
    return __atomic_load_n(&thread->timer_interrupts, __ATOMIC_RELAXED);
}

static void show_kernel_thread(struct thread *thread, void *context)
{
    if (!thread->process)
        text_print(context, "%u %s %016lx - %lu %s\n", thread->id, state_name(thread),
                   thread->page_table_root, timer_interrupts(thread), thread->name);
}

/* Both roots under one hold of the lock, as exec changes them. */
static void show_user_thread(struct user_thread *user, struct text *text)
{
    struct thread *thread = &user->thread;
    struct process *process = thread->process;

    bool enabled = spinlock_acquire_save(&process->lock);
    paddr_t root = thread->page_table_root;
    paddr_t space_root = thread->address_space ? thread->address_space->root : 0;
    spinlock_release_restore(&process->lock, enabled);
    text_print(text, "%u %s %016lx %016lx %lu %s\n", thread->id, state_name(thread), root,
               space_root, timer_interrupts(thread), thread->name);
}

static int threads_show(const struct pseudo_key *key, struct text *text)
{
    struct process *process;
    struct user_thread *thread;

    (void)key;
    thread_for_each(show_kernel_thread, text);
    for (uint32_t id = 0; (process = process_next(&id)); id++) {
        for (struct list_place place = {0}; (thread = process_next_thread(process, &place));) {
            show_user_thread(thread, text);
            user_thread_release(thread);
            thread_preemption_point();
        }
        process_release(process);
    }
    return 0;
}

static void count_process(struct process *process, void *context)
{
    size_t *counts = context;
    counts[0]++;
    counts[1] += __atomic_load_n(&process->thread_count, __ATOMIC_RELAXED);
}

static int objects_show(const struct pseudo_key *key, struct text *text)
{
    size_t counts[2] = {0};

    (void)key;
    uint64_t heap = heap_bytes_used();
    process_for_each(count_process, counts);
    text_print(text, "processes %zu\nthreads %zu\nheap %lu\n", counts[0], counts[1], heap);
    return 0;
}

static int heap_show(const struct pseudo_key *key, struct text *text)
{
    uint32_t size;
    uint64_t used;

    (void)key;
    for (size_t class = 0; heap_class_used(class, &size, &used); class ++)
        text_print(text, "%u %lu\n", size, used);
    return 0;
}

/* ---- CPUs ---- */

struct cpu_view {
    paddr_t root; /* CR3, read on that CPU */
    uint32_t thread_id;
    char name[16];
};

/* Runs on each CPU in turn, interrupts off. */
static void look_at_cpu(void *context)
{
    struct cpu_view *view = (struct cpu_view *)context + cpu_current()->number;
    const struct thread *thread = thread_current();

    view->root = cr3_read();
    view->thread_id = thread->id;
    memcpy(view->name, thread->name, sizeof(view->name));
}

static int cpus_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_view *views = heap_allocate_zeroed(CPU_MAXIMUM * sizeof(*views));

    (void)key;
    if (!views)
        return -ENOMEM;
    cpu_call(&cpu_online, look_at_cpu, views);
    CPU_SET_FOREACH (i, &cpu_online)
        text_print(text, "%u %016lx %u %s\n", i, views[i].root, views[i].thread_id, views[i].name);
    heap_free(views);
    return 0;
}

/* ---- inject ---- */

#ifdef DEBUG_CHECKS
/*
 * A line that is written arms the writing thread, for all it does from then on:
 *   F N              its Nth F from now on fails (injection.h: allocation, read, fault)
 *   point P ACTION   at P (injection.h: exec_prepared, …) timer, return, yield or delay
 *   off              nothing any more
 * and one line that is not about the thread:
 *   companions N     N kernel threads want CPU 0 beside all programs (0: no more)
 * Reading tells what came of it: how many there were, and the address of the
 * call that was made to fail, relative to the kernel's image (0: none).
 */
static const char *const action_names[] = {
    [INJECTION_ACT_TIMER] = "timer",
    [INJECTION_ACT_RETURN] = "return",
    [INJECTION_ACT_YIELD] = "yield",
    [INJECTION_ACT_DELAY] = "delay",
};

#define COMPANION_MAXIMUM 4
#define COMPANION_STRETCH 100000 /* ns of work, then the processor is given away */

/* A kernel thread for which programs are switched out. It ends when its place is not wanted. */
static struct companion {
    struct thread thread;
    bool runs; /* thread and its stack are in use; atomic */
} companions[COMPANION_MAXIMUM];
static uint64_t companions_wanted; /* atomic */

static void companion_work(void *place)
{
    while ((uint64_t)place < __atomic_load_n(&companions_wanted, __ATOMIC_RELAXED)) {
        for (uint64_t until = clock_now() + COMPANION_STRETCH; clock_now() < until;)
            cpu_relax();
        thread_yield();
    }
}

static void companion_off_stack(struct thread *thread)
{
    struct companion *companion = container_of(thread, struct companion, thread);

    kernel_stack_free(thread->kernel_stack);
    __atomic_store_n(&companion->runs, false, __ATOMIC_RELEASE);
}

static int companions_set(uint64_t count)
{
    if (count > COMPANION_MAXIMUM)
        return -EINVAL;
    __atomic_store_n(&companions_wanted, count, __ATOMIC_RELAXED);
    for (uint64_t place = 0; place < COMPANION_MAXIMUM; place++) {
        struct companion *companion = &companions[place];
        if (place >= count) {
            while (__atomic_load_n(&companion->runs, __ATOMIC_ACQUIRE))
                thread_yield();
        } else if (!__atomic_exchange_n(&companion->runs, true, __ATOMIC_ACQUIRE)) {
            vaddr_t stack = kernel_stack_allocate();
            if (!stack) {
                __atomic_store_n(&companion->runs, false, __ATOMIC_RELEASE);
                return -ENOMEM;
            }
            companion->thread =
                (struct thread){.release = companion_off_stack, .affinity = cpu_set_of(0)};
            thread_initialize(&companion->thread, "companion", stack, KERNEL_STACK_SIZE,
                              companion_work, (void *)place, kernel_root);
            thread_start(&companion->thread);
        }
    }
    return 0;
}

/* Takes the next word of a line; "" at its end. */
static const char *next_word(char **line)
{
    char *word = *line;
    while (*word == ' ')
        word++;
    char *end = word;
    while (*end && *end != ' ' && *end != '\n')
        end++;
    *line = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static uint32_t find_word(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] && !strcmp(word, names[i]))
            return i;
    }
    return 0;
}

static bool parse_number(const char *word, uint64_t *number)
{
    *number = 0;
    for (; *word >= '0' && *word <= '9' && *number < UINT64_MAX / 16; word++)
        *number = *number * 10 + (*word - '0');
    return !*word;
}

static int inject_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    struct thread_injection *injection = &thread_current()->injection;
    struct thread_injection armed = {0};
    char copy[64], *line = copy;

    (void)key;
    if (size >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, bytes, size);
    copy[size] = '\0';

    const char *what = next_word(&line);
    if (!strcmp(what, "companions")) {
        uint64_t count;
        return parse_number(next_word(&line), &count) ? companions_set(count) : -EINVAL;
    }
    if (!strcmp(what, "unlocked")) /* a fault of ours, for a test: GUARDED_BY() has to notice */
        return process_limits(process_current()) ? 0 : -EINVAL;
    armed.failure = find_word(what, injection_failure_names, INJECTION_FAILURE_COUNT);
    if (armed.failure) {
        if (!parse_number(next_word(&line), &armed.number))
            return -EINVAL;
    } else if (!strcmp(what, "point")) {
        armed.point = find_word(next_word(&line), injection_point_names, INJECTION_POINT_COUNT);
        armed.action = find_word(next_word(&line), action_names, array_length(action_names));
        if (!armed.point || !armed.action)
            return -EINVAL;
    } else if (strcmp(what, "off") != 0) {
        return -EINVAL;
    }
    *injection = armed;
    return 0;
}

static int inject_show(const struct pseudo_key *key, struct text *text)
{
    const struct thread_injection *injection = &thread_current()->injection;
    extern const char kernel_image_start[];

    (void)key;
    uint64_t place =
        injection->failed_at ? (vaddr_t)injection->failed_at - (vaddr_t)kernel_image_start : 0;
    text_print(text, "count %lu\nfailed_at %lx\n", injection->count, place);
    return 0;
}
#endif

static struct pseudo_node baton_files[] = {
    {.name = "frames", .mode = S_IFREG | 0444, .show = frames_show},
    {.name = "objects", .mode = S_IFREG | 0444, .show = objects_show},
    {.name = "heap", .mode = S_IFREG | 0444, .show = heap_show},
    {.name = "threads", .mode = S_IFREG | 0400, .show = threads_show},
    {.name = "cpus", .mode = S_IFREG | 0400, .show = cpus_show},
#ifdef DEBUG_CHECKS
    {.name = "inject", .mode = S_IFREG | 0644, .show = inject_show, .store = inject_store},
#endif
};

static struct pseudo_node baton_directory[] = {
    {
        .name = "baton",
        .mode = S_IFDIR | 0555,
        .children = baton_files,
        .child_count = array_length(baton_files),
    },
};

void proc_baton_initialize(void)
{
    pseudo_add(&proc_root, baton_directory, array_length(baton_directory));
    proc_firmware_add(baton_directory);
}
