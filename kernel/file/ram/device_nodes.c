/* device_nodes.c: the devtmpfs, and what it begins with. */
#include "file/ram/device_nodes.h"

#include <asm/errno.h>
#include <linux/stat.h>

#include "file/device.h"
#include "file/ram/ram.h"
#include "file/tree/file_system_context.h"
#include "file/tree/file_system_type.h"
#include "file/tree/mount.h"
#include "file/tree/names.h"
#include "library/memory_options.h"
#include "library/string.h"

/* Documentation/admin-guide/devices.txt */
static const struct {
    const char *name;
    uint32_t mode, major, minor;
} nodes[] = {
    {"mem", 0640, 1, 1},
    {"null", 0666, 1, 3},
    {"zero", 0666, 1, 5},
    {"full", 0666, 1, 7},
    {"random", 0666, 1, 8},
    {"urandom", 0666, 1, 9},
    {"kmsg", 0644, 1, 11},
    {"tty", 0666, 5, 0},
    {"console", 0600, 5, 1},
    {"ptmx", 0666, 5, 2},
    {"ttyS0", 0660, 4, 64},
    {"ttyS1", 0660, 4, 65},
    {"ttyS2", 0660, 4, 66},
    {"ttyS3", 0660, 4, 67},
    {"rtc0", 0600, 10, 135},
    {"tty0", 0620, 4, 0},
    {"tty1", 0620, 4, 1},
    {"fuse", 0666, 10, 229},
    {"loop-control", 0660, 10, 237},
};

static int nodes_create(struct mount *mount)
{
    const struct path root = {mount, mount->root};
    struct dentry *created;
    int error = 0;

    mutex_acquire(&mount->root->inode->lock);
    for (size_t i = 0; i < array_length(nodes) && !error; i++) {
        const struct creation creation = {.credentials = credentials_current(),
                                          .mode = S_IFCHR | nodes[i].mode,
                                          .device = device_number(nodes[i].major, nodes[i].minor)};
        error = name_create(&root, nodes[i].name, strlen(nodes[i].name), &creation, &created);
        if (!error)
            dentry_release(created);
    }
    mutex_release(&mount->root->inode->lock);
    return error;
}

static struct mount *tree; /* nowhere: it keeps the file system, and is where the kernel makes
                              names; constant after boot */

/* Every mount shows the same, as on Linux. */
static int tree_mount(const struct mount_request *request, struct file_system **result)
{
    (void)request;
    file_system_reference(tree->file_system);
    *result = tree->file_system;
    return 0;
}

/* For threads of the kernel: they stand in its root. */
static struct file_system_context *in_tree; /* constant after boot */

static int context_create(void)
{
    in_tree = file_system_context_create();
    if (!in_tree)
        return -ENOMEM;
    path_release(&in_tree->root);
    path_release(&in_tree->working);
    in_tree->root = in_tree->working = (struct path){tree, tree->root};
    path_reference(&in_tree->root);
    path_reference(&in_tree->working);
    in_tree->umask = 0;
    return 0;
}

int device_nodes_initialize(void)
{
    static struct file_system_type type = {.name = "devtmpfs", .mount = tree_mount};
    struct file_system *file_system =
        ram_file_system_create("devtmpfs", 0755, &(struct memory_options){0});
    if (!file_system)
        return -ENOMEM;
    tree = mount_create(file_system, file_system->root, "devtmpfs", 0);
    file_system_release(file_system); /* the mount's is left */
    if (!tree)
        return -ENOMEM;
    file_system_type_add(&type);
    int error = nodes_create(tree);
    return error ? error : context_create();
}

void device_nodes_do(void (*function)(void *argument), void *argument)
{
    struct thread *thread = thread_current();
    struct file_system_context *own = thread->file_system;

    debug_assert(!thread->process);
    thread->file_system = in_tree;
    function(argument);
    thread->file_system = own;
}
