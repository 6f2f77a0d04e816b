/*
 * hooks.h: what this room asks of the rooms above. The table is constant: kernel/start/hooks.c.
 */
#ifndef BATON_DEVICE_HOOKS_H
#define BATON_DEVICE_HOOKS_H

struct disk;

extern const struct device_hooks {
    /* disk_add() and disk_remove() of disk.h. */
    int (*disk_add)(struct disk *disk);
    void (*disk_remove)(struct disk *disk);
} device_hooks;

#endif
