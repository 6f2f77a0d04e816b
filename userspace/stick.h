/*
 * stick.h: a root file system that stays on the disk: what scripts/image --persist makes.
 *
 * The kernel's options name two partitions: `root=PARTUUID=…`, a tree as squashfs, and
 * `changes=PARTUUID=…`, where what is changed stays (ext4). Debian's programs serve them, from the
 * first root file system (the initrd); fuse-overlayfs puts them together.
 */
#ifndef BATON_USERSPACE_STICK_H
#define BATON_USERSPACE_STICK_H

/* Makes such a tree the root, if the options name one; /proc, /sys and /dev come along. What fails
   is told, and leaves the root as it was. */
void stick_enter(void);

#endif
