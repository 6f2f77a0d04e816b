/* loop.h: files as disks: loop(4). */
#ifndef BATON_STORAGE_LOOP_H
#define BATON_STORAGE_LOOP_H

#include <linux/loop.h>

#include "file/file.h"

struct block_device;

/* Makes /dev/loop-control answer. At boot. 0 or -EBUSY. */
int loop_initialize(void);

/* Is it, or is it a part of, a loop device? */
bool block_is_loop(const struct block_device *device);
/* ioctl(2) on a loop device's node, `file`. -ENOTTY: no question of loop devices. May sleep; no
   lock held. */
ssize_t loop_ioctl(struct file *file, struct block_device *device, unsigned command,
                   vaddr_t argument);
/* A node of it was closed: lets go of its file, if that was asked for (LO_FLAGS_AUTOCLEAR) and
   nobody has any node of it open. As above. */
void loop_closed(struct block_device *device);
/* What LOOP_GET_STATUS64 says, and the path of its file (`size` bytes, ended with NUL). 0, -ENXIO:
   it has no file, -EINTR. As above. */
int loop_describe(struct block_device *device, struct loop_info64 *information, char *path,
                  size_t size);

#endif
