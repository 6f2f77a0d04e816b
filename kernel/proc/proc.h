/*
 * proc.h: /proc and the little of /sys that programs look for, by the file
 * room's toolkit for such trees (file/pseudo.h). Formats: proc(5).
 */
#ifndef BATON_PROC_PROC_H
#define BATON_PROC_PROC_H

#include "file/pseudo.h"

/* Adds every node to proc_root and sys_root. At boot, once. */
void proc_initialize(void);

/* What it says of the machine below: at boot, once, when the firmware's tables are found
   (firmware/programs/tables.h). */
void proc_machine_initialize(void);

/* What process/hooks.h asks: the process that an open directory of /proc is of, with a reference,
   or NULL. */
struct process *proc_process_of_directory(const struct file *file);

/* Its parts. */
void proc_process_initialize(void);                   /* process/: PID/, self, thread-self */
void proc_system_initialize(void);                    /* system.c: meminfo, mounts, version */
void proc_cpu_initialize(void);                       /* cpu.c: cpuinfo */
void proc_stat_initialize(void);                      /* stat.c: stat, interrupts, loadavg */
void proc_devices_initialize(void);                   /* devices.c: devices, partitions, net/ */
void proc_disks_initialize(void);                     /* disks.c: partitions, /sys/block */
void proc_nvme_initialize(void);                      /* nvme.c: /sys/class/nvme */
void proc_sys_initialize(void);                       /* sys.c: sys/ */
void proc_limits_add(struct pseudo_node *sys_fs);     /* limits.c: sys/fs, what users may hold */
void proc_protection_add(struct pseudo_node *sys_fs); /* protection.c: protected_* */
void sys_system_initialize(void);                     /* sysfs.c: /sys/devices/system/cpu */

/* /sys/class, /sys/dev, /sys/devices and /sys/firmware, to which others add theirs (sysfs.c). */
extern struct pseudo_node sys_class_directory, sys_number_directory, sys_devices_directory,
    sys_firmware_directory;

/* key.number of what lies under PID/. */
enum {
    PROC_KEY_PROCESS,
    PROC_KEY_THREAD, /* 0: the process as a whole */
    PROC_KEY_DESCRIPTOR,
};

/* ---- number.c ---- */

/* A decimal number without leading zeros. False: not one. */
bool proc_parse_number(const char *text, uint32_t *number);
/* May the caller write to a setting? Asked at each write: a descriptor may have been handed on
   since it was opened. 0, -EPERM. */
int proc_setting_check_writer(void);
/* Up to `count` integers in C's notation, from `minimum` to `maximum`. How many, or -EINVAL. */
int proc_integers_parse(const char *text, int64_t *values, int count, int64_t minimum,
                        int64_t maximum);
/* What was written to a file of /proc/sys as a number, in C's notation. 0, -EINVAL: none, or not
   from `minimum` to `maximum`; -EPERM: the writer is not root. */
int proc_setting_parse(const char *bytes, int64_t minimum, int64_t maximum, int64_t *value);

/* ---- cpu.c ---- */

/* A set of CPUs as Linux lists them: "0-3,5"; and as a number in hexadecimal digits, 32 bits
   between two commas, as many digits as the highest CPU there is needs: "2f". */
void proc_text_cpus(struct text *text, const struct cpu_set *set);
void proc_text_cpu_mask(struct text *text, const struct cpu_set *set);

/* ---- devices.c, system.c ---- */

/* PID/net: /proc/net leads there (devices.c). */
extern struct pseudo_node proc_net_directory;

/* /proc/mounts, of the name space that all share. */
int proc_mounts_show(const struct pseudo_key *key, struct text *text);
int proc_mount_info_show(const struct pseudo_key *key, struct text *text);

#endif
