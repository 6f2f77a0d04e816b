/* pseudo.c: how the directories, files and links of /proc and /sys behave. */
#include "file/pseudo.h"

#include <asm/errno.h>
#include <linux/fs.h>
#include <linux/magic.h>

#include "file/pseudo_file.h"
#include "file/ram/directory.h"
#include "file/ram/ram.h"
#include "file/tree/dentry.h"
#include "file/tree/file_system_type.h"
#include "library/hash.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/preemption.h"

struct pseudo_node proc_root = {.mode = S_IFDIR | 0555};
struct pseudo_node sys_root = {.mode = S_IFDIR | 0555};

/* The last offset is that of Linux's file systems that name none (MAX_NON_LFS); nothing in them
   is ever executed (SB_I_NOEXEC). */
static struct file_system proc = {.type = "proc",
                                  .magic = PROC_SUPER_MAGIC,
                                  .block_size = 1024,
                                  .last_offset = INT32_MAX,
                                  .no_execute = true};
static struct file_system sys = {
    .type = "sysfs", .magic = SYSFS_MAGIC, .last_offset = INT32_MAX, .no_execute = true};

void pseudo_add(struct pseudo_node *directory, struct pseudo_node *nodes, size_t count)
{
    struct pseudo_node **last = &directory->added;

    while (*last)
        last = &(*last)->next_added;
    for (size_t i = 0; i < count; i++) {
        *last = &nodes[i];
        last = &nodes[i].next_added;
    }
    *last = NULL;
}

/* ---- inodes ---- */

static const struct inode_operations directory_inode, changing_inode, file_inode, link_inode,
    magic_inode;
static const struct file_operations pseudo_directory_operations;

/* The same name in the same directory has the same number each time it is looked up. */
static uint64_t child_number(const struct inode *directory, const char *name, size_t length)
{
    return (hash_bytes(name, length, directory->number) & 0x7fffffff) | 0x40000000;
}

static struct inode *pseudo_inode_create(struct file_system *file_system,
                                         const struct pseudo_place *stands_for, uint64_t number)
{
    const struct pseudo_node *node = stands_for->node;
    const struct inode_operations *operations = &file_inode;
    const struct file_operations *file_operations = pseudo_file_operations(file_system, stands_for);

    if (S_ISDIR(node->mode)) {
        operations = node->create ? &changing_inode : &directory_inode;
        file_operations = &pseudo_directory_operations;
    } else if (S_ISLNK(node->mode)) {
        operations = node->follow ? &magic_inode : &link_inode;
    }
    struct pseudo_place *place = heap_allocate(sizeof(*place));
    struct inode *inode =
        place ? inode_create(file_system, node->mode, operations, file_operations) : NULL;
    if (!inode) {
        heap_free(place);
        return NULL;
    }
    *place = *stands_for;
    inode->private = place;
    inode->number = number;
    inode->links = S_ISDIR(node->mode) ? 2 : 1;
    if (file_system == &sys && S_ISREG(node->mode))
        inode->cache.size = PAGE_SIZE; /* what a file of /sys says at most, and always that */
    return inode;
}

static void pseudo_destroy(struct inode *inode)
{
    heap_free(inode->private);
}

static int pseudo_refresh(struct inode *inode, struct inode_attributes *result)
{
    const struct pseudo_place *place = inode->private;
    struct pseudo_attributes attributes = {
        .mode = place->node->mode,
        .links = S_ISDIR(place->node->mode) ? 2 : 1,
    };

    if (!place->node->attributes) {
        *result = inode_attributes(inode);
        return 0;
    }
    place->node->attributes(&place->key, &attributes);
    __atomic_store_n(&inode->links, attributes.links, __ATOMIC_RELAXED);
    __atomic_store_n(&inode->cache.size, attributes.size, __ATOMIC_RELAXED);
    __atomic_store_n(&inode->device, attributes.device, __ATOMIC_RELAXED);
    *result = (struct inode_attributes){
        .mode = (place->node->mode & S_IFMT) | (attributes.mode & 07777),
        .user = attributes.user,
        .group = attributes.group,
    };
    return 0;
}

/*
 * What nobody may, root neither. What is of a process belongs to it, whatever chmod(2) says, and
 * its directory is immutable; /proc/sys has the modes that it has, whatever capabilities who asks
 * has, and no names to be made.
 */
static int pseudo_forbid(const struct inode *inode, unsigned permission)
{
    const struct pseudo_place *place = inode->private;

    if (!(permission & PERMISSION_WRITE))
        return 0;
    if (place->node->is_immutable)
        return -EPERM;
    if (!place->is_setting)
        return 0;
    return S_ISDIR(place->node->mode) || !(place->node->mode & 0222) ? -EACCES : 0;
}

/* A directory's, which may be its own process's. */
static int pseudo_permission(struct inode *inode, unsigned permission,
                             const struct credentials *credentials)
{
    const struct pseudo_place *place = inode->private;
    struct inode_attributes attributes;
    int error = pseudo_refresh(inode, &attributes);

    if (!error)
        error = inode_attributes_permission(&attributes, permission, credentials);
    return error && place->node->is_own && place->node->is_own(&place->key) ? 0 : error;
}

static int pseudo_forbid_change(const struct inode *inode, enum inode_change change)
{
    const struct pseudo_place *place = inode->private;

    if (place->node->is_immutable)
        return -EPERM;
    if (change == INODE_CHANGE_MODE)
        return place->is_setting || pseudo_is_of_process(place) ? -EPERM : 0;
    return place->is_setting && change == INODE_CHANGE_OWNER ? -EPERM : 0;
}

/* ---- directories ---- */

/* The number'th of the node's own children; NULL: there are not so many. */
static struct pseudo_node *own_child(struct pseudo_node *directory, size_t number)
{
    if (number < directory->child_count)
        return &directory->children[number];
    number -= directory->child_count;
    struct pseudo_node *node = directory->added;
    while (node && number--)
        node = node->next_added;
    return node;
}

/* Directories that stand for no particular thing stay in the tree once they were looked up, so
   that file systems can be mounted on them. The directory's lock may be held (unlink(2) looks the
   name up under it) or not: only this makes names here, and none is ever removed. */
static void keep_in_tree(struct dentry *directory, struct dentry **child)
{
    struct dentry *extra = *child;

    spinlock_acquire(&tree_lock);
    struct dentry *other = dentry_find(directory, extra->name, extra->name_length);
    if (other) {
        dentry_reference(other);
        *child = other;
    } else {
        dentry_insert(extra);
    }
    spinlock_release(&tree_lock);
    if (other)
        dentry_release(extra);
}

static int pseudo_lookup(struct dentry *directory, const char *name, size_t length,
                         struct dentry **found)
{
    const struct pseudo_place *place = directory->inode->private;
    struct pseudo_place found_place = {.key = place->key, .is_setting = place->is_setting};
    struct pseudo_node *child;
    bool own = true;

    for (size_t i = 0; (child = own_child(place->node, i)); i++)
        if (strlen(child->name) == length && memcmp(child->name, name, length) == 0)
            break;
    if (!child) {
        char text[NAME_LENGTH_MAXIMUM + 1];
        if (!place->node->find)
            return -ENOENT;
        memcpy(text, name, length);
        text[length] = '\0';
        int error = place->node->find(&place->key, text, &found_place.key, &child);
        if (error)
            return error;
        own = false;
    }
    found_place.node = child;
    found_place.is_setting |= child->is_setting;
    struct inode *inode = pseudo_inode_create(directory->inode->file_system, &found_place,
                                              child_number(directory->inode, name, length));
    if (!inode)
        return -ENOMEM;
    struct dentry *dentry = dentry_create(directory, name, length, inode);
    inode_release(inode);
    if (!dentry)
        return -ENOMEM;
    static const struct pseudo_key nothing;
    if (own && S_ISDIR(child->mode) && memcmp(&found_place.key, &nothing, sizeof(nothing)) == 0) {
        keep_in_tree(directory, &dentry);
    } else {
        spinlock_acquire(&tree_lock);
        dentry->linked = true; /* it has a name, though not in the tree */
        spinlock_release(&tree_lock);
    }
    *found = dentry;
    return 0;
}

static int pseudo_iterate(struct file *file, struct directory_sink *sink)
{
    const struct pseudo_place *place = file->inode->private;
    struct pseudo_node *child;
    int64_t first = 2; /* behind the dots */

    if (!directory_give_dots(file, sink))
        return 0;
    while ((child = own_child(place->node, (size_t)(file->offset - first)))) {
        size_t length = strlen(child->name);
        if (!sink->entry(sink, child->name, length, child_number(file->inode, child->name, length),
                         child->mode & S_IFMT, file->offset + 1))
            return 0;
        file->offset++;
    }
    if (!place->node->next)
        return 0;
    while (own_child(place->node, (size_t)(first - 2)))
        first++;
    for (;;) {
        struct pseudo_name name;
        uint64_t position = (uint64_t)(file->offset - first);
        if (!place->node->next(&place->key, &position, &name))
            return 0;
        size_t length = strlen(name.text);
        if (!sink->entry(sink, name.text, length, child_number(file->inode, name.text, length),
                         name.type & S_IFMT, first + (int64_t)position))
            return 0;
        file->offset = first + (int64_t)position;
        thread_preemption_point();
    }
}

static int pseudo_create(struct dentry *directory, const char *name, size_t length,
                         const struct creation *creation, struct dentry **created)
{
    const struct pseudo_place *place = directory->inode->private;
    char text[NAME_LENGTH_MAXIMUM + 1];

    if (!S_ISREG(creation->mode))
        return -EPERM;
    memcpy(text, name, length);
    text[length] = '\0';
    int error = place->node->create(&place->key, text);
    return error ? error : pseudo_lookup(directory, name, length, created);
}

static int pseudo_remove(struct dentry *directory, struct dentry *victim)
{
    const struct pseudo_place *place = directory->inode->private;
    int error = place->node->remove(&place->key, victim->name);

    if (error)
        return error;
    spinlock_acquire(&tree_lock);
    victim->linked = false;
    spinlock_release(&tree_lock);
    return 0;
}

/* ---- links ---- */

ssize_t pseudo_link_text(char *buffer, size_t size, const char *target)
{
    size_t length = strlen(target) < size ? strlen(target) : size;

    memcpy(buffer, target, length);
    return (ssize_t)length;
}

static ssize_t pseudo_read_link(struct inode *inode, char *buffer, size_t size)
{
    const struct pseudo_place *place = inode->private;
    struct path target;

    if (place->node->text)
        return pseudo_link_text(buffer, size, place->node->text);
    if (place->node->read_link)
        return place->node->read_link(&place->key, buffer, size);
    /* A magic link without a text of its own shows where it leads. */
    int error = place->node->follow(&place->key, &target);
    if (error)
        return error;
    char *text = heap_allocate(PATH_SIZE_MAXIMUM);
    ssize_t length = -ENOMEM;
    if (text)
        length = path_describe(&target, NULL, true, text, PATH_SIZE_MAXIMUM);
    path_release(&target);
    if (length > (ssize_t)size)
        length = (ssize_t)size;
    if (length > 0)
        memcpy(buffer, text, (size_t)length);
    heap_free(text);
    return length;
}

static int pseudo_follow(struct inode *inode, struct path *target)
{
    const struct pseudo_place *place = inode->private;
    return place->node->follow(&place->key, target);
}

/* What all kinds have in common. */
#define PSEUDO_INODE                                                                               \
    .forbid = pseudo_forbid, .forbid_change = pseudo_forbid_change, .refresh = pseudo_refresh,     \
    .destroy = pseudo_destroy
static const struct inode_operations directory_inode = {
    .lookup = pseudo_lookup, .permission = pseudo_permission, PSEUDO_INODE};
static const struct inode_operations changing_inode = {
    .lookup = pseudo_lookup, .create = pseudo_create, .remove = pseudo_remove, PSEUDO_INODE};
static const struct inode_operations file_inode = {PSEUDO_INODE};
static const struct inode_operations link_inode = {.read_link = pseudo_read_link, PSEUDO_INODE};
static const struct inode_operations magic_inode = {
    .read_link = pseudo_read_link, .follow = pseudo_follow, PSEUDO_INODE};

/* ---- open files ---- */

const struct pseudo_node *pseudo_directory_node(const struct file *file)
{
    if (file->inode->operations != &directory_inode && file->inode->operations != &changing_inode)
        return NULL;
    const struct pseudo_place *place = file->inode->private;
    return place->node;
}

const struct pseudo_key *pseudo_file_key(const struct file *file)
{
    const struct pseudo_place *place = file->inode->private;
    return &place->key;
}

/* The directories of /proc and /sys have a size, of 0, and no others (generic_file_llseek). */
static int64_t pseudo_directory_seek(struct file *file, int64_t offset, int whence)
{
    return file->inode->file_system->last_offset ? file_seek_size(file, offset, whence)
                                                 : directory_seek(file, offset, whence);
}

static int pseudo_directory_synchronise(struct file *file, bool data_only)
{
    (void)data_only;
    return file->inode->file_system->last_offset ? -EINVAL : 0;
}

static const struct file_operations pseudo_directory_operations = {
    .iterate = pseudo_iterate,
    .seek = pseudo_directory_seek,
    .synchronise = pseudo_directory_synchronise,
};

/* ---- boot ---- */

static int pseudo_create_root(struct file_system *file_system, struct pseudo_node *node)
{
    struct pseudo_place place = {.node = node};

    file_system_begin(file_system);
    struct inode *inode = pseudo_inode_create(file_system, &place, 1);
    if (!inode)
        return -ENOMEM;
    file_system->root = dentry_create(NULL, "", 0, inode);
    inode_release(inode);
    return file_system->root ? 0 : -ENOMEM;
}

/* ---- other rooms' trees ---- */

static struct file_system trees[3]; /* devpts, efivarfs, securityfs; written at boot */
static struct file_system_type tree_types[array_length(trees)];
static size_t tree_count;

static struct file_system *tree_find(const char *type)
{
    for (size_t i = 0; i < tree_count; i++)
        if (strcmp(trees[i].type, type) == 0)
            return &trees[i];
    return strcmp(type, "proc") == 0 ? &proc : &sys;
}

static int tree_mount(const struct mount_request *request, struct file_system **result)
{
    struct file_system *tree = tree_find(request->type);

    if (tree->first_mounted && !__atomic_load_n(&tree->mount_count, __ATOMIC_RELAXED))
        tree->first_mounted();
    file_system_reference(tree);
    *result = tree;
    return 0;
}

int pseudo_tree_add(const char *type, uint32_t magic, struct pseudo_node *root,
                    void (*first_mounted)(void))
{
    if (tree_count == array_length(trees))
        return -ENOMEM;
    struct file_system *tree = &trees[tree_count];

    *tree = (struct file_system){.type = type,
                                 .magic = magic,
                                 .block_size = magic == DEVPTS_SUPER_MAGIC ? 1024 : 0,
                                 .first_mounted = first_mounted};
    int error = pseudo_create_root(tree, root);
    if (error)
        return error;
    tree_types[tree_count] = (struct file_system_type){.name = type, .mount = tree_mount};
    file_system_type_add(&tree_types[tree_count++]);
    return 0;
}

int pseudo_initialize(void)
{
    static struct file_system_type types[] = {{.name = "proc", .mount = tree_mount},
                                              {.name = "sysfs", .mount = tree_mount}};

    for (size_t i = 0; i < array_length(types); i++)
        file_system_type_add(&types[i]);
    int error = pseudo_create_root(&proc, &proc_root);
    return error ? error : pseudo_create_root(&sys, &sys_root);
}
