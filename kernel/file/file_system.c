/* file_system.c: the room comes to life. */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "file/backed/regular.h"
#include "file/device.h"
#include "file/kernel_log.h"
#include "file/poll/epoll.h"
#include "file/pseudo.h"
#include "file/ram/anonymous.h"
#include "file/ram/device_nodes.h"
#include "file/ram/ram.h"
#include "file/tree/mount.h"
#include "file/tree/names.h"
#include "library/memory_options.h"

/* The names that Linux's built-in initramfs makes before any other (usr/default_cpio_list). */
static const struct {
    const char *name;
    uint32_t mode, major, minor;
} first_names[] = {
    {"/dev", S_IFDIR | 0755, 0, 0},
    {"/dev/console", S_IFCHR | 0600, 5, 1},
    {"/root", S_IFDIR | 0700, 0, 0},
};

static int root_create(void)
{
    struct file_system *root = ram_file_system_create("rootfs", 01777, &(struct memory_options){0});
    if (!root)
        return -ENOMEM;
    struct mount *mount = mount_create(root, root->root, "rootfs", 0);
    file_system_release(root);
    if (!mount)
        return -ENOMEM;
    mount_attach_root(mount);
    return 0;
}

int file_system_initialize(void)
{
    epoll_initialize();
    int error = root_create();
    for (size_t i = 0; i < array_length(first_names) && !error; i++)
        error = name_make(AT_FDCWD, first_names[i].name, first_names[i].mode,
                          device_number(first_names[i].major, first_names[i].minor), NULL);
    if (!error)
        error = anonymous_initialize();
    if (!error)
        error = pseudo_initialize();
    ram_initialize();
    backed_initialize();
    if (!error)
        error = memory_devices_initialize();
    if (!error)
        error = kernel_log_initialize();
    if (!error)
        error = device_nodes_initialize();
    return error;
}
