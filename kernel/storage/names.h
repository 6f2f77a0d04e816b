/*
 * names.h: nodes and links in /dev. By threads of the kernel, which for that stand in the root of
 * the one devtmpfs: what programs mount and where does not matter.
 */
#ifndef BATON_STORAGE_NAMES_H
#define BATON_STORAGE_NAMES_H

struct block_device;

int block_names_initialize(void);
void block_names_add(struct block_device *device);
void block_names_remove(struct block_device *device);

#endif
