/*
 * usb_node.c: /dev/bus/usb/BBB/DDD, by which libusb asks devices for descriptors (Linux's
 * Documentation/driver-api/usb/usb.rst). Requests that read, on endpoint 0; nothing is written, set
 * or reset. A request that is submitted is done before the call returns, and waits to be reaped.
 */
#include <asm/errno.h>
#include <linux/ioctl.h>
#include <linux/stat.h>
#include <linux/usbdevice_fs.h>

#include "device/usb/tree.h"
#include "file/device.h"
#include "file/poll/poll.h"
#include "file/ram/device_nodes.h"
#include "file/tree/names.h"
#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "proc/machine/machine.h"
#include "proc/machine/usb.h"

/* Requests that are done and not reaped. */
#define REAPED_LATE_MOST 16

/* An open node. */
struct opened {
    uint64_t coming;                    /* of the device: tree.h; constant */
    struct mutex mutex;                 /* what follows */
    vaddr_t requests[REAPED_LATE_MOST]; /* where the program has them */
    unsigned count;
};

/* ---- a request ---- */

struct control {
    uint8_t setup[8];
    vaddr_t data;
    ssize_t moved; /* bytes, or an error */
};

/* SETUP: USB 2.0, 9.3. */
static uint16_t wanted(const struct control *control)
{
    return load16(control->setup + 6);
}

static ssize_t ask(uint64_t coming, const struct control *control, void *bytes)
{
    const uint8_t *setup = control->setup;
    ssize_t done = usb_tree_lock();

    if (done)
        return done;
    struct usb_device *device = usb_tree_find(coming);
    done = !device ? -ENODEV
                   : usb_control(device, setup[0], setup[1], load16(setup + 2), load16(setup + 4),
                                 bytes, wanted(control));
    usb_tree_unlock();
    return done;
}

/* 0, or an error that is none of the device's. */
static ssize_t control_do(const struct opened *opened, struct control *control)
{
    if (!(control->setup[0] & USB_REQUEST_IN))
        return -EPERM; /* it would change something */
    if (wanted(control) > USB_CONTROL_MAXIMUM)
        return -EINVAL;
    uint8_t *bytes = heap_allocate_zeroed(USB_CONTROL_MAXIMUM);
    if (!bytes)
        return -ENOMEM;
    control->moved = ask(opened->coming, control, bytes);
    ssize_t error = control->moved == -ENODEV ? -ENODEV : 0;
    if (control->moved > 0 && user_copy_out(control->data, bytes, (size_t)control->moved))
        error = -EFAULT;
    heap_free(bytes);
    return error;
}

static ssize_t control_request(struct opened *opened, vaddr_t argument)
{
    struct usbdevfs_ctrltransfer request;

    if (user_get(&request, argument))
        return -EFAULT;
    struct control control = {.data = (vaddr_t)request.data};
    memcpy(control.setup, &request, sizeof(control.setup));
    ssize_t error = control_do(opened, &control);
    return error ? error : control.moved;
}

/* ---- requests that are submitted and reaped ---- */

static ssize_t put_off(struct opened *opened, vaddr_t request)
{
    ssize_t error = mutex_acquire_killable(&opened->mutex);

    if (error)
        return error;
    if (opened->count == REAPED_LATE_MOST)
        error = -ENOMEM;
    else
        opened->requests[opened->count++] = request;
    mutex_release(&opened->mutex);
    return error;
}

static ssize_t submit(struct opened *opened, vaddr_t argument)
{
    struct usbdevfs_urb request;
    struct control control;

    if (user_get(&request, argument))
        return -EFAULT;
    if (request.type != USBDEVFS_URB_TYPE_CONTROL || request.endpoint & 0xf)
        return -EINVAL;
    if (request.buffer_length < (int)sizeof(control.setup))
        return -EINVAL;
    vaddr_t buffer = (vaddr_t)request.buffer;
    if (user_copy_in(control.setup, buffer, sizeof(control.setup)))
        return -EFAULT;
    control.data = buffer + sizeof(control.setup);
    if (wanted(&control) > (unsigned)request.buffer_length - sizeof(control.setup))
        return -EINVAL;
    ssize_t error = control_do(opened, &control);
    if (error)
        return error;
    request.status = control.moved < 0 ? (int)control.moved : 0;
    request.actual_length = control.moved < 0 ? 0 : (int)control.moved;
    if (user_put(argument, &request))
        return -EFAULT;
    return put_off(opened, argument);
}

/* The oldest. */
static ssize_t reap(struct opened *opened, vaddr_t argument)
{
    vaddr_t request = 0;
    ssize_t error = mutex_acquire_killable(&opened->mutex);

    if (error)
        return error;
    if (opened->count) {
        request = opened->requests[0];
        opened->count--;
        memmove(opened->requests, opened->requests + 1, opened->count * sizeof(request));
    }
    mutex_release(&opened->mutex);
    if (!request)
        return -EAGAIN;
    return user_put(argument, &request) ? -EFAULT : 0;
}

/* ---- the node ---- */

/* Whether somebody may have an interface for himself: not one that has a driver here. Who claims is
   not remembered, for there is nothing that he could do with it. */
static ssize_t claim(const struct opened *opened, vaddr_t argument)
{
    uint32_t number;

    if (user_get(&number, argument))
        return -EFAULT;
    ssize_t error = usb_tree_lock();
    if (error)
        return error;
    const struct usb_device *device = usb_tree_find(opened->coming);
    error = device ? -EINVAL : -ENODEV;
    for (unsigned i = 0; device && i < USB_INTERFACES_MAXIMUM; i++) {
        const struct usb_function *function = &device->functions[i];
        if (function->interface && function->interface->number == number)
            error = function->driver ? -EBUSY : 0;
    }
    usb_tree_unlock();
    return error;
}

static ssize_t node_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct opened *opened = file->private;
    const uint32_t no_capabilities = 0;

    if (!file->writable)
        return -EPERM;
    switch (command) {
    case USBDEVFS_GET_CAPABILITIES:
        return user_put(argument, &no_capabilities) ? -EFAULT : 0;
    case USBDEVFS_CONTROL:
        return control_request(opened, argument);
    case USBDEVFS_SUBMITURB:
        return submit(opened, argument);
    case USBDEVFS_REAPURB:
    case USBDEVFS_REAPURBNDELAY:
        return reap(opened, argument);
    case USBDEVFS_DISCARDURB:
        return -EINVAL; /* it is done */
    case USBDEVFS_CLAIMINTERFACE:
        return claim(opened, argument);
    case USBDEVFS_RELEASEINTERFACE:
        return 0;
    default:
        return -ENOTTY;
    }
}

/* Something is to be reaped: that comes with a call of the program's own. */
static unsigned node_poll(struct file *file, struct poll_table *table)
{
    const struct opened *opened = file->private;

    (void)table;
    return __atomic_load_n(&opened->count, __ATOMIC_RELAXED) ? POLLOUT | POLLWRNORM : 0;
}

/* With the tree locked. */
static struct usb_device *device_of_minor(uint32_t minor)
{
    struct usb_device *device = usb_tree_next(0);

    while (device && usb_minor(device->bus, device->number) != minor)
        device = usb_tree_next(device->coming);
    return device;
}

static int node_open(struct inode *inode, struct file *file)
{
    struct opened *opened = heap_allocate_zeroed(sizeof(*opened));
    int error = opened ? usb_tree_lock() : -ENOMEM;

    if (!error) {
        const struct usb_device *device = device_of_minor(device_minor(inode->device));
        if (device)
            opened->coming = device->coming;
        error = device ? 0 : -ENODEV;
        usb_tree_unlock();
    }
    if (error) {
        heap_free(opened);
        return error;
    }
    mutex_initialize(&opened->mutex, MUTEX_DRIVER);
    file->private = opened;
    return 0;
}

static void node_release(struct file *file)
{
    heap_free(file->private);
}

static const struct file_operations node_operations = {
    .open = node_open,
    .ioctl = node_ioctl,
    .poll = node_poll,
    .release = node_release,
};

/* ---- its name ---- */

static void name_of(const struct usb_device *device, char name[32])
{
    format_string(name, 32, "bus/usb/%03u/%03u", device->bus, device->number);
}

static void make_folders(const struct usb_device *device)
{
    char folder[32];

    name_make(AT_FDCWD, "bus", S_IFDIR | 0755, 0, NULL);
    name_make(AT_FDCWD, "bus/usb", S_IFDIR | 0755, 0, NULL);
    format_string(folder, sizeof(folder), "bus/usb/%03u", device->bus);
    name_make(AT_FDCWD, folder, S_IFDIR | 0755, 0, NULL);
}

static void make(void *argument)
{
    const struct usb_device *device = argument;
    char name[32];

    make_folders(device);
    name_of(device, name);
    name_make(AT_FDCWD, name, S_IFCHR | 0664,
              device_number(USB_MAJOR, usb_minor(device->bus, device->number)), NULL);
}

static void take_out(void *device)
{
    char name[32];

    name_of(device, name);
    name_remove(AT_FDCWD, name, false);
}

void usb_node_add(const struct usb_device *device)
{
    device_nodes_do(make, (void *)device);
}

void usb_node_remove(const struct usb_device *device)
{
    device_nodes_do(take_out, (void *)device);
}

int usb_nodes_initialize(void)
{
    static struct device device = {.type = DEVICE_CHARACTER,
                                   .major = USB_MAJOR,
                                   .minor_count = 16 * 128,
                                   .operations = &node_operations,
                                   .name = "usb_device"};

    return device_register(&device);
}
