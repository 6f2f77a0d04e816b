/* cache.h: the contents of disks and partitions by way of memory, and past it. */
#ifndef BATON_STORAGE_CACHE_H
#define BATON_STORAGE_CACHE_H

#include "file/transfer.h"
#include "storage/block.h"

/* From byte `offset` on: bytes, 0 at the end, or an error. May sleep. */
ssize_t block_cache_read(struct block_device *device, struct transfer *to, uint64_t offset);
ssize_t block_cache_write(struct block_device *device, struct transfer *from, uint64_t offset);
/* O_DIRECT: `offset` and what is left of the transfer are multiples of the block size. */
ssize_t block_direct(struct block_device *device, struct transfer *transfer, uint64_t offset,
                     bool writes);
/* Gives the contents of [offset, offset+size), whole blocks, up; or makes them zeros. */
int block_discard(struct block_device *device, uint64_t offset, uint64_t size);
int block_zero(struct block_device *device, uint64_t offset, uint64_t size);
/* A program is about to write to page `index`: it is there, and will be written back. */
int block_cache_dirty(struct block_device *device, uint64_t index);
/* A frame that the disk reaches; 0: none. */
paddr_t block_frame_allocate(const struct block_device *device);
/* Memory ends: drops clean pages of some device. False: there were none. */
bool block_cache_reclaim(void);

#endif
