/* device_nodes.h: the one devtmpfs, whose nodes the kernel makes. */
#ifndef BATON_FILE_RAM_DEVICE_NODES_H
#define BATON_FILE_RAM_DEVICE_NODES_H

struct file_system_context;

/* Makes it, with the nodes of the known devices, and makes it known. Once, at boot. 0 or -ENOMEM.
 */
int device_nodes_initialize(void);
/* For a thread of the kernel that makes and removes names in it (thread->file_system): its root is
   there, whatever is mounted where. NULL: no memory. */
struct file_system_context *device_nodes_context(void);

#endif
