/* device_nodes.h: what a devtmpfs begins with. */
#ifndef BATON_FILE_RAM_DEVICE_NODES_H
#define BATON_FILE_RAM_DEVICE_NODES_H

#include "file/tree/path.h"

/* The nodes of the known devices, in the root of a fresh devtmpfs. 0, or what name_create says. */
int device_nodes_create(struct mount *mount);

#endif
