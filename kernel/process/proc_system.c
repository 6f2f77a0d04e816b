/* proc_system.c: what /proc says of the system as a whole (proc(5)). */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/device.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "process/exec_placement.h"
#include "process/identity.h"
#include "process/proc.h"
#include "process/process.h"
#include "process/system_information.h"
#include "process/usage.h"
#include "thread/load.h"

/* ---- memory ---- */

static int memory_show(const struct pseudo_key *key, struct text *text)
{
    struct memory_summary memory;
    const uint64_t kilobytes = PAGE_SIZE / 1024, zero = 0;

    (void)key;
    memory_summary(&memory);
    const struct {
        const char *name;
        uint64_t pages;
    } lines[] = {
        {"MemTotal:", memory.total},
        {"MemFree:", memory.free},
        {"MemAvailable:", memory.free},
        {"Buffers:", zero},
        {"Cached:", memory.cached},
        {"SwapCached:", zero},
        {"Active:", memory.anonymous + memory.cached},
        {"Inactive:", zero},
        {"Unevictable:", zero},
        {"Mlocked:", zero},
        {"SwapTotal:", zero},
        {"SwapFree:", zero},
        {"Dirty:", zero},
        {"Writeback:", zero},
        {"AnonPages:", memory.anonymous},
        {"Mapped:", zero},
        {"Shmem:", memory.shared},
        {"Slab:", memory.kernel},
        {"SReclaimable:", zero},
        {"SUnreclaim:", memory.kernel},
        {"KernelStack:", memory.kernel_stacks},
        {"PageTables:", memory.page_tables},
        {"CommitLimit:", memory.total},
        {"Committed_AS:", memory.anonymous + memory.shared},
        {"VmallocTotal:", (1UL << 45) / PAGE_SIZE},
        {"VmallocUsed:", zero},
    };
    for (size_t i = 0; i < array_length(lines); i++)
        text_print(text, "%-15s %8lu kB\n", lines[i].name, lines[i].pages * kilobytes);
    return 0;
}

/* ---- processors ---- */

static unsigned online_count(void)
{
    return __atomic_load_n(&cpu_count, __ATOMIC_RELAXED);
}

/* CPUID's flags by the names that Linux gives them; those that programs look for. */
static void text_flags(struct text *text)
{
    static const struct {
        uint32_t leaf;
        char output; /* a register: b, c, d */
        uint8_t bit;
        const char *name;
    } flags[] = {
        {1, 'd', 0, "fpu"},
        {1, 'd', 4, "tsc"},
        {1, 'd', 5, "msr"},
        {1, 'd', 6, "pae"},
        {1, 'd', 8, "cx8"},
        {1, 'd', 9, "apic"},
        {1, 'd', 11, "sep"},
        {1, 'd', 13, "pge"},
        {1, 'd', 15, "cmov"},
        {1, 'd', 16, "pat"},
        {1, 'd', 19, "clflush"},
        {1, 'd', 23, "mmx"},
        {1, 'd', 24, "fxsr"},
        {1, 'd', 25, "sse"},
        {1, 'd', 26, "sse2"},
        {0x80000001, 'd', 11, "syscall"},
        {0x80000001, 'd', 20, "nx"},
        {0x80000001, 'd', 27, "rdtscp"},
        {0x80000001, 'd', 29, "lm"},
        {1, 'c', 0, "pni"},
        {1, 'c', 1, "pclmulqdq"},
        {1, 'c', 9, "ssse3"},
        {1, 'c', 12, "fma"},
        {1, 'c', 13, "cx16"},
        {1, 'c', 19, "sse4_1"},
        {1, 'c', 20, "sse4_2"},
        {1, 'c', 22, "movbe"},
        {1, 'c', 23, "popcnt"},
        {1, 'c', 25, "aes"},
        {1, 'c', 26, "xsave"},
        {1, 'c', 28, "avx"},
        {1, 'c', 29, "f16c"},
        {1, 'c', 30, "rdrand"},
        {1, 'c', 31, "hypervisor"},
        {0x80000001, 'c', 0, "lahf_lm"},
        {0x80000001, 'c', 5, "abm"},
        {7, 'b', 3, "bmi1"},
        {7, 'b', 5, "avx2"},
        {7, 'b', 7, "smep"},
        {7, 'b', 8, "bmi2"},
        {7, 'b', 9, "erms"},
        {7, 'b', 16, "avx512f"},
        {7, 'b', 18, "rdseed"},
        {7, 'b', 19, "adx"},
        {7, 'b', 20, "smap"},
        {7, 'b', 23, "clflushopt"},
        {7, 'c', 2, "umip"},
    };
    uint32_t highest = cpuid(0, 0).eax;

    for (size_t i = 0; i < array_length(flags); i++) {
        if (flags[i].leaf == 7 && highest < 7)
            continue;
        struct cpuid_result result = cpuid(flags[i].leaf, 0);
        uint32_t value = flags[i].output == 'b'   ? result.ebx
                         : flags[i].output == 'c' ? result.ecx
                                                  : result.edx;
        if (value >> flags[i].bit & 1)
            text_print(text, " %s", flags[i].name);
    }
}

/* The vendor (12 letters) and the model's name (Intel SDM volume 2, CPUID). */
static void processor_names(char vendor[13], char model[49])
{
    struct cpuid_result result = cpuid(0, 0);

    memcpy(vendor, &result.ebx, 4);
    memcpy(vendor + 4, &result.edx, 4);
    memcpy(vendor + 8, &result.ecx, 4);
    vendor[12] = 0;
    memset(model, 0, 49);
    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (uint32_t i = 0; i < 3; i++) {
        result = cpuid(0x80000002 + i, 0);
        memcpy(model + 16 * i, &result, 16);
    }
}

static int processor_show(const struct pseudo_key *key, struct text *text)
{
    char vendor[13], model_name[49];
    uint32_t signature = cpuid(1, 0).eax;
    unsigned family = signature >> 8 & 15, model = signature >> 4 & 15;

    (void)key;
    if (family == 15)
        family += signature >> 20 & 255;
    if (family >= 6)
        model |= signature >> 12 & 0xf0;
    processor_names(vendor, model_name);
    for (unsigned number = 0; number < CPU_MAXIMUM; number++) {
        if (!cpus[number] || !__atomic_load_n(&cpus[number]->online, __ATOMIC_RELAXED))
            continue;
        text_print(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                   number, vendor, family, model);
        text_print(text, "model name\t: %s\nstepping\t: %u\n", model_name, signature & 15);
        text_print(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
                   online_count(), number, online_count());
        text_print(text, "apicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n",
                   cpus[number]->apic_id);
        text_print(text, "flags\t\t:");
        text_flags(text);
        text_print(text,
                   "\nbugs\t\t:\nclflush size\t: 64\naddress sizes\t: %u bits physical, 48 bits "
                   "virtual\n\n",
                   cpu_features.physical_bits);
    }
    return 0;
}

/* ---- time and load ---- */

static uint64_t idle_time(void)
{
    uint64_t sum = 0;

    for (unsigned number = 0; number < CPU_MAXIMUM; number++) {
        if (cpus[number] && cpus[number]->idle)
            sum += thread_runtime(cpus[number]->idle);
    }
    return sum;
}

static void text_hundredths(struct text *text, uint64_t nanoseconds)
{
    text_print(text, "%lu.%02lu", nanoseconds / NANOSECONDS_PER_SECOND,
               nanoseconds % NANOSECONDS_PER_SECOND / 10000000);
}

static int uptime_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_hundredths(text, clock_now());
    text_append(text, " ", 1);
    text_hundredths(text, idle_time());
    text_append(text, "\n", 1);
    return 0;
}

static int load_show(const struct pseudo_key *key, struct text *text)
{
    const uint64_t one = 1UL << LOAD_SHIFT;
    struct thread_summary threads;
    uint64_t averages[3];

    (void)key;
    thread_summary(&threads);
    load_averages(averages);
    for (size_t i = 0; i < array_length(averages); i++) {
        uint64_t rounded = averages[i] + one / 200;
        text_print(text, "%lu.%02lu ", rounded / one, rounded % one * 100 / one);
    }
    text_print(text, "%u/%u %u\n", threads.runnable, threads.threads, threads.newest);
    return 0;
}

static void text_cpu_times(struct text *text, const char *name, uint64_t busy, uint64_t idle)
{
    const uint64_t tick = NANOSECONDS_PER_SECOND / 100;

    text_print(text, "%s 0 0 %lu %lu 0 0 0 0 0 0\n", name, busy / tick, idle / tick);
}

static int stat_show(const struct pseudo_key *key, struct text *text)
{
    struct thread_summary threads;
    uint64_t now = clock_now(), idle = idle_time(), all = now * online_count();
    char name[16];

    (void)key;
    thread_summary(&threads);
    text_cpu_times(text, "cpu ", all > idle ? all - idle : 0, idle);
    for (unsigned number = 0; number < CPU_MAXIMUM; number++) {
        if (!cpus[number] || !cpus[number]->idle)
            continue;
        uint64_t own = thread_runtime(cpus[number]->idle);
        format_string(name, sizeof(name), "cpu%u", number);
        text_cpu_times(text, name, now > own ? now - own : 0, own);
    }
    text_print(text, "intr 0\nctxt 0\nbtime %lu\nprocesses %u\nprocs_running %u\n",
               (clock_wall() - now) / NANOSECONDS_PER_SECOND, threads.newest, threads.runnable);
    text_print(text, "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

/* ---- names ---- */

static int version_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%s version %s %s\n", SYSTEM_NAME, SYSTEM_RELEASE, SYSTEM_VERSION);
    return 0;
}

static int file_systems_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(
        text,
        "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\tdevpts\n");
    return 0;
}

/* Each major number once: what stands behind one shares it. */
struct device_list {
    struct text *text;
    const struct device *last;
};

static void device_show(const struct device *device, void *context)
{
    struct device_list *list = context;

    if (device->type != DEVICE_CHARACTER || (list->last && list->last->major == device->major))
        return;
    text_print(list->text, "%3u %s\n", device->major, device->name);
    list->last = device;
}

static int devices_show(const struct pseudo_key *key, struct text *text)
{
    struct device_list list = {.text = text};

    (void)key;
    text_print(text, "Character devices:\n");
    device_for_each(device_show, &list);
    text_print(text, "\nBlock devices:\n");
    return 0;
}

static int command_line_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%s\n", system_options());
    return 0;
}

/* ---- mounts ---- */

static void text_mount_options(struct text *text, const struct mount *mount)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {
        {MS_NOSUID, ",nosuid"},   {MS_NODEV, ",nodev"},           {MS_NOEXEC, ",noexec"},
        {MS_NOATIME, ",noatime"}, {MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
    };

    text_print(text, mount_flag(mount, MS_RDONLY) ? "ro" : "rw");
    for (size_t i = 0; i < array_length(names); i++) {
        if (mount_flag(mount, names[i].flag))
            text_print(text, "%s", names[i].name);
    }
}

/* What a tmpfs was told, where that is not what it would be anyhow (tmpfs(5)). */
static void text_file_system_options(struct text *text, const struct file_system *file_system)
{
    uint64_t pages = __atomic_load_n(&file_system->pages.limit, __ATOMIC_RELAXED);
    uint64_t inodes = __atomic_load_n(&file_system->inodes.limit, __ATOMIC_RELAXED);

    if (strcmp(file_system->type, "tmpfs") != 0)
        return;
    if (pages != ram_default_limit())
        text_print(text, ",size=%luk", pages * (PAGE_SIZE / 1024));
    if (inodes != ram_default_limit())
        text_print(text, ",nr_inodes=%lu", inodes);
    if (file_system->root_mode != 01777)
        text_print(text, ",mode=%03o", file_system->root_mode);
    if (file_system->root_user)
        text_print(text, ",uid=%u", file_system->root_user);
    if (file_system->root_group)
        text_print(text, ",gid=%u", file_system->root_group);
    text_print(text, ",inode64");
}

/* Where the mount is, as the caller sees it. 0 or an error: it is out of sight. */
static int text_mount_place(struct text *text, struct mount *mount)
{
    struct path path = {.mount = mount, .dentry = mount->root};
    char *place = heap_allocate(PATH_SIZE_MAXIMUM);

    if (!place)
        return -ENOMEM;
    ssize_t length = path_describe(&path, NULL, false, place, PATH_SIZE_MAXIMUM);
    if (length > 0 && *place == '/')
        text_append_escaped(text, place, " \t\n\\");
    else
        length = -ENOENT;
    heap_free(place);
    return length < 0 ? (int)length : 0;
}

static int mount_line(struct mount *mount, void *context)
{
    struct text *text = context;
    size_t begin = text->size;

    text_append_escaped(text, mount->source ? mount->source : "none", " \t\n\\");
    text_append(text, " ", 1);
    if (text_mount_place(text, mount)) {
        text->size = begin;
        return 0;
    }
    text_print(text, " %s ", mount->file_system->type);
    text_mount_options(text, mount);
    text_file_system_options(text, mount->file_system);
    text_print(text, " 0 0\n");
    return 0;
}

int proc_mounts_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    mount_for_each(mount_line, text);
    return 0;
}

/* proc(5), /proc/pid/mountinfo. */
static int mount_information_line(struct mount *mount, void *context)
{
    struct text *text = context;
    size_t begin = text->size;
    uint64_t device = mount->file_system->device;

    text_print(text, "%u %u %u:%u / ", mount->id, mount->parent ? mount->parent->id : mount->id,
               (unsigned)(device >> 8 & 0xfff), (unsigned)(device & 0xff));
    if (text_mount_place(text, mount)) {
        text->size = begin;
        return 0;
    }
    text_append(text, " ", 1);
    text_mount_options(text, mount);
    text_print(text, " - %s ", mount->file_system->type);
    text_append_escaped(text, mount->source ? mount->source : "none", " \t\n\\");
    text_print(text, mount_flag(mount, MS_RDONLY) ? " ro" : " rw");
    text_file_system_options(text, mount->file_system);
    text_append(text, "\n", 1);
    return 0;
}

int proc_mount_info_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    mount_for_each(mount_information_line, text);
    return 0;
}

static ssize_t mounts_link(const struct pseudo_key *key, char *buffer, size_t size)
{
    static const char target[] = "self/mounts";
    size_t length = sizeof(target) - 1 < size ? sizeof(target) - 1 : size;

    (void)key;
    memcpy(buffer, target, length);
    return length;
}

/* ---- the directory ---- */

/* Of the keys of Linux's sysrq only the one that tests a panic. */
static int system_request_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    (void)key;
    if (size && bytes[0] == 'c')
        panic("a crash was asked for");
    return 0;
}

#define FILE_NODE(file, function)                                                                  \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .show = (function)                                 \
    }

static struct pseudo_node system_nodes[] = {
    FILE_NODE("cmdline", command_line_show),
    FILE_NODE("cpuinfo", processor_show),
    FILE_NODE("devices", devices_show),
    FILE_NODE("filesystems", file_systems_show),
    FILE_NODE("loadavg", load_show),
    FILE_NODE("meminfo", memory_show),
    {.name = "mounts", .mode = S_IFLNK | 0777, .read_link = mounts_link},
    FILE_NODE("stat", stat_show),
    {.name = "sysrq-trigger", .mode = S_IFREG | 0200, .store = system_request_store},
    FILE_NODE("uptime", uptime_show),
    FILE_NODE("version", version_show),
};

void proc_system_initialize(void)
{
    pseudo_add(&proc_root, system_nodes, array_length(system_nodes));
}
