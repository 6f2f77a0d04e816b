/* device_nodes.h: the one devtmpfs, whose nodes the kernel makes. */
#ifndef BATON_FILE_RAM_DEVICE_NODES_H
#define BATON_FILE_RAM_DEVICE_NODES_H

/* Makes it, with the nodes of the known devices, and makes it known. Once, at boot. 0 or -ENOMEM.
 */
int device_nodes_initialize(void);
/* By a thread of the kernel: function(argument) makes and removes names in it, whatever is mounted
   where: its root is there meanwhile. Not before it was made. */
void device_nodes_do(void (*function)(void *argument), void *argument);

#endif
