/* pseudo_file.c: how the files of /proc and /sys are read, written and moved in. */
#include "file/pseudo_file.h"

#include <asm/errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"

#define STORE_MAXIMUM 65536 /* bytes of one write */

/* An open text file: what a reader has seen stays until it begins anew. */
struct reader {
    struct mutex lock;
    struct text text;             /* lock */
    bool made;                    /* lock */
    uint64_t subject;             /* constant: what it was opened for */
    struct user_account *account; /* charged for the text: a reference; constant */
};

/* Lock held, or nobody else has it. */
static void reader_forget(struct reader *reader)
{
    __atomic_fetch_sub(&reader->account->heap_bytes, reader->text.capacity, __ATOMIC_RELAXED);
    text_free(&reader->text);
}

/* In /sys the superuser too opens a file only for what its mode lets somebody do (Linux,
   KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK). */
static bool mode_forbids(const struct inode *inode, const struct file *file)
{
    uint32_t mode = inode_attributes(inode).mode;

    return inode->file_system->magic == SYSFS_MAGIC &&
           ((file->readable && !(mode & 0444)) || (file->writable && !(mode & 0222)));
}

static int pseudo_open(struct inode *inode, struct file *file)
{
    const struct pseudo_place *place = inode->private;

    if (mode_forbids(inode, file))
        return -EACCES;
    /* Before it is checked: should it change in between, the check was for the later one. */
    uint64_t subject = place->node->subject ? place->node->subject(&place->key) : 0;
    int error = place->node->check ? place->node->check(&place->key, file) : 0;
    if (error)
        return error;
    struct reader *reader = heap_allocate_zeroed(sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->subject = subject;
    reader->account = user_account_get_current();
    mutex_initialize(&reader->lock, MUTEX_PSEUDO_READER);
    file->private = reader;
    return 0;
}

static void pseudo_release(struct file *file)
{
    struct reader *reader = file->private;
    reader_forget(reader);
    user_account_release(reader->account);
    heap_free(reader);
}

static uint64_t pseudo_memory(const struct file *file)
{
    const struct reader *reader = file->private;
    return __atomic_load_n(&reader->text.capacity, __ATOMIC_RELAXED);
}

static int text_make(const struct pseudo_place *place, struct text *text)
{
    const struct pseudo_node *node = place->node;

    if (node->show)
        return node->show(&place->key, text);
    if (!node->text)
        return -EINVAL;
    text_append(text, node->text, strlen(node->text));
    return 0;
}

/* Makes the text. Reader's lock held. */
static int reader_make(struct reader *reader, const struct pseudo_place *place)
{
    reader_forget(reader);
    reader->made = false;
    int error = text_make(place, &reader->text);
    __atomic_fetch_add(&reader->account->heap_bytes, reader->text.capacity, __ATOMIC_RELAXED);
    if (!error && reader->text.failed)
        error = -ENOMEM;
    if (place->node->subject && place->node->subject(&place->key) != reader->subject)
        reader_forget(reader);
    reader->made = !error;
    return error;
}

static ssize_t pseudo_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct reader *reader = file->private;
    ssize_t result = 0;

    if (!to->left)
        return 0;
    if (mutex_acquire_killable(&reader->lock))
        return -EINTR;
    if (*offset == 0 || !reader->made)
        result = reader_make(reader, file->inode->private);
    if (!result && (uint64_t)*offset < reader->text.size) {
        size_t left = reader->text.size - (uint64_t)*offset;
        if (left > to->left)
            left = to->left;
        result = (ssize_t)transfer_out(to, reader->text.bytes + *offset, left);
        *offset += result;
        if (!result)
            result = -EFAULT;
    }
    mutex_release(&reader->lock);
    return result;
}

static ssize_t pseudo_write(struct file *file, struct transfer *from, int64_t *offset)
{
    const struct pseudo_place *place = file->inode->private;
    size_t size = from->left;

    if (!place->node->store)
        return -EIO; /* as /proc does */
    if (size > STORE_MAXIMUM)
        return -EINVAL;
    char *bytes = heap_allocate(size + 1);
    if (!bytes)
        return -ENOMEM;
    ssize_t result = -EFAULT;
    if (transfer_in(from, bytes, size) == size) {
        bytes[size] = '\0';
        result = place->node->store(&place->key, bytes, size);
    }
    heap_free(bytes);
    if (result)
        return result;
    *offset += (int64_t)size;
    return (ssize_t)size;
}

/* Nothing is ever written back; Linux has no call for it there, and says so. */
static int refuse_synchronise(struct file *file, bool data_only)
{
    (void)data_only;
    (void)file;
    return -EINVAL;
}

/* A setting is a number or a name: it has a size, of 0, and no holes. */
static int64_t setting_seek(struct file *file, int64_t offset, int whence)
{
    if (whence == SEEK_DATA || whence == SEEK_HOLE)
        return offset < 0 ? -EINVAL : -ENXIO;
    return file_seek_no_end(file, offset, whence == SEEK_END ? SEEK_SET : whence);
}

/* Can be watched, though nothing ever happens to it. */
static unsigned always_ready(struct file *file, struct poll_table *table)
{
    (void)file;
    (void)table;
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

/* The system's own files would say how they are mapped, and none of them can be. */
static int refuse_map(struct file *file, unsigned flags, struct memory_object **object)
{
    (void)file;
    (void)flags;
    (void)object;
    return -EIO;
}

#define PSEUDO_FILE                                                                                \
    .memory = pseudo_memory, .open = pseudo_open, .read = pseudo_read, .write = pseudo_write,      \
    .release = pseudo_release
static const struct file_operations process_operations = {
    PSEUDO_FILE,
    .seek = file_seek_no_end,
    .synchronise = refuse_synchronise,
    .writes_in_order = true,
    .plain_read = true,
    .plain_write = true,
    .no_splice_in = true,
    .no_splice_out = true,
};
static const struct file_operations system_operations = {
    PSEUDO_FILE,          .seek = file_seek_no_end,
    .poll = always_ready, .synchronise = refuse_synchronise,
    .map = refuse_map,    .writes_in_order = true,
};
static const struct file_operations setting_operations = {
    PSEUDO_FILE,
    .seek = setting_seek,
    .poll = always_ready,
    .synchronise = refuse_synchronise,
};
static const struct file_operations other_operations = {
    PSEUDO_FILE,          .seek = file_seek_size,  .poll = always_ready,
    .map = file_map_none, .writes_in_order = true,
};

const struct file_operations *pseudo_file_operations(const struct file_system *file_system,
                                                     const struct pseudo_place *place)
{
    if (place->node->operations)
        return place->node->operations;
    if (file_system->magic != PROC_SUPER_MAGIC)
        return &other_operations;
    if (place->is_setting)
        return &setting_operations;
    return pseudo_is_of_process(place) ? &process_operations : &system_operations;
}
