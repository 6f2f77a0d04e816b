/* directory.c: /proc/PID, /proc/PID/task/TID, /proc/self: what is in them. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "library/format.h"
#include "library/string.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "process/process.h"

/* Files and links with the attributes that all of them have. */
#define SHOWN(file, permissions, function)                                                         \
    .name = (file), .mode = S_IFREG | (permissions), .show = (function),                           \
    .attributes = pid_attributes
#define LINK(file, reader, follower)                                                               \
    .name = (file), .mode = S_IFLNK | 0777, .read_link = (reader), .follow = (follower),           \
    .attributes = pid_attributes

static int thread_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                       struct pseudo_node **child);
static bool thread_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name);

static struct pseudo_node process_files[] = {
    {SHOWN("auxv", 0400, pid_auxiliary_show), .check = pid_check_access,
     .subject = pid_memory_number},
    {SHOWN("cmdline", 0444, pid_command_line_show)},
    {SHOWN("comm", 0644, pid_name_show), .store = pid_name_store},
    {LINK("cwd", pid_working_read, pid_working_follow)},
    {SHOWN("environ", 0400, pid_environment_show), .check = pid_check_access,
     .subject = pid_memory_number},
    {LINK("exe", pid_executable_read, pid_executable_follow)},
    {.name = "fd",
     .mode = S_IFDIR | 0500,
     .find = pid_descriptor_find,
     .next = pid_descriptor_next,
     .is_own = pid_is_own,
     .attributes = pid_attributes},
    {.name = "fdinfo",
     .mode = S_IFDIR | 0555,
     .find = pid_descriptor_information_find,
     .next = pid_descriptor_information_next,
     .attributes = pid_attributes},
    {SHOWN("limits", 0444, pid_limits_show)},
    {SHOWN("maps", 0444, pid_maps_show), .check = pid_check_access, .subject = pid_memory_number},
    {.name = "mem",
     .mode = S_IFREG | 0600,
     .operations = &pid_memory_operations,
     .attributes = pid_attributes},
    {SHOWN("mountinfo", 0444, proc_mount_info_show)},
    {SHOWN("mounts", 0444, proc_mounts_show)},
    {SHOWN("oom_score", 0444, pid_oom_score_show)},
    {SHOWN("oom_score_adj", 0644, pid_oom_adjustment_show), .store = pid_oom_adjustment_store},
    {LINK("root", pid_root_read, pid_root_follow)},
    {SHOWN("smaps", 0444, pid_smaps_show), .check = pid_check_access, .subject = pid_memory_number},
    {SHOWN("smaps_rollup", 0444, pid_smaps_rollup_show), .check = pid_check_access,
     .subject = pid_memory_number},
    {SHOWN("stat", 0444, pid_stat_show)},
    {SHOWN("statm", 0444, pid_statm_show)},
    {SHOWN("status", 0444, pid_status_show)},
    /* Last: a thread's own directory has all but this. */
    {.name = "task",
     .mode = S_IFDIR | 0555,
     .find = thread_find,
     .next = thread_next,
     .attributes = pid_attributes},
};
static struct pseudo_node thread_directory = {
    .mode = S_IFDIR | 0555,
    .children = process_files,
    .child_count = array_length(process_files) - 1, /* all but "task" */
    .is_immutable = true,
    .attributes = pid_attributes,
};

static int thread_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                       struct pseudo_node **child)
{
    struct pid_target target;
    uint32_t id;

    if (!proc_parse_number(name, &id) || !id)
        return -ENOENT;
    *child_key = *key;
    child_key->number[PROC_KEY_THREAD] = id;
    if (pid_target_get(&target, child_key))
        return -ENOENT;
    pid_target_release(&target);
    *child = &thread_directory;
    return 0;
}

/* Positions: a thread's place among those of its process, and its number, of which the last one is
   found again. */
#define POSITION_PLACE_SHIFT 32

static bool thread_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    struct process *process = process_find(key->number[PROC_KEY_PROCESS]);
    struct list_place place = {*position >> POSITION_PLACE_SHIFT, (uint32_t)*position};

    if (!process)
        return false;
    struct user_thread *thread = process_next_thread(process, &place);
    process_release(process);
    if (!thread)
        return false;
    user_thread_release(thread);
    *position = place.place << POSITION_PLACE_SHIFT | place.id;
    format_string(name->text, sizeof(name->text), "%u", place.id);
    name->type = S_IFDIR;
    return true;
}

static struct pseudo_node process_directory = {
    .mode = S_IFDIR | 0555,
    .children = process_files,
    .child_count = array_length(process_files),
    .is_immutable = true,
    .attributes = pid_attributes,
};

struct process *proc_process_of_directory(const struct file *file)
{
    if (pseudo_directory_node(file) != &process_directory)
        return NULL;
    return process_find(pseudo_file_key(file)->number[PROC_KEY_PROCESS]);
}

/* A TID leads to its process as well, though it is not listed (proc(5)). */
static int process_find_node(const struct pseudo_key *key, const char *name,
                             struct pseudo_key *child_key, struct pseudo_node **child)
{
    uint32_t id;

    *child_key = *key;
    if (!proc_parse_number(name, &id) || !id)
        return -ENOENT;
    struct process *process = process_find_named(id);
    if (!process)
        return -ENOENT;
    child_key->number[PROC_KEY_PROCESS] = process->id;
    process_release(process);
    *child = &process_directory;
    return 0;
}

static bool process_next_node(const struct pseudo_key *key, uint64_t *position,
                              struct pseudo_name *name)
{
    uint32_t id = *position;
    struct process *process = process_next(&id);

    (void)key;
    if (!process)
        return false;
    process_release(process);
    *position = (uint64_t)id + 1;
    format_string(name->text, sizeof(name->text), "%u", id);
    name->type = S_IFDIR;
    return true;
}

/* ---- who looks ---- */

static ssize_t self_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct process *process = process_current();
    char text[16];

    (void)key;
    if (!process)
        return -ENOENT;
    format_string(text, sizeof(text), "%u", process->id);
    return pseudo_link_text(buffer, size, text);
}

static ssize_t thread_self_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct process *process = process_current();
    char text[40];

    (void)key;
    if (!process)
        return -ENOENT;
    format_string(text, sizeof(text), "%u/task/%u", process->id, thread_current()->id);
    return pseudo_link_text(buffer, size, text);
}

static struct pseudo_node self_nodes[] = {
    {.name = "self", .mode = S_IFLNK | 0777, .read_link = self_read},
    {.name = "thread-self", .mode = S_IFLNK | 0777, .read_link = thread_self_read},
};

void proc_process_initialize(void)
{
    pseudo_add(&proc_root, self_nodes, array_length(self_nodes));
    proc_net_directory.attributes = pid_attributes;
    pseudo_add(&process_directory, &proc_net_directory, 1);
    proc_root.find = process_find_node;
    proc_root.next = process_next_node;
}
