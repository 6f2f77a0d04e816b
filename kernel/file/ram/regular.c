/* regular.c: regular files in RAM: their frames are their storage. */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "file/file.h"
#include "file/hooks.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/limits.h"
#include "thread/preemption.h"

/* So much at a time, then others may run. */
#define CHUNK_SIZE (1UL << 17)

/* Lets others run in the middle of a long transfer; false: a fatal signal waits. */
static bool go_on(void)
{
    thread_preemption_point();
    return !thread_interrupted(THREAD_KILLABLE);
}

static ssize_t regular_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct page_cache *cache = &file->inode->cache;
    size_t total = 0, size;
    vaddr_t address;
    ssize_t done = 0;

    while ((size = transfer_piece(to, &address, CHUNK_SIZE)) > 0) {
        if (to->kernel)
            done = page_cache_read(cache, (uint64_t)*offset, (void *)address, size);
        else
            done = page_cache_read_user(cache, (uint64_t)*offset, address, size);
        if (done <= 0)
            break;
        transfer_advance(to, (size_t)done);
        *offset += done;
        total += (size_t)done;
        if ((size_t)done < size)
            break;
        if (to->left && !go_on())
            break;
    }
    if (!(file->flags & O_NOATIME))
        inode_touch_accessed(file->inode, file->path.mount);
    return total ? (ssize_t)total : done;
}

/* How many of `size` bytes may be written at the offset: limits, then seals. */
static ssize_t write_limit(struct inode *inode, uint64_t offset, size_t size)
{
    ssize_t allowed = file_write_limit(offset, size);

    if (allowed < 0)
        return allowed;
    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (inode->seals & F_SEAL_GROW && offset + (size_t)allowed > inode_size(inode))
        return -EPERM;
    return allowed;
}

/* Readers see the bytes before they see the new size. */
static void size_raise(struct page_cache *cache, uint64_t size)
{
    mutex_acquire(&cache->lock);
    if (size > cache->size)
        __atomic_store_n(&cache->size, size, __ATOMIC_RELAXED);
    mutex_release(&cache->lock);
}

/* Frees pages of this range that lie behind the end. Lock held. */
static void trim(struct inode *inode, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size;
    if (offset < inode_size(inode))
        offset = inode_size(inode);
    if (offset < end)
        page_cache_punch(&inode->cache, offset, end - offset);
}

static ssize_t regular_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct inode *inode = file->inode;
    size_t total = 0, size;
    vaddr_t address;
    ssize_t done = 0;

    if (!from->left)
        return 0;
    mutex_acquire(&inode->lock);
    if (from->append || __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_APPEND)
        *offset = (int64_t)inode_size(inode);
    ssize_t allowed = write_limit(inode, (uint64_t)*offset, from->left);
    if (allowed < 0) {
        mutex_release(&inode->lock);
        return allowed;
    }
    if ((size_t)allowed < from->left)
        from->left = (size_t)allowed;
    inode_remove_privileges(inode);
    /* What a mapping wrote behind the end becomes zeros before the end moves. */
    if ((uint64_t)*offset + from->left > inode_size(inode))
        page_cache_resize(&inode->cache, inode_size(inode));
    while ((size = transfer_piece(from, &address, CHUNK_SIZE)) > 0) {
        if (from->kernel)
            done = page_cache_write(&inode->cache, (uint64_t)*offset, (void *)address, size);
        else
            done = page_cache_write_user(&inode->cache, (uint64_t)*offset, address, size);
        if (done <= 0)
            break;
        transfer_advance(from, (size_t)done);
        *offset += done;
        total += (size_t)done;
        size_raise(&inode->cache, (uint64_t)*offset);
        if ((size_t)done < size) {
            done = -EFAULT;
            break;
        }
        if (from->left && !go_on())
            break;
    }
    if (done < 0) {
        /* Pages that were made behind the end for bytes that never came. */
        trim(inode, (uint64_t)*offset, size);
    }
    if (total)
        inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
    mutex_release(&inode->lock);
    return total ? (ssize_t)total : done;
}

/* fallocate(2): pages are made now, so that later writes cannot fail. */
static int regular_allocate(struct file *file, int mode, int64_t offset, int64_t size)
{
    struct inode *inode = file->inode;
    uint64_t end = (uint64_t)(offset + size);
    int error = 0;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
        return -EOPNOTSUPP;
    if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    mutex_acquire(&inode->lock);
    bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && end > inode_size(inode);
    if (mode & FALLOC_FL_PUNCH_HOLE && !page_cache_may_punch(&inode->cache)) {
        error = -EPERM;
    } else if (mode & FALLOC_FL_PUNCH_HOLE) {
        page_cache_punch(&inode->cache, (uint64_t)offset, (uint64_t)size);
    } else if (grows && inode->seals & F_SEAL_GROW) {
        error = -EPERM;
    } else if (grows && end > thread_limit(RLIMIT_FSIZE)) {
        file_hooks.signal_self(SIGXFSZ);
        error = -EFBIG;
    } else {
        for (uint64_t at = (uint64_t)offset; at < end && !error;
             at = (at / PAGE_SIZE + 1) * PAGE_SIZE) {
            paddr_t frame;
            error = page_cache_create(&inode->cache, at / PAGE_SIZE, &frame);
            if (!error)
                frame_release(frame);
            if (!error && thread_interrupted(THREAD_KILLABLE))
                error = -EINTR;
            thread_preemption_point();
        }
        if (!error && grows)
            page_cache_resize(&inode->cache, end);
        if (error)
            trim(inode, (uint64_t)offset, (uint64_t)size);
    }
    if (!error) {
        inode_remove_privileges(inode);
        inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
    }
    mutex_release(&inode->lock);
    return error;
}

/* Of a file without a name; the others stay when they are closed. */
static uint64_t regular_memory(const struct file *file)
{
    const struct inode *inode = file->inode;

    if (inode->links && !inode->file_system->internal)
        return 0;
    return __atomic_load_n(&inode->cache.frame_count, __ATOMIC_RELAXED) * PAGE_SIZE;
}

/* Pages that have frames are data, others holes. */
static int64_t regular_seek(struct file *file, int64_t offset, int whence)
{
    uint64_t size = inode_size(file->inode), page = (uint64_t)offset >> PAGE_SHIFT;

    if ((whence != SEEK_DATA && whence != SEEK_HOLE) || offset < 0 || (uint64_t)offset >= size)
        return file_seek_size(file, offset, whence);
    uint64_t found = page_cache_seek(&file->inode->cache, page, whence == SEEK_HOLE);
    if (found != page)
        offset = (int64_t)(found <= (size - 1) >> PAGE_SHIFT ? found << PAGE_SHIFT : size);
    return file_seek_size(file, offset, whence == SEEK_DATA ? SEEK_DATA : SEEK_SET);
}

const struct file_operations regular_operations = {
    .hasty_write = true,
    .memory = regular_memory,
    .read = regular_read,
    .write = regular_write,
    .seek = regular_seek,
    .map = file_map_cache,
    .allocate = regular_allocate,
};
