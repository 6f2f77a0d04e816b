/* mmap.c: mmap(2): what the descriptor has to say about a mapping. */
#include <asm/errno.h>
#include <linux/mman.h>
#include <linux/mount.h>

#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "library/align.h"

/* What Linux knows: MAP_SHARED_VALIDATE refuses the rest. */
#define MAP_KNOWN                                                                                  \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |          \
     MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_HUGE_2MB | MAP_HUGE_1GB)

/* Does a file have so many pages at all? Files and sockets end with the largest offset, others with
   the last page. */
static bool range_possible(const struct file *file, const struct mapping *mapping)
{
    bool has_offsets = S_ISREG(file->inode->mode) || S_ISSOCK(file->inode->mode);
    uint64_t most = has_offsets ? INT64_MAX : UINT64_MAX;

    return mapping->size <= most - PAGE_SIZE &&
           mapping->page_offset <= (most - align_up(mapping->size, PAGE_SIZE)) >> PAGE_SHIFT;
}

/* Asks the file for its object, a reference included; NULL: anonymous memory. What it says about
   protection holds for mprotect(2) too. */
static int file_object(struct file *file, const struct mapping *mapping,
                       struct memory_object **object)
{
    int protection = mapping->protection;
    bool shared = (mapping->flags & MAP_TYPE) != MAP_PRIVATE;
    unsigned region = shared ? REGION_SHARED : 0;

    if (shared && protection & PROT_WRITE && !file->writable)
        return -EACCES;
    if (!file->readable)
        return -EACCES;
    if (protection & PROT_EXEC && !mapping->may_execute)
        return -EPERM;
    if (!file->operations->map)
        return -ENODEV;
    if (!shared && mapping->flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (protection & PROT_WRITE)
        region |= REGION_WRITE;
    return file->operations->map(file, region, object);
}

ssize_t sys_mmap(vaddr_t address, size_t size, unsigned long protection, unsigned long flags,
                 int descriptor, uint64_t offset)
{
    struct mapping mapping = {
        .address = address,
        .size = size,
        .protection = (int)protection,
        .flags = (int)flags,
        .page_offset = offset / PAGE_SIZE,
        .may_write = true,
        .may_execute = true,
    };
    struct file *file = NULL;
    int error = 0;

    if (offset % PAGE_SIZE)
        return -EINVAL;
    /* Only a file's owner can say which flags it knows. */
    if (flags & MAP_ANONYMOUS && (flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        file = descriptor_get(descriptor);
        if (!file)
            return -EBADF;
        unsigned type = flags & MAP_TYPE;
        mapping.may_write =
            file->writable && !(file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
        mapping.may_execute = path_may_execute(&file->path);
        if (!size || (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE))
            error = -EINVAL;
        else if (flags & MAP_HUGETLB)
            error = -EINVAL;
        else if (!range_possible(file, &mapping))
            error = -EOVERFLOW;
        else if (type == MAP_SHARED_VALIDATE && flags & ~(unsigned long)MAP_KNOWN)
            error = -EOPNOTSUPP;
        else
            error = file_object(file, &mapping, &mapping.object);
        if (!error && !mapping.object)
            mapping.flags |= MAP_ANONYMOUS; /* /dev/zero */
    }
    ssize_t result = error;
    if (!error)
        result = address_space_mmap(thread_current()->address_space, &mapping);
    if (!error && mapping.object)
        mapping.object->release(mapping.object);
    file_release(file);
    return result;
}
