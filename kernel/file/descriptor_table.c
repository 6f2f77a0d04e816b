/* descriptor_table.c: open files by number. */
#include "file/descriptor_table.h"

#include <asm/errno.h>

#include "cpu/panic.h"
#include "file/lock.h"
#include "library/bitmap.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/limits.h"
#include "thread/preemption.h"

/* ---- the arrays ---- */

/* Arrays for more numbers than the table has room for itself, in one piece of memory. */
struct arrays {
    struct file **files;
    uint64_t *used, *close_on_exec;
};

static bool arrays_allocate(struct arrays *arrays, unsigned capacity)
{
    size_t files = capacity * sizeof(struct file *), bits = capacity / 8;
    char *memory = heap_allocate_zeroed(files + 2 * bits);
    if (!memory)
        return false;
    arrays->files = (struct file **)memory;
    arrays->used = (uint64_t *)(memory + files);
    arrays->close_on_exec = (uint64_t *)(memory + files + bits);
    return true;
}

static void arrays_free(struct descriptor_table *table, struct file **files)
{
    if (files != table->small_files)
        heap_free(files);
}

struct descriptor_table *descriptor_table_create(void)
{
    struct descriptor_table *table = heap_allocate_zeroed(sizeof(*table));
    if (!table)
        return NULL;
    table->references = 1;
    table->capacity = DESCRIPTORS_SMALL;
    table->files = table->small_files;
    table->used = table->small_used;
    table->close_on_exec = table->small_close_on_exec;
    return table;
}

/* Makes room for number `descriptor`. 0, -EMFILE, -ENOMEM. Called and returns with the lock held,
   which it gives up meanwhile. */
static int table_grow(struct descriptor_table *table, unsigned descriptor)
{
    if (descriptor >= DESCRIPTORS_MAXIMUM)
        return -EMFILE;
    while (descriptor >= table->capacity) {
        unsigned old = table->capacity, capacity = old;
        struct arrays arrays;
        while (descriptor >= capacity)
            capacity *= 2;
        spinlock_release(&table->lock);
        bool allocated = arrays_allocate(&arrays, capacity);
        spinlock_acquire(&table->lock);
        if (!allocated)
            return -ENOMEM;
        struct file **unused = arrays.files;
        if (table->capacity < capacity) {
            old = table->capacity;
            memcpy(arrays.files, table->files, old * sizeof(struct file *));
            memcpy(arrays.used, table->used, old / 8);
            memcpy(arrays.close_on_exec, table->close_on_exec, old / 8);
            unused = table->files;
            table->files = arrays.files;
            table->used = arrays.used;
            table->close_on_exec = arrays.close_on_exec;
            table->capacity = capacity;
        }
        spinlock_release(&table->lock);
        arrays_free(table, unused);
        spinlock_acquire(&table->lock);
    }
    return 0;
}

#define COPIED_AT_ONCE 32 /* times 64 numbers; then others may run */

struct descriptor_table *descriptor_table_copy(struct descriptor_table *table)
{
    /* With others who open and close, a copy is what the table was at one moment, however long. */
    bool alone = __atomic_load_n(&table->references, __ATOMIC_RELAXED) == 1;
    struct descriptor_table *copy = descriptor_table_create();
    if (!copy)
        return NULL;
    spinlock_acquire(&table->lock);
    unsigned needed = DESCRIPTORS_SMALL;
    for (unsigned word = table->capacity / 64; word > DESCRIPTORS_SMALL / 64; word--) {
        if (table->used[word - 1]) {
            needed = word * 64;
            break;
        }
    }
    while (needed > copy->capacity) {
        /* The original may grow while its lock is not held: look again. */
        struct arrays arrays;
        spinlock_release(&table->lock);
        if (!arrays_allocate(&arrays, needed)) {
            descriptor_table_release(copy);
            return NULL;
        }
        arrays_free(copy, copy->files);
        copy->files = arrays.files;
        copy->used = arrays.used;
        copy->close_on_exec = arrays.close_on_exec;
        copy->capacity = needed;
        spinlock_acquire(&table->lock);
        for (unsigned word = table->capacity / 64; word > needed / 64; word--) {
            if (table->used[word - 1]) {
                needed = word * 64;
                break;
            }
        }
    }
    for (unsigned word = 0; word < table->capacity / 64 && word < copy->capacity / 64; word++) {
        if (word % COPIED_AT_ONCE == COPIED_AT_ONCE - 1 && alone) {
            spinlock_release(&table->lock);
            thread_preemption_point();
            spinlock_acquire(&table->lock);
        }
        uint64_t bits = table->used[word];
        while (bits) {
            unsigned bit = (unsigned)__builtin_ctzll(bits);
            bits &= bits - 1;
            /* What is only reserved is not copied: another thread is about to open it. */
            struct file *file = table->files[word * 64 + bit];
            if (!file)
                continue;
            file_reference(file);
            copy->files[word * 64 + bit] = file;
            copy->used[word] |= UINT64_C(1) << bit;
        }
        copy->close_on_exec[word] = table->close_on_exec[word] & copy->used[word];
    }
    spinlock_release(&table->lock);
    return copy;
}

/* Takes a file out of the table; NULL: none. Lock held. */
static struct file *table_take(struct descriptor_table *table, unsigned descriptor)
{
    if (descriptor >= table->capacity || !table->files[descriptor])
        return NULL;
    struct file *file = table->files[descriptor];
    table->files[descriptor] = NULL;
    bitmap_clear(table->used, descriptor);
    bitmap_clear(table->close_on_exec, descriptor);
    if (descriptor < table->lowest)
        table->lowest = descriptor;
    return file;
}

/* What a closed descriptor means to its file. */
static void file_closed(struct descriptor_table *table, struct file *file)
{
    record_locks_release(file->inode, table);
    if (file->operations->flush)
        file->operations->flush(file);
    file_release(file);
    thread_preemption_point();
}

void descriptor_table_release(struct descriptor_table *table)
{
    if (!table || __atomic_sub_fetch(&table->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (unsigned word = 0; word < table->capacity / 64; word++) {
        while (table->used[word]) {
            unsigned bit = (unsigned)__builtin_ctzll(table->used[word]);
            table->used[word] &= table->used[word] - 1;
            file_closed(table, table->files[word * 64 + bit]);
        }
    }
    arrays_free(table, table->files);
    heap_free(table);
}

void descriptor_table_close_on_exec(struct descriptor_table *table)
{
    spinlock_acquire(&table->lock);
    for (unsigned word = 0; word < table->capacity / 64; word++) {
        while (table->close_on_exec[word]) {
            unsigned bit = (unsigned)__builtin_ctzll(table->close_on_exec[word]);
            table->close_on_exec[word] &= table->close_on_exec[word] - 1;
            struct file *file = table_take(table, word * 64 + bit);
            if (!file)
                continue;
            spinlock_release(&table->lock);
            file_closed(table, file);
            spinlock_acquire(&table->lock);
        }
    }
    spinlock_release(&table->lock);
}

/* ---- looking up ---- */

/* What an open file takes at least: most have a name and an inode of their own. */
#define FILE_MEMORY (sizeof(struct file) + sizeof(struct dentry) + sizeof(struct inode))

static uint64_t file_memory_share(const struct file *file)
{
    uint64_t (*memory)(const struct file *) = file->operations->memory;
    uint32_t references = __atomic_load_n(&file->references, __ATOMIC_RELAXED) & ~FILE_IN_FLIGHT;
    return (FILE_MEMORY + (memory ? memory(file) : 0)) / (references ? references : 1);
}

uint64_t descriptor_table_memory(struct descriptor_table *table, unsigned from, unsigned count)
{
    uint64_t bytes = 0;

    spinlock_acquire(&table->lock);
    for (unsigned i = from; i < table->capacity && i - from < count; i++)
        bytes +=
            sizeof(table->files[i]) + (table->files[i] ? file_memory_share(table->files[i]) : 0);
    spinlock_release(&table->lock);
    return bytes;
}

struct file *descriptor_table_get(struct descriptor_table *table, unsigned descriptor)
{
    struct file *file = NULL;

    spinlock_acquire(&table->lock);
    if (descriptor < table->capacity)
        file = table->files[descriptor];
    if (file)
        file_reference(file);
    spinlock_release(&table->lock);
    return file;
}

struct file *descriptor_table_look(struct descriptor_table *table, unsigned descriptor,
                                   bool *closes_on_exec)
{
    struct file *file = NULL;

    spinlock_acquire(&table->lock);
    if (descriptor < table->capacity)
        file = table->files[descriptor];
    if (file) {
        file_reference(file);
        if (closes_on_exec)
            *closes_on_exec = bitmap_test(table->close_on_exec, descriptor);
    }
    spinlock_release(&table->lock);
    return file;
}

int descriptor_table_next(struct descriptor_table *table, unsigned from)
{
    spinlock_acquire(&table->lock);
    while (from < table->capacity && !table->files[from])
        from = (unsigned)bitmap_next_set(table->used, table->capacity, from + 1);
    int found = from < table->capacity ? (int)from : -1;
    spinlock_release(&table->lock);
    return found;
}

bool descriptor_table_closes_on_exec(struct descriptor_table *table, unsigned descriptor)
{
    spinlock_acquire(&table->lock);
    bool closes = descriptor < table->capacity && bitmap_test(table->close_on_exec, descriptor);
    spinlock_release(&table->lock);
    return closes;
}

bool descriptor_set_close_on_exec(int descriptor, bool close_on_exec)
{
    struct descriptor_table *table = thread_current()->descriptors;
    unsigned number = (unsigned)descriptor;

    spinlock_acquire(&table->lock);
    bool open = number < table->capacity && table->files[number];
    if (open && close_on_exec)
        bitmap_set(table->close_on_exec, number);
    else if (open)
        bitmap_clear(table->close_on_exec, number);
    spinlock_release(&table->lock);
    return open;
}

struct file *descriptor_get_any(int descriptor)
{
    struct descriptor_table *table = thread_current()->descriptors;
    return table ? descriptor_table_get(table, (unsigned)descriptor) : NULL;
}

struct file *descriptor_get(int descriptor)
{
    struct file *file = descriptor_get_any(descriptor);
    if (!file || !(file->flags & O_PATH))
        return file;
    file_release(file);
    return NULL;
}

/* ---- giving numbers out ---- */

int descriptor_reserve(unsigned minimum, bool close_on_exec)
{
    struct descriptor_table *table = thread_current()->descriptors;
    uint64_t limit = thread_limit(RLIMIT_NOFILE);

    spinlock_acquire(&table->lock);
    unsigned number = 0;
    int error = 0;
    for (;;) {
        unsigned from = minimum > table->lowest ? minimum : table->lowest;
        number = from;
        if (from < table->capacity)
            number = (unsigned)bitmap_next_clear(table->used, table->capacity, from);
        if (number >= limit) {
            error = -EMFILE;
            break;
        }
        if (number < table->capacity)
            break;
        error = table_grow(table, number);
        if (error)
            break;
    }
    if (!error) {
        bitmap_set(table->used, number);
        if (close_on_exec)
            bitmap_set(table->close_on_exec, number);
        else
            bitmap_clear(table->close_on_exec, number);
        if (minimum <= table->lowest)
            table->lowest = number + 1;
    }
    spinlock_release(&table->lock);
    return error ? error : (int)number;
}

void descriptor_install(int descriptor, struct file *file)
{
    struct descriptor_table *table = thread_current()->descriptors;

    spinlock_acquire(&table->lock);
    debug_assert(!table->files[descriptor]);
    table->files[descriptor] = file;
    spinlock_release(&table->lock);
}

void descriptor_cancel(int descriptor)
{
    struct descriptor_table *table = thread_current()->descriptors;
    unsigned number = (unsigned)descriptor;

    spinlock_acquire(&table->lock);
    bitmap_clear(table->used, number);
    bitmap_clear(table->close_on_exec, number);
    if (number < table->lowest)
        table->lowest = number;
    spinlock_release(&table->lock);
}

int descriptor_add(struct file *file, bool close_on_exec)
{
    int descriptor = descriptor_reserve(0, close_on_exec);
    if (descriptor < 0)
        file_release(file);
    else
        descriptor_install(descriptor, file);
    return descriptor;
}

int descriptor_add_pair(struct file *files[2], bool close_on_exec, vaddr_t result)
{
    int descriptors[2];

    descriptors[0] = descriptor_reserve(0, close_on_exec);
    descriptors[1] = descriptors[0] < 0 ? descriptors[0] : descriptor_reserve(0, close_on_exec);
    int error = descriptors[1] < 0 ? descriptors[1]
                                   : user_copy_out(result, descriptors, sizeof(descriptors));
    for (int i = 0; i < 2; i++) {
        if (!error) {
            descriptor_install(descriptors[i], files[i]);
        } else {
            if (descriptors[i] >= 0)
                descriptor_cancel(descriptors[i]);
            file_release(files[i]);
        }
    }
    return error;
}

int descriptor_close(int descriptor)
{
    struct descriptor_table *table = thread_current()->descriptors;

    spinlock_acquire(&table->lock);
    struct file *file = table_take(table, (unsigned)descriptor);
    spinlock_release(&table->lock);
    if (!file)
        return -EBADF;
    file_closed(table, file);
    return 0;
}

int descriptor_replace(int descriptor, struct file *file, bool close_on_exec)
{
    struct descriptor_table *table = thread_current()->descriptors;
    unsigned number = (unsigned)descriptor;

    spinlock_acquire(&table->lock);
    int error = table_grow(table, number);
    if (!error && bitmap_test(table->used, number) && !table->files[number])
        error = -EBUSY; /* open(2) in another thread is about to use it */
    if (error) {
        spinlock_release(&table->lock);
        return error == -EMFILE ? -EBADF : error;
    }
    struct file *old = table_take(table, number);
    table->files[number] = file;
    bitmap_set(table->used, number);
    if (close_on_exec)
        bitmap_set(table->close_on_exec, number);
    spinlock_release(&table->lock);
    if (old)
        file_closed(table, old);
    return descriptor;
}
