/* directory.c: reading directories: in RAM newest name first, as Linux's tmpfs. */
#include <asm/errno.h>
#include <linux/fs.h>

#include "file/descriptor_table.h"
#include "file/ram/directory.h"
#include "file/system_calls.h"
#include "file/tree/dentry.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

/*
 * Offsets: 0 is ".", 1 is "..", then OFFSET_BASE - order, so that offsets rise
 * while the orders of the names fall, and an offset stays good whatever is made
 * or removed meanwhile.
 */
#define OFFSET_FIRST 2
#define OFFSET_BASE  (INT64_C(1) << 62)

/* A name, copied so that the sink may sleep. */
struct entry {
    char name[NAME_LENGTH_MAXIMUM + 1];
    size_t length;
    uint64_t number;
    uint32_t type;
    int64_t offset;
};

static bool entry_find(struct dentry *directory, int64_t offset, struct entry *entry)
{
    uint64_t limit = offset <= OFFSET_FIRST ? UINT64_MAX : (uint64_t)(OFFSET_BASE - offset + 1);

    if (offset > OFFSET_BASE)
        return false;
    spinlock_acquire(&tree_lock);
    struct dentry *dentry = dentry_next(directory, limit);
    if (dentry) {
        memcpy(entry->name, dentry->name, dentry->name_length);
        entry->length = dentry->name_length;
        entry->number = dentry->inode->number;
        entry->type = dentry->inode->mode & S_IFMT;
        entry->offset = OFFSET_BASE - (int64_t)dentry->order;
    }
    spinlock_release(&tree_lock);
    return dentry;
}

bool directory_give_dots(struct file *file, struct directory_sink *sink)
{
    struct dentry *directory = file->path.dentry;

    if (file->offset == 0) {
        if (!sink->entry(sink, ".", 1, directory->inode->number, S_IFDIR, 1))
            return false;
        file->offset = 1;
    }
    if (file->offset == 1) {
        spinlock_acquire(&tree_lock);
        uint64_t parent = directory->parent->inode->number;
        spinlock_release(&tree_lock);
        if (!sink->entry(sink, "..", 2, parent, S_IFDIR, OFFSET_FIRST))
            return false;
        file->offset = OFFSET_FIRST;
    }
    return true;
}

static int directory_iterate(struct file *file, struct directory_sink *sink)
{
    struct entry entry;

    if (!directory_give_dots(file, sink))
        return 0;
    while (entry_find(file->path.dentry, file->offset, &entry)) {
        thread_preemption_point();
        if (!sink->entry(sink, entry.name, entry.length, entry.number, entry.type,
                         entry.offset + 1))
            break;
        file->offset = entry.offset + 1;
    }
    return 0;
}

int64_t directory_seek(struct file *file, int64_t offset, int whence)
{
    if (whence == SEEK_CUR)
        offset += file->offset;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (offset < 0)
        return -EINVAL;
    file->offset = offset;
    return offset;
}

const struct file_operations directory_operations = {
    .iterate = directory_iterate,
    .seek = directory_seek,
};

/* ---- getdents(2) ---- */

struct user_sink {
    struct directory_sink sink;
    bool wide; /* getdents64's layout */
    vaddr_t buffer;
    size_t left, done;
    int error;
};

/* <linux/dirent.h> is not among the UAPI headers: the layouts are from getdents(2). */
struct directory_entry64 {
    uint64_t number;
    int64_t offset;
    uint16_t size;
    uint8_t type;
} __attribute__((packed));
struct directory_entry_old {
    uint64_t number;
    uint64_t offset;
    uint16_t size;
} __attribute__((packed));

static bool user_sink_entry(struct directory_sink *sink, const char *name, size_t length,
                            uint64_t number, uint32_t type, int64_t next_offset)
{
    struct user_sink *user = container_of(sink, struct user_sink, sink);
    size_t header =
        user->wide ? sizeof(struct directory_entry64) : sizeof(struct directory_entry_old);
    /* The old layout keeps the type in its last byte. */
    size_t size = (header + length + 1 + !user->wide + 7) & ~7UL;
    char record[sizeof(struct directory_entry64) + NAME_LENGTH_MAXIMUM + 10];

    if (size > user->left) {
        if (!user->done)
            user->error = -EINVAL;
        return false;
    }
    memset(record + size - 8, 0, 8);
    if (user->wide) {
        struct directory_entry64 entry = {number, next_offset, (uint16_t)size,
                                          (uint8_t)(type >> 12)};
        memcpy(record, &entry, header);
    } else {
        struct directory_entry_old entry = {number, (uint64_t)next_offset, (uint16_t)size};
        memcpy(record, &entry, header);
        record[size - 1] = (char)(type >> 12);
    }
    memcpy(record + header, name, length);
    record[header + length] = '\0';
    if (user_copy_out(user->buffer + user->done, record, size)) {
        user->error = -EFAULT;
        return false;
    }
    user->done += size;
    user->left -= size;
    return true;
}

static ssize_t directory_read(int descriptor, vaddr_t buffer, unsigned size, bool wide)
{
    struct user_sink user = {
        .sink = {.entry = user_sink_entry}, .wide = wide, .buffer = buffer, .left = size};

    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int error = -ENOTDIR;
    if (file->operations->iterate) {
        error = mutex_acquire_killable(&file->offset_lock);
        if (!error) {
            error =
                file->path.dentry->linked ? file->operations->iterate(file, &user.sink) : -ENOENT;
            mutex_release(&file->offset_lock);
        }
        if (!error && !(file->flags & O_NOATIME))
            inode_touch_accessed(file->inode, file->path.mount);
    }
    file_release(file);
    if (error)
        return error;
    return user.done ? (ssize_t)user.done : user.error;
}

ssize_t sys_getdents64(int descriptor, vaddr_t buffer, unsigned size)
{
    return directory_read(descriptor, buffer, size, true);
}

ssize_t sys_getdents(int descriptor, vaddr_t buffer, unsigned size)
{
    return directory_read(descriptor, buffer, size, false);
}
