/* device.c: from a device node's number to the operations behind it. */
#include "file/device.h"

#include <asm/errno.h>

#include "library/string.h"

static struct spinlock device_lock = SPINLOCK_INITIALIZER;
static struct device *devices; /* by number; device_lock */

static struct device *device_find(enum device_type type, uint32_t major, uint32_t minor)
{
    for (struct device *device = devices; device; device = device->next)
        if (device->type == type && device->major == major && minor >= device->minor &&
            minor - device->minor < device->minor_count)
            return device;
    return NULL;
}

/* Whether one number would name both. */
static bool devices_overlap(const struct device *one, const struct device *other)
{
    return one->type == other->type && one->major == other->major &&
           one->minor < (uint64_t)other->minor + other->minor_count &&
           other->minor < (uint64_t)one->minor + one->minor_count;
}

int device_register(struct device *device)
{
    int error = 0;

    spinlock_acquire(&device_lock);
    for (const struct device *other = devices; other && !error; other = other->next)
        if (devices_overlap(device, other))
            error = -EBUSY;
    if (!error) {
        struct device **place = &devices;
        while (*place && ((*place)->major < device->major ||
                          ((*place)->major == device->major && (*place)->minor < device->minor)))
            place = &(*place)->next;
        device->next = *place;
        *place = device;
    }
    spinlock_release(&device_lock);
    return error;
}

void device_for_each(void (*visit)(const struct device *device, void *context), void *context)
{
    /* Devices are never taken out: what was reached once stays. */
    spinlock_acquire(&device_lock);
    struct device *device = devices;
    spinlock_release(&device_lock);
    for (; device; device = device->next)
        visit(device, context);
}

static int device_open(struct inode *inode, struct file *file)
{
    spinlock_acquire(&device_lock);
    struct device *device = device_find(S_ISBLK(inode->mode) ? DEVICE_BLOCK : DEVICE_CHARACTER,
                                        device_major(inode->device), device_minor(inode->device));
    spinlock_release(&device_lock);
    if (!device)
        return -ENXIO;
    file->operations = device->operations;
    file->private = device->private;
    return file->operations->open ? file->operations->open(inode, file) : 0;
}

const struct file_operations device_operations = {.open = device_open};
