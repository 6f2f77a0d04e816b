/*
 * names.h: nodes and links in /dev. By threads of the kernel, which for that stand in the root of
 * the one devtmpfs: what programs mount and where does not matter.
 */
#ifndef BATON_STORAGE_NAMES_H
#define BATON_STORAGE_NAMES_H

struct block_device;
struct superblock;

/* Its owner's scan_mutex held, as below. */
void block_names_add(struct block_device *device);
void block_names_remove(struct block_device *device);
/* What lies on it is called so now. */
void block_names_marks(struct block_device *device, const struct superblock *marks);

#endif
