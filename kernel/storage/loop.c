/*
 * loop.c: files as disks (loop(4)). A loop device is a disk whose driver is a thread that reads and
 * writes a file. It is made when somebody asks /dev/loop-control for a free one, has no bytes until
 * it is given a file, and stays until it is removed.
 */
#include "storage/loop.h"

#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/stat.h>

#include "file/descriptor_table.h"
#include "file/device.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "memory/worker.h"
#include "storage/block.h"
#include "storage/disks.h"

#define LOOPS_MAXIMUM 256

struct loop {
    TAILQ_ENTRY(loop) link; /* loops_mutex */
    struct disk disk;       /* constant */
    uint32_t number;        /* constant */

    uint64_t limit; /* bytes; 0: to the file's end; loops_mutex, as the next two */
    uint32_t flags; /* LO_FLAGS_* */
    char name[LO_NAME_SIZE];

    struct spinlock lock; /* with interrupts off */
    struct file *file; /* a reference; NULL: none; loops_mutex and lock to write, either to read */
    uint64_t offset;   /* of the first byte in the file; as `file` */
    STAILQ_HEAD(, disk_request) requests; /* lock */
    bool leaving;                         /* lock */
    struct wait_queue work;
    struct worker worker;
};

static struct mutex loops_mutex; /* which there are, and what they have: one for all */
static TAILQ_HEAD(, loop) loops = TAILQ_HEAD_INITIALIZER(loops); /* loops_mutex */

/* ---- requests ---- */

static void loop_submit(struct disk *disk, struct disk_request *request)
{
    struct loop *loop = disk->private;
    bool enabled = spinlock_acquire_save(&loop->lock);

    STAILQ_INSERT_TAIL(&loop->requests, request, link);
    spinlock_release_restore(&loop->lock, enabled);
    wait_queue_wake(&loop->work);
}

bool block_is_loop(const struct block_device *device)
{
    return device->owner->facts.submit == loop_submit;
}

/* What lies behind the file's end reads as zeros: somebody cut it. */
static int segment_read(struct file *file, const struct disk_segment *segment, int64_t at)
{
    char *bytes = frame_pointer(segment->address);
    struct transfer to;

    transfer_kernel(&to, bytes, segment->size);
    while (to.left) {
        ssize_t done = file_read_at(file, &to, &at);
        if (done < 0)
            return (int)done;
        if (done == 0)
            break;
    }
    memset(bytes + segment->size - to.left, 0, to.left);
    return 0;
}

static int segment_write(struct file *file, const struct disk_segment *segment, int64_t at)
{
    struct transfer from;

    transfer_kernel(&from, frame_pointer(segment->address), segment->size);
    while (from.left) {
        ssize_t done = file_write_at(file, &from, &at);
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
    }
    return 0;
}

static int move(struct file *file, const struct disk_request *request, int64_t at)
{
    int error = 0;

    for (uint32_t i = 0; i < request->segment_count && !error; i++) {
        const struct disk_segment *segment = &request->segments[i];
        error = request->operation == DISK_WRITE ? segment_write(file, segment, at)
                                                 : segment_read(file, segment, at);
        at += segment->size;
    }
    return error;
}

static int do_request(struct file *file, const struct disk_request *request, int64_t at)
{
    const struct file_operations *operations = file->operations;

    switch (request->operation) {
    case DISK_FLUSH:
        return operations->synchronise ? operations->synchronise(file, false) : 0;
    case DISK_DISCARD:
        return operations->allocate && file->writable
                   ? operations->allocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                                          (int64_t)request->count << SECTOR_SHIFT)
                   : -EOPNOTSUPP;
    default:
        return move(file, request, at);
    }
}

/* A request, with a reference to the file that it is about: NULL where there is none. */
struct work {
    struct disk_request *request;
    struct file *file;
    uint64_t offset;
};

/* False: there is nothing to do. */
static bool work_take(struct loop *loop, struct work *work)
{
    bool enabled = spinlock_acquire_save(&loop->lock);
    bool leaving = loop->leaving;

    *work = (struct work){.request = STAILQ_FIRST(&loop->requests), .offset = loop->offset};
    if (work->request) {
        STAILQ_REMOVE_HEAD(&loop->requests, link);
        work->file = loop->file;
        if (work->file)
            file_reference(work->file);
    }
    spinlock_release_restore(&loop->lock, enabled);
    return work->request || leaving;
}

static void work_do(const struct work *work)
{
    struct disk_request *request = work->request;
    uint64_t at = work->offset + (request->first << SECTOR_SHIFT);
    int error = work->file ? do_request(work->file, request, (int64_t)at) : -EIO;

    request->status = error && error != -EOPNOTSUPP ? -EIO : error;
    file_release(work->file);
    request->done(request);
}

static void serve(void *argument)
{
    struct loop *loop = argument;
    struct work work;

    for (;;) {
        wait_event(&loop->work, work_take(loop, &work), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        if (!work.request)
            break;
        work_do(&work);
    }
    thread_exit();
}

/* ---- coming and going: loops_mutex held ---- */

static void thread_end(struct loop *loop)
{
    bool enabled = spinlock_acquire_save(&loop->lock);
    loop->leaving = true;
    spinlock_release_restore(&loop->lock, enabled);
    wait_queue_wake(&loop->work);
    worker_await_end(&loop->worker);
}

static struct loop *find(uint32_t number)
{
    struct loop *loop;

    TAILQ_FOREACH(loop, &loops, link)
    if (loop->number == number)
        return loop;
    return NULL;
}

static struct loop *loop_of(const struct block_device *device)
{
    struct loop *loop;

    TAILQ_FOREACH(loop, &loops, link)
    if (loop->disk.block == device->owner)
        return loop;
    return NULL;
}

static struct block_device *whole(const struct loop *loop)
{
    return loop->disk.block->whole;
}

static void describe_disk(struct loop *loop)
{
    loop->disk = (struct disk){
        .kind = "loop",
        .ordinal = loop->number + 1,
        .block_size = 1U << SECTOR_SHIFT,
        .discards = true,
        .keeps_late = true,
        .requests_maximum = 4,
        .segments_maximum = 128,
        .blocks_maximum = 128 * (PAGE_SIZE >> SECTOR_SHIFT),
        .address_maximum = UINT64_MAX,
        .private = loop,
        .submit = loop_submit,
    };
    format_string(loop->disk.name, sizeof(loop->disk.name), "loop%u", loop->number);
}

/* With its node in /dev. The number, or an error. */
static ssize_t loop_add(uint32_t number)
{
    struct loop *loop = heap_allocate_zeroed(sizeof(*loop));

    if (!loop)
        return -ENOMEM;
    loop->number = number;
    describe_disk(loop);
    spinlock_initialize(&loop->lock, LOCK_UNRANKED);
    STAILQ_INIT(&loop->requests);
    wait_queue_initialize(&loop->work);
    int error = worker_start(&loop->worker, loop->disk.name, serve, loop);
    if (error) {
        heap_free(loop);
        return error;
    }
    error = disk_add(&loop->disk);
    if (error) {
        thread_end(loop);
        heap_free(loop);
        return error;
    }
    TAILQ_INSERT_TAIL(&loops, loop, link);
    block_service_await(&loop->disk.block->scan);
    return number;
}

/* The lowest number that nobody has. */
static ssize_t loop_add_any(void)
{
    for (uint32_t number = 0; number < LOOPS_MAXIMUM; number++)
        if (!find(number))
            return loop_add(number);
    return -ENOSPC;
}

/* ---- a file, or none: loops_mutex held ---- */

static uint64_t file_bytes(const struct file *file)
{
    const struct inode *inode = file->inode;

    if (!S_ISBLK(inode->mode))
        return inode_size(inode);
    struct block_device *device =
        block_device_find(device_major(inode->device), device_minor(inode->device));
    uint64_t size = device ? block_device_size(device) : 0;
    block_device_release(device);
    return size;
}

/* Whole sectors between where it begins and its limit, or the file's end. */
static void size_set(struct loop *loop)
{
    uint64_t size = file_bytes(loop->file);

    size = size > loop->offset ? size - loop->offset : 0;
    if (loop->limit && loop->limit < size)
        size = loop->limit;
    block_device_resize(whole(loop), size >> SECTOR_SHIFT << SECTOR_SHIFT);
}

/* Does what the file stands for lead to this loop device? */
static bool leads_to(const struct file *file, const struct loop *loop)
{
    while (file && S_ISBLK(file->inode->mode)) {
        struct block_device *device =
            block_device_find(device_major(file->inode->device), device_minor(file->inode->device));
        const struct loop *below = device ? loop_of(device) : NULL;
        block_device_release(device);
        if (below == loop)
            return true;
        file = below ? below->file : NULL;
    }
    return false;
}

static int file_check(const struct file *file, const struct loop *loop)
{
    uint32_t mode = file->inode->mode;

    if (!S_ISREG(mode) && !S_ISBLK(mode))
        return -EINVAL;
    if (!file->readable || leads_to(file, loop))
        return -EBADF;
    return file->operations->read ? 0 : -EINVAL;
}

static void file_set(struct loop *loop, struct file *file, uint64_t offset)
{
    bool enabled = spinlock_acquire_save(&loop->lock);
    loop->file = file;
    loop->offset = offset;
    spinlock_release_restore(&loop->lock, enabled);
}

static int information_check(const struct loop_info64 *information)
{
    if (information->lo_encrypt_type || information->lo_encrypt_key_size)
        return -EINVAL;
    return information->lo_offset > INT64_MAX || information->lo_sizelimit > INT64_MAX ? -EOVERFLOW
                                                                                       : 0;
}

/* Who lies on it is another one now. */
static void names_look(const struct loop *loop)
{
    block_service_relabel(whole(loop));
    if (loop->flags & LO_FLAGS_PARTSCAN)
        block_service_await(&loop->disk.block->scan);
}

/* `node`: through which it is asked. The reference to `file` becomes the loop device's. */
static int bind(struct loop *loop, const struct file *node, struct file *file,
                const struct loop_info64 *information)
{
    int error = loop->file ? -EBUSY : file_check(file, loop);

    if (!error)
        error = information_check(information);
    if (error)
        return error;
    loop->limit = information->lo_sizelimit;
    loop->flags =
        information->lo_flags & (LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN);
    if (!file->writable || !node->writable)
        loop->flags |= LO_FLAGS_READ_ONLY;
    memcpy(loop->name, information->lo_file_name, sizeof(loop->name));
    loop->name[sizeof(loop->name) - 1] = '\0';
    file_set(loop, file, information->lo_offset);
    size_set(loop);
    block_device_lock(whole(loop), loop->flags & LO_FLAGS_READ_ONLY);
    names_look(loop);
    return 0;
}

static void write_back_all(const struct loop *loop)
{
    struct block_device *device = NULL;

    while ((device = block_device_next(device)))
        if (device->owner == loop->disk.block)
            block_write_back(device);
}

/* Returns the file, whose reference is the caller's, to be let go without the mutex. */
static struct file *unbind(struct loop *loop)
{
    struct file *file = loop->file;

    write_back_all(loop);
    file_set(loop, NULL, 0);
    block_device_resize(whole(loop), 0);
    block_service_relabel(whole(loop));
    block_service_await(&loop->disk.block->scan); /* of nothing: its parts go */
    loop->flags = 0;
    return file;
}

/* The nodes of it that are open. */
static uint32_t open_count(const struct loop *loop)
{
    return whole(loop)->openers + block_partition_open(loop->disk.block, 0);
}

/* ---- ioctl(2) of its nodes: loops_mutex held ---- */

static void information_fill(const struct loop *loop, struct loop_info64 *information)
{
    const struct inode *inode = loop->file->inode;

    *information = (struct loop_info64){
        .lo_device = inode->file_system->device,
        .lo_inode = inode->number,
        .lo_rdevice = S_ISBLK(inode->mode) ? inode->device : 0,
        .lo_offset = loop->offset,
        .lo_sizelimit = loop->limit,
        .lo_number = loop->number,
        .lo_flags = loop->flags,
    };
    memcpy(information->lo_file_name, loop->name, sizeof(loop->name));
}

static ssize_t information_get(const struct loop *loop, struct loop_info64 *information)
{
    if (!loop->file)
        return -ENXIO;
    information_fill(loop, information);
    return 0;
}

static ssize_t information_set(struct loop *loop, const struct loop_info64 *information)
{
    const uint32_t settable = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;

    if (!loop->file)
        return -ENXIO;
    int error = information_check(information);
    if (error)
        return error;
    write_back_all(loop);
    loop->limit = information->lo_sizelimit;
    /* LOOP_SET_STATUS_CLEARABLE_FLAGS: partitions that were asked for stay. */
    loop->flags =
        (loop->flags & ~(uint32_t)LO_FLAGS_AUTOCLEAR) | (information->lo_flags & settable);
    memcpy(loop->name, information->lo_file_name, sizeof(loop->name));
    loop->name[sizeof(loop->name) - 1] = '\0';
    if (information->lo_offset != loop->offset)
        block_device_resize(whole(loop), 0); /* other bytes */
    file_set(loop, loop->file, information->lo_offset);
    size_set(loop);
    names_look(loop);
    return 0;
}

static ssize_t file_give(struct loop *loop, const struct file *node, uint32_t descriptor,
                         const struct loop_info64 *information)
{
    struct file *file = descriptor_get((int)descriptor);

    if (!file)
        return -EBADF;
    int error = bind(loop, node, file, information);
    if (error)
        file_release(file);
    return error;
}

static ssize_t configure(struct loop *loop, const struct file *node,
                         const struct loop_config *config)
{
    if (config->block_size && config->block_size != loop->disk.block_size)
        return -EINVAL;
    return file_give(loop, node, config->fd, &config->info);
}

/* *file is to be let go. Others who have it open: they keep it until they close it. */
static ssize_t clear(struct loop *loop, struct file **file)
{
    if (!loop->file)
        return -ENXIO;
    if (open_count(loop) > 1)
        loop->flags |= LO_FLAGS_AUTOCLEAR;
    else
        *file = unbind(loop);
    return 0;
}

static ssize_t capacity_set(struct loop *loop)
{
    if (!loop->file)
        return -ENXIO;
    size_set(loop);
    return 0;
}

/* What the argument of such a call points to. The program's memory may lie with a server that does
   not answer, so it is copied without the mutex. */
union pointed_to {
    struct loop_config config;
    struct loop_info64 information;
};

static int pointed_to_get(union pointed_to *pointed_to, unsigned command, vaddr_t argument)
{
    if (command == LOOP_CONFIGURE)
        return user_get(&pointed_to->config, argument);
    if (command == LOOP_SET_STATUS64)
        return user_get(&pointed_to->information, argument);
    return 0;
}

static ssize_t answer(struct loop *loop, struct file *node, unsigned command, vaddr_t argument,
                      union pointed_to *pointed_to, struct file **file)
{
    static const struct loop_info64 nothing;

    switch (command) {
    case LOOP_SET_FD:
        return file_give(loop, node, (uint32_t)argument, &nothing);
    case LOOP_CONFIGURE:
        return configure(loop, node, &pointed_to->config);
    case LOOP_CLR_FD:
        return clear(loop, file);
    case LOOP_GET_STATUS64:
        return information_get(loop, &pointed_to->information);
    case LOOP_SET_STATUS64:
        return information_set(loop, &pointed_to->information);
    case LOOP_SET_CAPACITY:
        return capacity_set(loop);
    case LOOP_SET_DIRECT_IO:
        return !loop->file ? -ENXIO : argument ? -EINVAL : 0;
    case LOOP_SET_BLOCK_SIZE:
        return !loop->file ? -ENXIO : argument == loop->disk.block_size ? 0 : -EINVAL;
    default:
        return -ENOTTY;
    }
}

ssize_t loop_ioctl(struct file *file, struct block_device *device, unsigned command,
                   vaddr_t argument)
{
    struct file *released = NULL;
    union pointed_to pointed_to;

    if (device->partition)
        return -ENOTTY;
    if (pointed_to_get(&pointed_to, command, argument))
        return -EFAULT;
    ssize_t result = mutex_acquire_killable(&loops_mutex);
    if (result)
        return result;
    struct loop *loop = loop_of(device);
    result = loop ? answer(loop, file, command, argument, &pointed_to, &released) : -ENXIO;
    mutex_release(&loops_mutex);
    file_release(released);
    if (!result && command == LOOP_GET_STATUS64)
        result = user_put(argument, &pointed_to.information);
    return result;
}

void loop_closed(struct block_device *device)
{
    struct file *released = NULL;

    mutex_acquire(&loops_mutex);
    struct loop *loop = loop_of(device);
    if (loop && loop->file && loop->flags & LO_FLAGS_AUTOCLEAR && !open_count(loop))
        released = unbind(loop);
    mutex_release(&loops_mutex);
    file_release(released);
}

int loop_describe(struct block_device *device, struct loop_info64 *information, char *path,
                  size_t size)
{
    struct file *file = NULL;
    int error = mutex_acquire_killable(&loops_mutex);

    if (error)
        return error;
    const struct loop *loop = loop_of(device);
    if (loop && loop->file) {
        information_fill(loop, information);
        file = loop->file;
        file_reference(file);
    }
    mutex_release(&loops_mutex);
    if (!file)
        return -ENXIO;
    if (path_describe(&file->path, NULL, true, path, size) < 0)
        *path = '\0';
    file_release(file);
    return 0;
}

/* ---- /dev/loop-control ---- */

static ssize_t add(int64_t number)
{
    if (number >= LOOPS_MAXIMUM)
        return -EINVAL;
    if (number < 0)
        return loop_add_any();
    return find((uint32_t)number) ? -EEXIST : loop_add((uint32_t)number);
}

static ssize_t get_free(void)
{
    const struct loop *loop, *lowest = NULL;

    TAILQ_FOREACH(loop, &loops, link)
    if (!loop->file && (!lowest || loop->number < lowest->number))
        lowest = loop;
    return lowest ? (ssize_t)lowest->number : loop_add_any();
}

/* *removed is nobody's any more: it goes without the mutex, for who asks it something waits there.
 */
static ssize_t take_out(int64_t number, struct loop **removed)
{
    if (number < 0)
        return -EINVAL;
    struct loop *loop = number < LOOPS_MAXIMUM ? find((uint32_t)number) : NULL;
    if (!loop)
        return -ENODEV;
    if (loop->file || open_count(loop))
        return -EBUSY;
    TAILQ_REMOVE(&loops, loop, link);
    *removed = loop;
    return 0;
}

/* Names in /dev are the room's thread's: it removes the disk. */
struct removal {
    struct block_job job;
    struct disk *disk;
};

static void removal_do(struct block_job *job)
{
    disk_remove(container_of(job, struct removal, job)->disk);
}

static void loop_end(struct loop *loop)
{
    struct removal removal = {.job = {.disk = loop->disk.block, .work = removal_do},
                              .disk = &loop->disk};

    block_service_await(&removal.job);
    thread_end(loop);
    heap_free(loop);
}

static ssize_t control_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct loop *removed = NULL;
    ssize_t result = mutex_acquire_killable(&loops_mutex);

    (void)file;
    if (result)
        return result;
    switch (command) {
    case LOOP_CTL_ADD:
        result = add((int32_t)argument);
        break;
    case LOOP_CTL_REMOVE:
        result = take_out((int32_t)argument, &removed);
        break;
    case LOOP_CTL_GET_FREE:
        result = get_free();
        break;
    default:
        result = -ENOSYS; /* as on Linux */
    }
    mutex_release(&loops_mutex);
    if (removed)
        loop_end(removed);
    return result;
}

static const struct file_operations control_operations = {.ioctl = control_ioctl};

int loop_initialize(void)
{
    /* Documentation/admin-guide/devices.txt */
    static struct device control = {.type = DEVICE_CHARACTER,
                                    .major = 10,
                                    .minor = 237,
                                    .minor_count = 1,
                                    .operations = &control_operations,
                                    .name = "misc"};

    mutex_initialize(&loops_mutex, MUTEX_LOOPS);
    return device_register(&control);
}
