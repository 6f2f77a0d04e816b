/* partition.h: the partition whose volume the loader was started from. */
#ifndef BATON_LOADER_PARTITION_H
#define BATON_LOADER_PARTITION_H

#include <handoff.h>

/* Without one, or where the firmware does not name it, the kind is HANDOFF_PARTITION_NONE. */
void partition_find(struct handoff_partition *partition);

#endif
