/*
 * descriptor_table.h: a process's open files by number. Shared by threads
 * (CLONE_FILES) through references.
 */
#ifndef BATON_FILE_DESCRIPTOR_TABLE_H
#define BATON_FILE_DESCRIPTOR_TABLE_H

#include "cpu/spinlock.h"
#include "file/file.h"
#include "thread/thread.h"

#define DESCRIPTORS_SMALL   64      /* in the table itself: most programs need no more */
#define DESCRIPTORS_MAXIMUM 1048576 /* Linux's fs.nr_open */

struct descriptor_table {
    uint32_t references; /* atomic */
    struct spinlock lock;
    unsigned capacity;       /* a multiple of 64; lock */
    unsigned lowest;         /* no free number is lower; lock */
    struct file **files;     /* NULL: free or reserved; a reference each; lock */
    uint64_t *used;          /* bit per number that is open or reserved; lock */
    uint64_t *close_on_exec; /* bit per number; lock */
    struct file *small_files[DESCRIPTORS_SMALL];
    uint64_t small_used[DESCRIPTORS_SMALL / 64], small_close_on_exec[DESCRIPTORS_SMALL / 64];
};

/* Empty, one reference; NULL: no memory. */
struct descriptor_table *descriptor_table_create(void);
/* A copy for fork, unshare, exec: the same files, one reference; NULL: no memory. */
struct descriptor_table *descriptor_table_copy(struct descriptor_table *table);
static inline void descriptor_table_reference(struct descriptor_table *table)
{
    __atomic_fetch_add(&table->references, 1, __ATOMIC_RELAXED);
}
/* The last reference closes every file. May sleep. NULL allowed. */
void descriptor_table_release(struct descriptor_table *table);
/* For exec's commit: closes what is marked; cannot fail, allocates nothing. May sleep. */
void descriptor_table_close_on_exec(struct descriptor_table *table);

/*
 * Bytes that would be free again if only this table went: its share of what `count` of its files
 * keep, from number `from` on. May be called with the lock of whoever keeps the table held.
 */
uint64_t descriptor_table_memory(struct descriptor_table *table, unsigned from, unsigned count);

/* The file with a reference, or NULL (-EBADF). O_PATH files only by the second. */
struct file *descriptor_get(int descriptor);
struct file *descriptor_get_any(int descriptor);
/* Has nobody but the calling thread this table, its own? Then only this thread could take a file
   out of it: as long as its call goes on the table's own reference keeps each. */
static inline bool descriptor_table_is_own(const struct descriptor_table *table)
{
    return table && __atomic_load_n(&table->references, __ATOMIC_ACQUIRE) <= 1;
}
/* As descriptor_get(), of such a table: no lock, no reference. */
static inline struct file *descriptor_own(const struct descriptor_table *table, int descriptor)
{
    unsigned number = (unsigned)descriptor;
    struct file *file = number < table->capacity ? table->files[number] : NULL;

    return file && !(file->flags & O_PATH) ? file : NULL;
}
/* As descriptor_get(), for the length of one call, which ends with file_release(*held): NULL where
   the table is the thread's own. */
static inline struct file *descriptor_use(int descriptor, struct file **held)
{
    const struct descriptor_table *table = thread_current()->descriptors;

    *held = NULL;
    if (!descriptor_table_is_own(table))
        return *held = descriptor_get(descriptor);
    return descriptor_own(table, descriptor);
}
/* The same of any table: NULL: not open. */
struct file *descriptor_table_get(struct descriptor_table *table, unsigned descriptor);
/* For /proc/PID/fdinfo, both at one moment; `closes_on_exec` NULL: never mind. */
struct file *descriptor_table_look(struct descriptor_table *table, unsigned descriptor,
                                   bool *closes_on_exec);
/* The first open descriptor from `from` on, or -1. */
int descriptor_table_next(struct descriptor_table *table, unsigned from);
bool descriptor_table_closes_on_exec(struct descriptor_table *table, unsigned descriptor);

/*
 * Giving a number out in two steps, so that nothing can fail once a file is
 * made: reserve the lowest free one at or above `minimum` (-EMFILE, -ENOMEM),
 * then install the file (its reference goes to the table), or cancel.
 */
int descriptor_reserve(unsigned minimum, bool close_on_exec);
void descriptor_install(int descriptor, struct file *file);
void descriptor_cancel(int descriptor);
/* Both: gives the reference of `file` to the table. On an error the file is released. */
int descriptor_add(struct file *file, bool close_on_exec);
/* The same for two, whose numbers go to user address `result` as an int[2]. 0, -EMFILE, -ENOMEM,
   -EFAULT. */
int descriptor_add_pair(struct file *files[2], bool close_on_exec, vaddr_t result);
int descriptor_close(int descriptor);

/* Puts the file (its reference) at this very number, closing what was there. -EBADF, -EBUSY,
   -ENOMEM: the reference stays the caller's. */
int descriptor_replace(int descriptor, struct file *file, bool close_on_exec);
/* False: it is not open. */
bool descriptor_set_close_on_exec(int descriptor, bool close_on_exec);

#endif
