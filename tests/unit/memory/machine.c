#define _GNU_SOURCE
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/call.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "cpu/tlb.h"
#include "cpu/user_access.h"
#include "memory/frame.h"
#include "memory/frame_setup.h"
#include "memory/hooks.h"
#include "memory/kernel_space.h"
#include "memory/page_fault.h"
#include "memory/page_table.h"
#include "memory/space_pages.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "thread/injection.h"
#include "thread/mutex.h"

uint64_t machine_fail_at, machine_failures, machine_allocations;

static int memory;
static paddr_t mapped[1 << 16]; /* by page of the kernel heap's area */
static bool heap_tables[(1 << 16) / TABLE_ENTRIES];

void machine_start(void)
{
    static struct memory_range ranges[] = {{.base = 0, .kind = MEMORY_USABLE}};
    memory = memfd_create("memory", 0);
    void *window = (void *)DIRECT_MAP_BASE;
    void *metadata = FRAME_METADATA;
    if (ftruncate(memory, (16 << 20) + MACHINE_MEMORY) ||
        mmap(window, (16 << 20) + MACHINE_MEMORY, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED_NOREPLACE, memory, 0) != window ||
        mmap(metadata, 1 << 20, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != metadata)
        abort();
    /* The allocator's list is written at its physical address, as at boot. */
    ranges[0].base = 16 << 20;
    ranges[0].size = MACHINE_MEMORY;
    paddr_t early = ranges[0].base;
    void *storage = mmap((void *)early, PAGE_SIZE, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED_NOREPLACE, memory, (off_t)early);
    if (storage != (void *)early)
        abort();
    frame_setup(ranges, 1, early + PAGE_SIZE, early + MACHINE_MEMORY, storage);
    space_pages_initialize();
}

/* ---- who is charged ---- */

struct user_account *user_account_get_current(void)
{
    static struct user_account account;
    return &account;
}

void user_account_release(struct user_account *account)
{
    (void)account;
}

/* ---- who is asked above ---- */

static bool lock_limited(void)
{
    return false;
}

const struct memory_hooks memory_hooks = {
    .out_of_memory = memory_gather,
    .lock_unlimited = lock_limited,
};

/* ---- the kernel's half ---- */

paddr_t kernel_page_frame(vaddr_t page)
{
    if (page < KERNEL_HEAP_BASE)
        return 1; /* metadata are there already */
    return mapped[(page - KERNEL_HEAP_BASE) >> PAGE_SHIFT];
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

paddr_t local_apic_address(void)
{
    return 0xfee00000;
}

bool direct_map_shows(paddr_t address)
{
    (void)address;
    return false;
}

int kernel_page_map_from(vaddr_t page, paddr_t frame, uint64_t flags, paddr_t (*allocate)(void))
{
    (void)page, (void)frame, (void)flags, (void)allocate;
    abort();
}

int kernel_page_map(vaddr_t page, paddr_t frame, uint64_t flags)
{
    (void)flags;
    mapped[(page - KERNEL_HEAP_BASE) >> PAGE_SHIFT] = frame;
    heap_tables[(page - KERNEL_HEAP_BASE) / LEAF_SPAN] = true;
    return mmap((void *)page, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
                memory, (off_t)frame) == (void *)page
               ? 0
               : -1;
}

void kernel_pages_hide(vaddr_t start, vaddr_t end)
{
    (void)start, (void)end;
}

void kernel_pages_unmap(vaddr_t start, vaddr_t end)
{
    kernel_pages_free(start, end);
}

void kernel_pages_free(vaddr_t start, vaddr_t end)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
        munmap((void *)page, PAGE_SIZE);
        frame_release(mapped[(page - KERNEL_HEAP_BASE) >> PAGE_SHIFT]);
        mapped[(page - KERNEL_HEAP_BASE) >> PAGE_SHIFT] = 0;
    }
}

void kernel_tables_release(vaddr_t start, vaddr_t end)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE)
        if (mapped[(page - KERNEL_HEAP_BASE) >> PAGE_SHIFT])
            panic("a table that maps something is released");
    for (vaddr_t at = start; at < end; at += LEAF_SPAN)
        heap_tables[(at - KERNEL_HEAP_BASE) / LEAF_SPAN] = false;
}

unsigned machine_heap_tables(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < array_length(heap_tables); i++)
        count += heap_tables[i];
    return count;
}

void kernel_space_install(uint64_t *root)
{
    root[511] = 3;
}

void kernel_space_remove(uint64_t *root)
{
    root[511] = 0;
}

/* ---- cpu/ ---- */

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    abort();
}

unsigned cpu_set_words = 1;
struct cpu_set cpu_online = {.words = {1}};
struct cpu_features cpu_features = {.physical_bits = 40};

void tlb_shootdown(const struct cpu_set *which, vaddr_t start, vaddr_t end)
{
    (void)which, (void)start, (void)end;
}

void cpu_call(const struct cpu_set *which, void (*function)(void *context), void *context)
{
    (void)which;
    function(context);
}

vaddr_t user_access_fixup(vaddr_t rip)
{
    (void)rip;
    return 0;
}

void spinlock_check_acquire(struct spinlock *lock)
{
    if (lock->holder)
        panic("a lock is taken twice");
}

void spinlock_check_acquired(struct spinlock *lock)
{
    lock->holder = lock;
}

void spinlock_check_release(struct spinlock *lock)
{
    lock->holder = NULL;
}

/* ---- thread/ ---- */

void mutex_initialize(struct mutex *mutex, enum mutex_rank rank)
{
    (void)rank;
    mutex->owner = NULL;
}

void mutex_acquire(struct mutex *mutex)
{
    if (mutex->owner)
        panic("a mutex is taken twice");
    mutex->owner = mutex;
}

void mutex_release(struct mutex *mutex)
{
    if (!mutex->owner)
        panic("a mutex nobody has is released");
    mutex->owner = NULL;
}

void thread_note_no_memory(void)
{
}

bool thread_had_no_memory(void)
{
    return false;
}

bool thread_interrupted(enum thread_state state)
{
    (void)state;
    return false;
}

bool injection_fails(enum injection_failure failure, void *caller)
{
    (void)caller;
    if (failure != INJECTION_ALLOCATION || ++machine_allocations != machine_fail_at)
        return false;
    machine_failures++;
    return true;
}

/* ---- the program's side of read() and write() is the host's memory ---- */

size_t user_copy_in_partial(void *to, vaddr_t from, size_t size)
{
    memcpy(to, (void *)from, size);
    return size;
}

size_t user_copy_out_partial(vaddr_t to, const void *from, size_t size)
{
    memcpy((void *)to, from, size);
    return size;
}

int user_zero(vaddr_t to, size_t size)
{
    memset((void *)to, 0, size);
    return 0;
}

/* library/string.c would bring its own memcpy. */
ptrdiff_t string_copy(char *destination, const char *string, size_t size);
ptrdiff_t string_copy(char *destination, const char *string, size_t size)
{
    snprintf(destination, size, "%s", string);
    return 0;
}
