/* device_nodes.c: what a devtmpfs begins with. */
#include "file/ram/device_nodes.h"

#include <linux/stat.h>

#include "file/device.h"
#include "file/tree/names.h"
#include "library/string.h"

/* Documentation/admin-guide/devices.txt */
static const struct {
    const char *name;
    uint32_t mode, major, minor;
} nodes[] = {
    {"mem", 0640, 1, 1},     {"null", 0666, 1, 3},   {"zero", 0666, 1, 5},
    {"full", 0666, 1, 7},    {"random", 0666, 1, 8}, {"urandom", 0666, 1, 9},
    {"kmsg", 0644, 1, 11},   {"tty", 0666, 5, 0},    {"console", 0600, 5, 1},
    {"ptmx", 0666, 5, 2},    {"ttyS0", 0660, 4, 64}, {"ttyS1", 0660, 4, 65},
    {"ttyS2", 0660, 4, 66},  {"ttyS3", 0660, 4, 67}, {"rtc0", 0600, 10, 135},
    {"fuse", 0666, 10, 229},
};

int device_nodes_create(struct mount *mount)
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
