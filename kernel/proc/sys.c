/*
 * sys.c: /proc/sys (sysctl(8), proc(5)). What can be changed takes the values that Linux
 * takes; what cannot be changed here has no permission to write, and says so when it is opened.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/stat.h>

#include "cpu/log.h"
#include "exec/placement.h"
#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/device.h"
#include "file/kernel_log.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "proc/proc.h"
#include "process/identity.h"
#include "process/process.h"
#include "process/system_information.h"
#include "terminal/pseudo_terminal.h"

/* ---- who may ---- */

/* Root by number, whatever its capabilities, as on Linux. */
static int check_open(const struct pseudo_key *key, struct file *file)
{
    (void)key;
    return file->writable && !(file->inode->mode & 0222) ? -EACCES : 0;
}

/* ---- numbers ---- */

/* A setting of one number. */
struct setting {
    uint32_t *value; /* atomic */
    uint32_t minimum, maximum;
};

static int setting_show(const struct setting *setting, struct text *text)
{
    text_print(text, "%u\n", __atomic_load_n(setting->value, __ATOMIC_RELAXED));
    return 0;
}

static int setting_store(const struct setting *setting, const char *bytes)
{
    int64_t value;
    int error = proc_setting_parse(bytes, setting->minimum, setting->maximum, &value);

    if (!error)
        __atomic_store_n(setting->value, (uint32_t)value, __ATOMIC_RELAXED);
    return error;
}

/* A file that shows a number and takes another. */
#define SETTING(name, variable, lowest, highest)                                                   \
    static const struct setting name##_setting = {&(variable), (lowest), (highest)};               \
    static int name##_show(const struct pseudo_key *key, struct text *text)                        \
    {                                                                                              \
        (void)key;                                                                                 \
        return setting_show(&name##_setting, text);                                                \
    }                                                                                              \
    static int name##_store(const struct pseudo_key *key, const char *bytes, size_t size)          \
    {                                                                                              \
        (void)key;                                                                                 \
        (void)size;                                                                                \
        return setting_store(&name##_setting, bytes);                                              \
    }

SETTING(maps_maximum, regions_maximum, 0, INT32_MAX)
SETTING(highest_id, identity_limit, IDENTITY_LIMIT_LOWEST, IDENTITY_LIMIT)
SETTING(randomization, exec_placement_level, 0, INT32_MAX)

/* ---- names ---- */

/* What echo(1) writes: the first line. */
static size_t line_length(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);

    return end ? (size_t)(end - bytes) : strlen(bytes);
}

static int host_name_show(const struct pseudo_key *key, struct text *text)
{
    char name[HOST_NAME_SIZE];

    (void)key;
    host_name_get(name);
    text_print(text, "%s\n", name);
    return 0;
}

static int host_name_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    int error = proc_setting_check_writer();

    (void)key;
    if (!error)
        host_name_set(bytes, line_length(bytes, size));
    return error;
}

static int domain_name_show(const struct pseudo_key *key, struct text *text)
{
    char name[HOST_NAME_SIZE];

    (void)key;
    domain_name_get(name);
    text_print(text, "%s\n", name);
    return 0;
}

static int domain_name_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    int error = proc_setting_check_writer();

    (void)key;
    if (!error)
        domain_name_set(bytes, line_length(bytes, size));
    return error;
}

/* ---- the log ---- */

/* syslog(2): the console's level, that of messages without one, the console's lowest, the boot's.
 */
static int log_levels_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%u\t%u\t1\t7\n", log_console_level(),
               __atomic_load_n(&kernel_log_default_level, __ATOMIC_RELAXED));
    return 0;
}

static int log_levels_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    int64_t levels[4];
    int error = proc_setting_check_writer();

    (void)key;
    (void)size;
    if (error)
        return error;
    int count = proc_integers_parse(bytes, levels, 4, 0, INT32_MAX);
    /* The last two are fixed here. */
    if (count < 0 || (count > 2 && levels[2] != 1) || (count > 3 && levels[3] != 7) ||
        (count > 1 && levels[1] > LOG_DEBUG))
        return -EINVAL;
    log_set_console_level((unsigned)levels[0]);
    if (count > 1)
        __atomic_store_n(&kernel_log_default_level, (unsigned)levels[1], __ATOMIC_RELAXED);
    return 0;
}

/* Are programs listened to at /dev/kmsg? How often they speak is not limited: no "ratelimit". */
static int devkmsg_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%s\n",
               __atomic_load_n(&kernel_log_takes_programs, __ATOMIC_RELAXED) ? "on" : "off");
    return 0;
}

static int devkmsg_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    size_t length = line_length(bytes, size);
    bool on = length == 2 && memcmp(bytes, "on", 2) == 0;
    int error = proc_setting_check_writer();

    (void)key;
    if (!error && !on && (length != 3 || memcmp(bytes, "off", 3) != 0))
        error = -EINVAL;
    if (!error)
        __atomic_store_n(&kernel_log_takes_programs, on, __ATOMIC_RELAXED);
    return error;
}

/* ---- what cannot be changed ---- */

#define CONSTANT(function, ...)                                                                    \
    static int function(const struct pseudo_key *key, struct text *text)                           \
    {                                                                                              \
        (void)key;                                                                                 \
        text_print(text, __VA_ARGS__);                                                             \
        return 0;                                                                                  \
    }

CONSTANT(release_show, "%s\n", SYSTEM_RELEASE)
CONSTANT(type_show, "%s\n", SYSTEM_NAME)
CONSTANT(system_version_show, "%s\n", SYSTEM_VERSION)
CONSTANT(threads_maximum_show, "%u\n", IDENTITY_LIMIT)
CONSTANT(last_capability_show, "%d\n", CAP_LAST_CAP)
CONSTANT(groups_maximum_show, "%d\n", CREDENTIALS_GROUPS_MAXIMUM)
CONSTANT(core_pattern_show, "core\n")
CONSTANT(overflow_show, "65534\n") /* nobody, nogroup */
CONSTANT(overcommit_show, "0\n")
CONSTANT(lowest_address_show, "65536\n")
CONSTANT(files_maximum_show, "%d\n", DESCRIPTORS_MAXIMUM)
CONSTANT(open_files_maximum_show, "%ld\n", INT64_MAX) /* each user has a limit, all have none */
CONSTANT(open_files_show, "%lu\t0\t%ld\n", open_file_count(), INT64_MAX)
CONSTANT(inodes_show, "%lu\t0\n", inode_count()) /* none waits to be used again */
CONSTANT(inode_state_show, "%lu\t0\t0\t0\t0\t0\t0\n", inode_count())
CONSTANT(terminals_maximum_show, "%d\n", PSEUDO_TERMINALS_MAXIMUM)
CONSTANT(terminals_show, "%u\n", pseudo_terminal_count())
CONSTANT(entropy_show, "256\n")
CONSTANT(pool_size_show, "256\n")
CONSTANT(yama_show, "0\n")
CONSTANT(never_show, "0\n")
CONSTANT(always_show, "1\n")
CONSTANT(real_time_runtime_show, "%d\n", REAL_TIME_RUNTIME_NS / 1000)
CONSTANT(real_time_period_show, "%d\n", REAL_TIME_PERIOD_NS / 1000)
CONSTANT(round_robin_show, "%d\n", SLICE_ROUND_ROBIN_NS / 1000000)

/* A version 4 UUID (RFC 4122, 4.4). */
static void text_uuid(struct text *text, const uint8_t random[16])
{
    for (int i = 0; i < 16; i++) {
        uint8_t byte = random[i];
        if (i == 6)
            byte = (byte & 0x0f) | 0x40;
        if (i == 8)
            byte = (byte & 0x3f) | 0x80;
        text_print(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", byte);
    }
    text_append(text, "\n", 1);
}

static int uuid_show(const struct pseudo_key *key, struct text *text)
{
    uint8_t random[16];

    (void)key;
    random_fill(random, sizeof(random));
    text_uuid(text, random);
    return 0;
}

static uint8_t boot_id[16]; /* constant after boot */

static int boot_id_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_uuid(text, boot_id);
    return 0;
}

/* ---- the directories ---- */

#define CONSTANT_NODE(file, function)                                                              \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .show = (function), .check = check_open            \
    }
#define SETTING_NODE(file, setting)                                                                \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = setting##_show, .store = setting##_store   \
    }
#define DIRECTORY_NODE(directory, nodes)                                                           \
    {                                                                                              \
        .name = (directory), .mode = S_IFDIR | 0555, .children = (nodes),                          \
        .child_count = array_length(nodes)                                                         \
    }

static struct pseudo_node random_files[] = {
    CONSTANT_NODE("boot_id", boot_id_show),
    CONSTANT_NODE("entropy_avail", entropy_show),
    CONSTANT_NODE("poolsize", pool_size_show),
    CONSTANT_NODE("uuid", uuid_show),
};
static struct pseudo_node yama_files[] = {
    CONSTANT_NODE("ptrace_scope", yama_show),
};
static struct pseudo_node pseudo_terminal_files[] = {
    CONSTANT_NODE("max", terminals_maximum_show),
    CONSTANT_NODE("nr", terminals_show),
    CONSTANT_NODE("reserve", never_show),
};
static struct pseudo_node kernel_files[] = {
    CONSTANT_NODE("cap_last_cap", last_capability_show),
    CONSTANT_NODE("core_pattern", core_pattern_show),
    CONSTANT_NODE("core_uses_pid", never_show),
    CONSTANT_NODE("dmesg_restrict", always_show),
    SETTING_NODE("domainname", domain_name),
    SETTING_NODE("hostname", host_name),
    CONSTANT_NODE("ngroups_max", groups_maximum_show),
    CONSTANT_NODE("osrelease", release_show),
    CONSTANT_NODE("ostype", type_show),
    CONSTANT_NODE("overflowgid", overflow_show),
    CONSTANT_NODE("overflowuid", overflow_show),
    SETTING_NODE("pid_max", highest_id),
    SETTING_NODE("printk", log_levels),
    SETTING_NODE("printk_devkmsg", devkmsg),
    DIRECTORY_NODE("pty", pseudo_terminal_files),
    DIRECTORY_NODE("random", random_files),
    SETTING_NODE("randomize_va_space", randomization),
    CONSTANT_NODE("sched_rr_timeslice_ms", round_robin_show),
    CONSTANT_NODE("sched_rt_period_us", real_time_period_show),
    CONSTANT_NODE("sched_rt_runtime_us", real_time_runtime_show),
    CONSTANT_NODE("tainted", never_show),
    CONSTANT_NODE("threads-max", threads_maximum_show),
    CONSTANT_NODE("version", system_version_show),
    DIRECTORY_NODE("yama", yama_files),
};
static struct pseudo_node memory_files[] = {
    SETTING_NODE("max_map_count", maps_maximum),
    CONSTANT_NODE("mmap_min_addr", lowest_address_show),
    CONSTANT_NODE("overcommit_memory", overcommit_show),
    CONSTANT_NODE("panic_on_oom", never_show),
};
static struct pseudo_node file_files[] = {
    CONSTANT_NODE("file-max", open_files_maximum_show),
    CONSTANT_NODE("file-nr", open_files_show),
    CONSTANT_NODE("inode-nr", inodes_show),
    CONSTANT_NODE("inode-state", inode_state_show),
    CONSTANT_NODE("nr_open", files_maximum_show),
    CONSTANT_NODE("suid_dumpable", never_show),
};
static struct pseudo_node terminal_files[] = {
    CONSTANT_NODE("legacy_tiocsti", never_show),
};
static struct pseudo_node device_directories[] = {
    DIRECTORY_NODE("tty", terminal_files),
};
enum { SYS_DEV, SYS_FS, SYS_KERNEL, SYS_VM };
static struct pseudo_node sys_directories[] = {
    [SYS_DEV] = DIRECTORY_NODE("dev", device_directories),
    [SYS_FS] = DIRECTORY_NODE("fs", file_files),
    [SYS_KERNEL] = DIRECTORY_NODE("kernel", kernel_files),
    [SYS_VM] = DIRECTORY_NODE("vm", memory_files),
};
static struct pseudo_node sys_nodes[] = {
    {.name = "sys",
     .mode = S_IFDIR | 0555,
     .children = sys_directories,
     .child_count = array_length(sys_directories),
     .is_setting = true},
};

void proc_sys_initialize(void)
{
    random_fill(boot_id, sizeof(boot_id));
    pseudo_add(&proc_root, sys_nodes, array_length(sys_nodes));
    proc_limits_add(&sys_directories[SYS_FS]);
    proc_protection_add(&sys_directories[SYS_FS]);
}
