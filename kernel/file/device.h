/*
 * device.h: what lies behind device nodes.
 */
#ifndef BATON_FILE_DEVICE_H
#define BATON_FILE_DEVICE_H

#include "file/file.h"

enum device_type {
    DEVICE_CHARACTER,
    DEVICE_BLOCK,
};

/* A range of numbers served by one set of operations. The caller keeps the storage for ever. */
struct device {
    enum device_type type;
    uint32_t major, minor, minor_count;
    const struct file_operations *operations; /* `open` finds the minor by inode->device */
    const char *name;                         /* for /proc/devices */
    void *private;                            /* becomes file->private before `open` */
    struct device *next;                      /* device_lock */
};

/* At boot. 0, or -EBUSY when a number is taken. */
int device_register(struct device *device);
/* Calls `visit` for each, for /proc/devices. */
void device_for_each(void (*visit)(const struct device *device, void *context), void *context);

/* Random bytes as from /dev/urandom, for exec (AT_RANDOM, placement) and others. Any context. */
void random_fill(void *buffer, size_t size);
/* Adds what may be unpredictable (the handoff's seed, time stamps). Any context. */
void random_add(const void *bytes, size_t size);

/* ---- for the files of this room ---- */

extern const struct file_operations device_operations;
int memory_devices_initialize(void);

#endif
