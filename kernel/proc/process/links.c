/* links.c: where the links below /proc/PID lead: exe, cwd, root, fd/N; and fdinfo. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "file/tree/file_system_context.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "process/process.h"
#include "process/trace_access.h"

/* ---- exe, cwd, root ---- */

int pid_executable_follow(const struct pseudo_key *key, struct path *path)
{
    struct address_space *space;
    int error;

    while (!(error = pid_trace_memory(key, &space))) {
        address_space_lock(space);
        struct file *file = space->executable ? file_from_object(space->executable) : NULL;
        if (file) {
            *path = file->path;
            path_reference(path);
        }
        address_space_unlock(space);
        bool ended = address_space_has_ended(space);
        address_space_unobserve(space);
        if (file)
            return 0;
        if (!ended)
            break;
    }
    return error == -EPERM ? -EACCES : -ENOENT;
}

static int place_follow(const struct pseudo_key *key, struct path *path,
                        void (*get)(struct file_system_context *context, struct path *path))
{
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    error = target.thread ? trace_path(target.thread, TRACE_AS_FILE_USER, get, path) : -ESRCH;
    pid_target_release(&target);
    return error == -EPERM ? -EACCES : error ? -ENOENT : 0;
}

int pid_working_follow(const struct pseudo_key *key, struct path *path)
{
    return place_follow(key, path, file_system_context_working);
}

int pid_root_follow(const struct pseudo_key *key, struct path *path)
{
    return place_follow(key, path, file_system_context_root);
}

/* The text of a magic link is the path of what it leads to. */
static ssize_t link_read(int (*follow)(const struct pseudo_key *key, struct path *path),
                         const struct pseudo_key *key, char *buffer, size_t size)
{
    struct path path;
    int error = follow(key, &path);

    if (error)
        return error;
    char *text = heap_allocate(PATH_SIZE_MAXIMUM);
    ssize_t length = -ENOMEM;
    if (text) {
        length = path_describe(&path, NULL, true, text, PATH_SIZE_MAXIMUM);
        if (length > (ssize_t)size)
            length = size;
        if (length > 0)
            memcpy(buffer, text, length);
    }
    heap_free(text);
    path_release(&path);
    return length;
}

ssize_t pid_executable_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(pid_executable_follow, key, buffer, size);
}

ssize_t pid_working_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(pid_working_follow, key, buffer, size);
}

ssize_t pid_root_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(pid_root_follow, key, buffer, size);
}

/* ---- descriptors ---- */

/* NULL: not open, or not to be seen. */
static struct file *key_file(const struct pseudo_key *key, bool *closes_on_exec)
{
    struct file *file = NULL;
    struct pid_target target;

    if (pid_target_get(&target, key))
        return NULL;
    if (target.thread)
        trace_file(target.thread, TRACE_AS_FILE_USER, key->number[PROC_KEY_DESCRIPTOR], &file,
                   closes_on_exec);
    pid_target_release(&target);
    return file;
}

static int descriptor_follow(const struct pseudo_key *key, struct path *path)
{
    struct file *file = key_file(key, NULL);

    if (!file)
        return -ENOENT;
    *path = file->path;
    path_reference(path);
    file_release(file);
    return 0;
}

static ssize_t descriptor_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(descriptor_follow, key, buffer, size);
}

/* The permissions of the link are how the file was opened. */
static void descriptor_attributes(const struct pseudo_key *key,
                                  struct pseudo_attributes *attributes)
{
    struct file *file = key_file(key, NULL);

    pid_attributes(key, attributes);
    attributes->size = 64;
    if (!file)
        return;
    attributes->mode =
        (attributes->mode & S_IFMT) | (file->readable ? 0500 : 0) | (file->writable ? 0300 : 0);
    file_release(file);
}

static int descriptor_information_show(const struct pseudo_key *key, struct text *text)
{
    char more[512] = "";
    bool closes;

    struct file *file = key_file(key, &closes);
    if (!file)
        return -ENOENT;
    uint32_t flags = __atomic_load_n(&file->flags, __ATOMIC_RELAXED) | (closes ? O_CLOEXEC : 0);
    text_print(text, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
               file->stream ? 0 : (uint64_t)file->offset, flags,
               file->path.mount ? file->path.mount->id : 0, file->inode->number);
    if (file->operations->describe) {
        file->operations->describe(file, more, sizeof(more));
        text_append(text, more, strlen(more));
    }
    file_release(file);
    return 0;
}

static struct pseudo_node descriptor_link = {
    .mode = S_IFLNK | 0700,
    .read_link = descriptor_read,
    .follow = descriptor_follow,
    .attributes = descriptor_attributes,
};
static struct pseudo_node descriptor_information = {
    .mode = S_IFREG | 0444,
    .show = descriptor_information_show,
    .check = pid_check_access,
    .attributes = pid_attributes,
};

static int descriptor_find_node(const struct pseudo_key *key, const char *name,
                                struct pseudo_key *child_key, struct pseudo_node **child,
                                struct pseudo_node *node)
{
    uint32_t number;

    if (!proc_parse_number(name, &number))
        return -ENOENT;
    *child_key = *key;
    child_key->number[PROC_KEY_DESCRIPTOR] = number;
    struct file *file = key_file(child_key, NULL);
    if (!file)
        return -ENOENT;
    file_release(file);
    *child = node;
    return 0;
}

int pid_descriptor_find(const struct pseudo_key *key, const char *name,
                        struct pseudo_key *child_key, struct pseudo_node **child)
{
    return descriptor_find_node(key, name, child_key, child, &descriptor_link);
}

int pid_descriptor_information_find(const struct pseudo_key *key, const char *name,
                                    struct pseudo_key *child_key, struct pseudo_node **child)
{
    return descriptor_find_node(key, name, child_key, child, &descriptor_information);
}

bool pid_descriptor_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    struct pid_target target;
    int number = -ESRCH;

    if (*position > INT32_MAX || pid_target_get(&target, key))
        return false;
    if (target.thread)
        number = trace_next_descriptor(target.thread, TRACE_AS_FILE_USER, *position);
    pid_target_release(&target);
    if (number < 0)
        return false;
    *position = (uint64_t)number + 1;
    format_string(name->text, sizeof(name->text), "%d", number);
    name->type = S_IFLNK;
    return true;
}

bool pid_descriptor_information_next(const struct pseudo_key *key, uint64_t *position,
                                     struct pseudo_name *name)
{
    bool more = pid_descriptor_next(key, position, name);

    name->type = S_IFREG;
    return more;
}
