/* node.h: what a node of a disk in /dev does. */
#ifndef BATON_STORAGE_NODE_H
#define BATON_STORAGE_NODE_H

/* Makes the major numbers known; once, at boot. 0 or -EBUSY. */
int block_nodes_initialize(void);

#endif
