/* system.c: what /proc says of memory, mounts and locks, and by what name the system goes
 * (proc(5)).
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "cpu/panic.h"
#include "file/credentials.h"
#include "file/lock.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "proc/proc.h"
#include "process/process.h"
#include "process/system_information.h"

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

/* ---- names ---- */

static int version_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%s version %s %s\n", SYSTEM_NAME, SYSTEM_RELEASE, SYSTEM_VERSION);
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

/* What the file system itself was told. */
static void text_file_system_options(struct text *text, struct file_system *file_system)
{
    if (file_system->operations && file_system->operations->describe)
        file_system->operations->describe(file_system, text);
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

/* What of its file system the mount shows. 0 or an error: it is deleted. */
static int text_mount_root(struct text *text, const struct mount *mount)
{
    struct mount whole = {.file_system = mount->file_system, .root = mount->file_system->root};
    const struct path root = {&whole, whole.root}, shown = {&whole, mount->root};
    char *place = heap_allocate(PATH_SIZE_MAXIMUM);

    if (!place)
        return -ENOMEM;
    ssize_t length = path_describe(&shown, &root, false, place, PATH_SIZE_MAXIMUM);
    if (length > 0)
        text_append_escaped(text, place, " \t\n\\");
    heap_free(place);
    return length < 0 ? (int)length : 0;
}

/* proc(5), /proc/pid/mountinfo. */
static int mount_information_line(struct mount *mount, void *context)
{
    struct text *text = context;
    size_t begin = text->size;
    uint64_t device = mount->file_system->device;

    text_print(text, "%u %u %u:%u ", mount->id, mount->parent ? mount->parent->id : mount->id,
               (unsigned)(device >> 8 & 0xfff), (unsigned)(device & 0xff));
    int error = text_mount_root(text, mount);
    text_append(text, " ", 1);
    if (error || text_mount_place(text, mount)) {
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

static int locks_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    record_locks_show(text);
    return 0;
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

static struct pseudo_node system_nodes[] = {
    PSEUDO_SHOW("cmdline", command_line_show),
    PSEUDO_SHOW("locks", locks_show),
    PSEUDO_SHOW("meminfo", memory_show),
    {.name = "mounts", .mode = S_IFLNK | 0777, .text = "self/mounts"},
    {.name = "sysrq-trigger", .mode = S_IFREG | 0200, .store = system_request_store},
    PSEUDO_SHOW("version", version_show),
};

void proc_system_initialize(void)
{
    pseudo_add(&proc_root, system_nodes, array_length(system_nodes));
}
