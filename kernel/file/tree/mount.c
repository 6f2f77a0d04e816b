/* mount.c: trees laid over each other. */
#include "file/tree/mount.h"

#include "file/tree/dentry.h"
#include "library/string.h"
#include "memory/heap.h"

struct mount *root_mount;
static TAILQ_HEAD(mount_list, mount) mounts = TAILQ_HEAD_INITIALIZER(mounts); /* tree_lock */
static uint32_t next_id = 1;                                                  /* atomic */

struct mount *mount_create(struct file_system *file_system, struct dentry *root, const char *source,
                           uint32_t flags)
{
    struct mount *mount = heap_allocate_zeroed(sizeof(*mount));
    char *text = heap_copy_string(source);
    if (!mount || !text) {
        heap_free(mount);
        heap_free(text);
        return NULL;
    }
    mount->references = 1;
    mount->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
    mount->file_system = file_system;
    file_system_reference(file_system);
    __atomic_fetch_add(&file_system->mount_count, 1, __ATOMIC_RELAXED);
    mount->root = root;
    dentry_reference(root);
    mount->flags = flags;
    mount->source = text;
    return mount;
}

void file_system_unmounted(struct file_system *file_system)
{
    if (file_system->operations && file_system->operations->unmounted)
        file_system->operations->unmounted(file_system);
}

void mount_release(struct mount *mount)
{
    if (__atomic_sub_fetch(&mount->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    struct file_system *file_system = mount->file_system;
    dentry_release(mount->root);
    if (__atomic_sub_fetch(&file_system->mount_count, 1, __ATOMIC_ACQ_REL) == 0)
        file_system_unmounted(file_system);
    file_system_release(file_system);
    heap_free(mount->source);
    heap_free(mount);
}

struct mount *mount_find(const struct mount *parent, const struct dentry *place)
{
    struct mount *mount;

    TAILQ_FOREACH_REVERSE(mount, &mounts, mount_list, link)
    if (mount->parent == parent && mount->place == place)
        return mount;
    return NULL;
}

struct mount *mount_child(const struct mount *parent)
{
    struct mount *mount;

    TAILQ_FOREACH(mount, &mounts, link)
    if (mount->parent == parent)
        return mount;
    return NULL;
}

struct mount *mount_orphan(void)
{
    struct mount *mount;

    TAILQ_FOREACH(mount, &mounts, link)
    if (mount->parent && mount->parent != root_mount && !mount->parent->parent)
        return mount;
    return NULL;
}

void mount_enter(struct path *path)
{
    while (path->dentry->mounts) {
        struct mount *mount = mount_find(path->mount, path->dentry);
        if (!mount)
            return;
        path->mount = mount;
        path->dentry = mount->root;
    }
}

void path_enter_mounts(struct path *path)
{
    if (!__atomic_load_n(&path->dentry->mounts, __ATOMIC_RELAXED))
        return;
    struct path old = *path;
    spinlock_acquire(&tree_lock);
    mount_enter(path);
    path_reference(path);
    spinlock_release(&tree_lock);
    path_release(&old);
}

void mount_attach(struct mount *mount, const struct path *place)
{
    if (place) {
        path_reference(place);
        mount->parent = place->mount;
        mount->place = place->dentry;
        mount->place->mounts++;
    }
    mount_reference(mount);
    TAILQ_INSERT_TAIL(&mounts, mount, link);
}

void mount_detach(struct mount *mount, struct path *place)
{
    *place = (struct path){mount->parent, mount->place};
    mount->place->mounts--;
    mount->parent = NULL;
    mount->place = NULL;
    TAILQ_REMOVE(&mounts, mount, link);
}

void mount_attach_root(struct mount *mount)
{
    spinlock_acquire(&tree_lock);
    mount_attach(mount, NULL);
    spinlock_release(&tree_lock);
    root_mount = mount;
}

void mount_for_each(int (*visit)(struct mount *mount, void *context), void *context)
{
    uint32_t last = 0;

    for (;;) {
        struct mount *mount;
        spinlock_acquire(&tree_lock);
        TAILQ_FOREACH(mount, &mounts, link)
        if (mount->id > last)
            break;
        if (mount)
            mount_reference(mount);
        spinlock_release(&tree_lock);
        if (!mount)
            return;
        last = mount->id;
        int stop = visit(mount, context);
        mount_release(mount);
        if (stop)
            return;
    }
}
