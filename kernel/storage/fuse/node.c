/* node.c: what a server's names and files are here: looked up, made, changed, forgotten. */
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fs.h>
#include <linux/limits.h>

#include "file/ram/ram.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "storage/fuse/fuse.h"

static struct spinlock nodes_lock = SPINLOCK_INITIALIZER;
static RB_HEAD(fuse_nodes, fuse_node) nodes; /* of all connections; nodes_lock */

static int node_compare(const struct fuse_node *left, const struct fuse_node *right)
{
    if (left->connection != right->connection)
        return left->connection < right->connection ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}
RB_PROTOTYPE(fuse_nodes, fuse_node, link, node_compare)
RB_GENERATE(fuse_nodes, fuse_node, link, node_compare)

/* ---- attributes ---- */

uint64_t fuse_version(struct fuse_node *node)
{
    spinlock_acquire(&node->lock);
    uint64_t version = node->version;
    spinlock_release(&node->lock);
    return version;
}

void fuse_version_raise(struct fuse_node *node)
{
    spinlock_acquire(&node->lock);
    node->version++;
    spinlock_release(&node->lock);
}

void fuse_attributes_expire(struct inode *inode)
{
    struct fuse_node *node = fuse_node(inode);

    spinlock_acquire(&node->lock);
    node->valid_until = 0;
    spinlock_release(&node->lock);
}

static bool times_equal(struct file_time left, struct file_time right)
{
    return left.seconds == right.seconds && left.nanoseconds == right.nanoseconds;
}

void fuse_attributes_note(struct inode *inode, const struct fuse_attributes *from, uint64_t version)
{
    struct fuse_node *node = fuse_node(inode);
    const struct file_time modified = {from->modified, from->modified_nanoseconds};

    spinlock_acquire(&node->lock);
    inode_attributes_store(inode,
                           (struct inode_attributes){(inode->mode & S_IFMT) | (from->mode & 07777),
                                                     from->user, from->group});
    __atomic_store_n(&inode->links, from->links, __ATOMIC_RELAXED);
    file_time_set(&inode->accessed, (struct file_time){from->accessed, from->accessed_nanoseconds});
    file_time_set(&inode->modified, modified);
    file_time_set(&inode->changed, (struct file_time){from->changed, from->changed_nanoseconds});
    node->blocks = from->blocks;
    node->block_size = from->block_size;
    node->valid_until = fuse_time_until(from->valid);
    bool stale = version && version != node->version;
    bool changed = node->modified.seconds && !times_equal(node->modified, modified);
    if (!stale)
        node->modified = modified;
    spinlock_release(&node->lock);
    if (stale)
        return;
    if (!S_ISREG(inode->mode)) {
        __atomic_store_n(&inode->cache.size, from->size, __ATOMIC_RELAXED);
        return;
    }
    bool other = from->size != inode_size(inode);
    backed_size_set(inode, from->size);
    if ((changed || other) && version &&
        fuse_connection_of(inode)->terms.flags & FUSE_AUTO_INVAL_DATA)
        page_cache_drop(&inode->cache, 0, UINT64_MAX);
}

/* Asks, whatever is known. */
static int attributes_ask(struct inode *inode)
{
    struct fuse_node *node = fuse_node(inode);
    struct fuse_getattr_in in = {0};
    struct fuse_attributes attributes;
    char answer[sizeof(struct fuse_attr_out)];
    uint64_t version = fuse_version(node);
    struct fuse_call call = {.operation = FUSE_GETATTR,
                             .node = node->number,
                             .arguments = {{&in, sizeof(in)}},
                             .answer = answer,
                             .answer_size = sizeof(answer),
                             .whole = true};

    /* A file that has no name any more is known to many servers by who has it open. */
    struct fuse_handle *handle = S_ISREG(inode->mode) ? fuse_handle_writing(node) : NULL;
    if (handle) {
        in.getattr_flags = FUSE_GETATTR_FH;
        in.fh = handle->number;
    }
    int error = fuse_call(node->connection, &call);
    if (!error)
        error = fuse_attributes_parse(answer, call.answer_size, &attributes);
    if (!error && (attributes.mode ^ inode->mode) & S_IFMT)
        error = -EIO;
    if (!error)
        fuse_attributes_note(inode, &attributes, version);
    fuse_handle_release(handle);
    return error;
}

static int node_refresh(struct inode *inode, struct inode_attributes *attributes)
{
    struct fuse_node *node = fuse_node(inode);

    int error = fuse_may_use(fuse_of(inode), credentials_current());
    if (error)
        return error;
    spinlock_acquire(&node->lock);
    bool valid = clock_now() < node->valid_until;
    spinlock_release(&node->lock);
    if (!valid)
        error = attributes_ask(inode);
    *attributes = inode_attributes(inode);
    return error;
}

static void node_status(struct inode *inode, struct stat *result)
{
    struct fuse_node *node = fuse_node(inode);

    spinlock_acquire(&node->lock);
    result->st_blocks = (long)node->blocks;
    result->st_blksize = node->block_size;
    spinlock_release(&node->lock);
}

static int node_access(struct inode *inode, unsigned permission)
{
    const struct fuse_access_in in = {.mask = permission & 7};
    struct fuse_call call = {.operation = FUSE_ACCESS,
                             .node = fuse_node(inode)->number,
                             .arguments = {{&in, sizeof(in)}}};

    int error = fuse_call(fuse_connection_of(inode), &call);
    return error == -ENOSYS ? 0 : error;
}

/* Documentation/filesystems/fuse.rst, "default_permissions": without it the server decides, call by
   call; only access(2) and chdir(2) ask for nothing else. */
static int node_permission(struct inode *inode, unsigned permission,
                           const struct credentials *credentials)
{
    struct fuse_file_system *fuse = fuse_of(inode);
    struct inode_attributes attributes;

    int error = fuse_may_use(fuse, credentials);
    if (error)
        return error;
    if (fuse->options.default_permissions) {
        error = node_refresh(inode, &attributes);
        return error ? error : inode_attributes_permission(&attributes, permission, credentials);
    }
    if (permission & PERMISSION_ASKED)
        return node_access(inode, permission);
    if (permission & PERMISSION_EXECUTE && S_ISREG(inode->mode)) {
        error = node_refresh(inode, &attributes);
        if (!error && !(attributes.mode & 0111))
            error = -EACCES;
    }
    return error;
}

static int node_change(struct inode *inode, const struct attribute_change *change)
{
    struct fuse_node *node = fuse_node(inode);
    struct fuse_setattr_in in = {
        .size = change->size,
        .mode = change->attributes.mode,
        .uid = change->attributes.user,
        .gid = change->attributes.group,
        .atime = (uint64_t)change->accessed.seconds,
        .atimensec = change->accessed.nanoseconds,
        .mtime = (uint64_t)change->modified.seconds,
        .mtimensec = change->modified.nanoseconds,
    };
    static const struct {
        unsigned change, valid;
    } bits[] = {
        {CHANGE_MODE, FATTR_MODE},
        {CHANGE_USER, FATTR_UID},
        {CHANGE_GROUP, FATTR_GID},
        {CHANGE_SIZE, FATTR_SIZE},
        {CHANGE_ACCESSED, FATTR_ATIME},
        {CHANGE_MODIFIED, FATTR_MTIME},
        {CHANGE_ACCESSED_NOW, FATTR_ATIME_NOW},
        {CHANGE_MODIFIED_NOW, FATTR_MTIME_NOW},
    };
    struct fuse_attributes attributes;
    char answer[sizeof(struct fuse_attr_out)];
    struct fuse_call call = {.operation = FUSE_SETATTR,
                             .node = node->number,
                             .arguments = {{&in, sizeof(in)}},
                             .answer = answer,
                             .answer_size = sizeof(answer),
                             .whole = true};

    unsigned which = change->which;
    if (which & CHANGE_SIZE) /* the server sets the times itself (fuse_do_setattr on Linux) */
        which &= ~(unsigned)(CHANGE_MODIFIED | CHANGE_MODIFIED_NOW);
    for (size_t i = 0; i < array_length(bits); i++)
        if (which & bits[i].change)
            in.valid |= bits[i].valid;
    struct fuse_handle *handle =
        change->file && change->file->private ? change->file->private : NULL;
    if (handle) {
        in.valid |= FATTR_FH;
        in.fh = handle->number;
    }
    if (which & CHANGE_SIZE) {
        fuse_version_raise(node);
        backed_write_back(inode, change->file);
    }
    int error = fuse_call(node->connection, &call);
    if (!error)
        error = fuse_attributes_parse(answer, call.answer_size, &attributes);
    if (!error && (attributes.mode ^ inode->mode) & S_IFMT)
        error = -EIO;
    if (!error)
        fuse_attributes_note(inode, &attributes, 0);
    else
        fuse_attributes_expire(inode);
    return error;
}

/* ---- nodes ---- */

/* The inode of a number, with a reference; NULL. nodes_lock held. */
static struct fuse_node *find(struct fuse_connection *connection, uint64_t number)
{
    struct fuse_node key = {.connection = connection, .number = number};
    return RB_FIND(fuse_nodes, &nodes, &key);
}

struct inode *fuse_inode_find(struct fuse_connection *connection, uint64_t number)
{
    spinlock_acquire(&nodes_lock);
    struct fuse_node *node = find(connection, number);
    struct inode *inode = node && inode_reference_found(node->inode) ? node->inode : NULL;
    spinlock_release(&nodes_lock);
    return inode;
}

struct inode *fuse_inode_next(struct fuse_connection *connection, uint64_t *number)
{
    struct fuse_node key = {.connection = connection, .number = *number + 1};

    if (*number == UINT64_MAX)
        return NULL;
    spinlock_acquire(&nodes_lock);
    struct fuse_node *node = RB_NFIND(fuse_nodes, &nodes, &key);
    while (node && node->connection == connection && !inode_reference_found(node->inode))
        node = RB_NEXT(fuse_nodes, &nodes, node); /* few are about to end */
    bool there = node && node->connection == connection;
    *number = there ? node->number : UINT64_MAX;
    spinlock_release(&nodes_lock);
    return there ? node->inode : NULL;
}

void fuse_node_release(struct fuse_node *node)
{
    struct fuse_connection *connection = node->connection;

    if (__atomic_sub_fetch(&node->users, 1, __ATOMIC_ACQ_REL))
        return;
    spinlock_acquire(&connection->lock);
    bool wanted = !connection->ended && node->lookups;
    if (wanted)
        TAILQ_INSERT_TAIL(&connection->forgotten, node, forgotten_link);
    spinlock_release(&connection->lock);
    if (wanted)
        wait_queue_wake(&connection->server);
    else
        heap_free(node);
}

void fuse_lookup_forget(struct fuse_file_system *fuse, uint64_t number)
{
    struct fuse_request *request =
        fuse_request_create(FUSE_FORGET, number, sizeof(struct fuse_forget_in), 0);

    if (!request)
        return; /* the server keeps it until its end */
    *(struct fuse_forget_in *)fuse_request_arguments(request) = (struct fuse_forget_in){1};
    request->unanswered = true;
    fuse_request_send(fuse->connection, request);
}

static void node_destroy(struct inode *inode)
{
    struct fuse_node *node = fuse_node(inode);

    if (S_ISREG(inode->mode))
        backed_inode_end(inode);
    fuse_handle_release(node->created);
    spinlock_acquire(&nodes_lock);
    /* Another inode may have come in its place meanwhile, with a node of its own. */
    if (find(node->connection, node->number) == node)
        RB_REMOVE(fuse_nodes, &nodes, node);
    spinlock_release(&nodes_lock);
    fuse_node_release(node);
}

static struct inode *inode_new(struct fuse_file_system *fuse, const struct fuse_entry *entry)
{
    const struct fuse_attributes *attributes = &entry->attributes;
    uint32_t mode = attributes->mode;
    struct fuse_node *node = heap_allocate_zeroed(sizeof(*node));
    struct inode *inode = NULL;

    if (node)
        inode = inode_create(&fuse->file_system, mode,
                             S_ISDIR(mode)   ? &fuse_directory_inode
                             : S_ISLNK(mode) ? &fuse_link_inode
                                             : &fuse_file_inode,
                             S_ISREG(mode)   ? &fuse_file_operations
                             : S_ISDIR(mode) ? &fuse_directory_operations
                                             : file_operations_for(mode));
    if (!inode) {
        heap_free(node);
        return NULL;
    }
    spinlock_initialize(&node->lock, LOCK_UNRANKED);
    LIST_INIT(&node->writers);
    node->users = 1;
    node->inode = inode;
    node->connection = fuse->connection;
    node->number = entry->node;
    node->generation = entry->generation;
    node->version = 1;
    inode->private = node;
    inode->number = attributes->number;
    inode->device = attributes->device;
    if (S_ISREG(mode))
        backed_inode_begin(inode, &fuse->account->dirty_pages);
    fuse_attributes_note(inode, attributes, 0);
    return inode;
}

int fuse_inode_get(struct fuse_file_system *fuse, const struct fuse_entry *entry,
                   struct inode **result)
{
    struct inode *fresh = NULL;

    for (;;) {
        spinlock_acquire(&nodes_lock);
        struct fuse_node *node = find(fuse->connection, entry->node);
        bool same = node && node->generation == entry->generation &&
                    !((node->inode->mode ^ entry->attributes.mode) & S_IFMT);
        struct inode *found = same && inode_reference_found(node->inode) ? node->inode : NULL;
        if (found) {
            node->lookups++;
        } else if (fresh) {
            /* What is there is another file, or at its end: its place goes to the new one. */
            if (node)
                RB_REMOVE(fuse_nodes, &nodes, node);
            fuse_node(fresh)->lookups = 1;
            RB_INSERT(fuse_nodes, &nodes, fuse_node(fresh));
        }
        spinlock_release(&nodes_lock);
        if (found && fresh)
            inode_release(fresh); /* its count of lookups is 0: nothing is told */
        if (found || fresh) {
            *result = found ? found : fresh;
            if (found)
                fuse_attributes_note(found, &entry->attributes, fuse_version(fuse_node(found)));
            return 0;
        }
        fresh = inode_new(fuse, entry);
        if (!fresh) {
            fuse_lookup_forget(fuse, entry->node);
            return -ENOMEM;
        }
    }
}

struct inode *fuse_root_create(struct fuse_file_system *fuse)
{
    const struct fuse_entry entry = {
        .node = FUSE_ROOT_ID,
        .attributes = {.number = FUSE_ROOT_ID,
                       .mode = fuse->options.root_mode,
                       .links = 2,
                       .block_size = PAGE_SIZE},
    };
    struct inode *root = inode_new(fuse, &entry);

    if (!root)
        return NULL;
    spinlock_acquire(&nodes_lock);
    RB_INSERT(fuse_nodes, &nodes, fuse_node(root));
    spinlock_release(&nodes_lock);
    return root;
}

/* ---- names ---- */

/* A name for the server, NUL-terminated. */
struct server_name {
    char text[NAME_LENGTH_MAXIMUM + 1];
    size_t size; /* with the NUL */
};

static void name_make(struct server_name *to, const char *name, size_t length)
{
    memcpy(to->text, name, length);
    to->text[length] = '\0';
    to->size = length + 1;
}

/* Makes of the server's answer a dentry. */
static int entry_enter(struct dentry *directory, const char *name, size_t length,
                       const struct fuse_entry *entry, struct dentry **found)
{
    struct inode *inode;

    int error = fuse_inode_get(fuse_of(directory->inode), entry, &inode);
    if (error)
        return error;
    error = cached_name_enter(directory, name, length, inode, fuse_time_until(entry->valid), found);
    inode_release(inode);
    return error;
}

/* Asks for one; entry->node 0: the server says that there is none. */
static int lookup_ask(struct inode *directory, const char *name, size_t length,
                      struct fuse_entry *entry)
{
    struct server_name text;
    char answer[sizeof(struct fuse_entry_out)];

    name_make(&text, name, length);
    struct fuse_call call = {.operation = FUSE_LOOKUP,
                             .node = fuse_node(directory)->number,
                             .arguments = {{text.text, text.size}},
                             .answer = answer,
                             .answer_size = sizeof(answer),
                             .whole = true};
    int error = fuse_may_use(fuse_of(directory), credentials_current());
    if (!error)
        error = fuse_call(fuse_connection_of(directory), &call);
    return error ? error : fuse_entry_parse(answer, call.answer_size, entry);
}

static int node_lookup(struct dentry *directory, const char *name, size_t length,
                       struct dentry **found)
{
    struct fuse_entry entry;

    int error = lookup_ask(directory->inode, name, length, &entry);
    if (error)
        return error;
    return entry.node ? entry_enter(directory, name, length, &entry, found) : -ENOENT;
}

/* Does the entry still mean this dentry's file? The server's count for it is taken over. */
static int entry_is(struct dentry *dentry, const struct fuse_entry *entry)
{
    struct inode *inode;

    if (!entry->node)
        return 0;
    int error = fuse_inode_get(fuse_of(dentry->inode), entry, &inode);
    if (error)
        return error;
    bool same = inode == dentry->inode;
    if (same)
        cached_name_refresh(dentry, fuse_time_until(entry->valid));
    inode_release(inode);
    return same;
}

static int node_revalidate(struct dentry *dentry)
{
    char name[NAME_LENGTH_MAXIMUM + 1];
    struct fuse_entry entry;

    struct dentry *parent = dentry_parent(dentry);
    uint64_t expired = __atomic_load_n(&fuse_node(parent->inode)->names_expired, __ATOMIC_RELAXED);
    int valid =
        cached_name_fresh(dentry) && __atomic_load_n(&dentry->asked, __ATOMIC_RELAXED) > expired;
    if (valid) {
        valid = fuse_may_use(fuse_of(dentry->inode), credentials_current());
        valid = valid ? valid : 1;
    } else {
        dentry_name_copy(dentry, name, sizeof(name));
        valid = lookup_ask(parent->inode, name, strlen(name), &entry);
        valid = valid == -ENOENT ? 0 : valid ? valid : entry_is(dentry, &entry);
    }
    dentry_release(parent);
    return valid;
}

/* ---- making ---- */

/* Asks for something that answers with an entry. */
static int create_ask(struct inode *directory, struct fuse_call *call, uint32_t type,
                      struct fuse_entry *entry)
{
    char answer[sizeof(struct fuse_entry_out)];

    call->node = fuse_node(directory)->number;
    call->answer = answer;
    call->answer_size = sizeof(answer);
    call->whole = true;
    int error = fuse_call(fuse_connection_of(directory), call);
    fuse_attributes_expire(directory);
    if (!error)
        error = fuse_entry_parse(answer, call->answer_size, entry);
    if (!error && (!entry->node || ((entry->attributes.mode & S_IFMT) != type))) {
        if (entry->node)
            fuse_lookup_forget(fuse_of(directory), entry->node);
        error = -EIO;
    }
    return error;
}

/* FUSE_CREATE: makes and opens it. */
static int create_opened(struct dentry *directory, const struct server_name *name,
                         const struct creation *creation, struct dentry **created)
{
    struct fuse_file_system *fuse = fuse_of(directory->inode);
    const struct fuse_create_in in = {
        .flags = creation->open_flags & ~(uint32_t)(O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC),
        .mode = creation->mode,
        .umask = creation->umask,
    };
    struct {
        char entry[sizeof(struct fuse_entry_out)];
        struct fuse_open_out open;
    } answer;
    struct fuse_call call = {.operation = FUSE_CREATE,
                             .node = fuse_node(directory->inode)->number,
                             .arguments = {{&in, sizeof(in)}, {name->text, name->size}},
                             .answer = &answer,
                             .answer_size = sizeof(answer),
                             .whole = true};
    struct fuse_entry entry;

    int error = fuse_releases_await(fuse->connection);
    if (!error)
        error = fuse_call(fuse->connection, &call);
    fuse_attributes_expire(directory->inode);
    if (!error)
        error = fuse_entry_parse(answer.entry, sizeof(answer.entry), &entry);
    if (!error && (!entry.node || !S_ISREG(entry.attributes.mode)))
        error = -EIO;
    if (!error)
        error = entry_enter(directory, name->text, name->size - 1, &entry, created);
    if (!error) {
        error = fuse_created_keep(fuse_node((*created)->inode), &answer.open, creation->open_flags);
        if (error)
            dentry_release(*created);
    }
    return error;
}

static int node_create(struct dentry *directory, const char *name, size_t length,
                       const struct creation *creation, struct dentry **created)
{
    struct server_name text;
    struct fuse_entry entry;
    uint32_t type = creation->mode & S_IFMT;
    int error = -ENOSYS;

    name_make(&text, name, length);
    if (creation->open_flags && S_ISREG(type))
        error = create_opened(directory, &text, creation, created);
    if (error != -ENOSYS)
        return error;
    const struct fuse_mkdir_in directory_in = {creation->mode & 07777, creation->umask};
    const struct fuse_mknod_in node_in = {creation->mode, (uint32_t)creation->device,
                                          creation->umask, 0};
    struct fuse_call call = {.operation = FUSE_MKNOD,
                             .arguments = {{&node_in, sizeof(node_in)}, {text.text, text.size}}};
    if (S_ISDIR(type)) {
        call.operation = FUSE_MKDIR;
        call.arguments[0].bytes = &directory_in;
        call.arguments[0].size = sizeof(directory_in);
    } else if (S_ISLNK(type)) {
        call.operation = FUSE_SYMLINK;
        call.arguments[0].bytes = text.text;
        call.arguments[0].size = text.size;
        call.arguments[1].bytes = creation->link_target;
        call.arguments[1].size = strlen(creation->link_target) + 1;
    }
    error = create_ask(directory->inode, &call, type, &entry);
    if (error == -ENOSYS)
        error = -EPERM; /* fuse_mknod, fuse_mkdir on Linux say ENOSYS; nobody looks for that */
    return error ? error : entry_enter(directory, name, length, &entry, created);
}

static int node_link(struct inode *inode, struct dentry *directory, const char *name, size_t length)
{
    const struct fuse_link_in in = {fuse_node(inode)->number};
    struct server_name text;
    struct fuse_entry entry;
    struct dentry *created;

    name_make(&text, name, length);
    struct fuse_call call = {.operation = FUSE_LINK,
                             .arguments = {{&in, sizeof(in)}, {text.text, text.size}}};
    int error = create_ask(directory->inode, &call, inode->mode & S_IFMT, &entry);
    fuse_attributes_expire(inode);
    if (error)
        return error == -ENOSYS ? -EPERM : error;
    error = entry_enter(directory, name, length, &entry, &created);
    if (!error)
        dentry_release(created);
    return error;
}

static int node_remove(struct dentry *directory, struct dentry *victim)
{
    struct server_name text;

    name_make(&text, victim->name, victim->name_length); /* the directory's lock is held */
    struct fuse_call call = {.operation = S_ISDIR(victim->inode->mode) ? FUSE_RMDIR : FUSE_UNLINK,
                             .node = fuse_node(directory->inode)->number,
                             .arguments = {{text.text, text.size}}};
    int error = fuse_call(fuse_connection_of(directory->inode), &call);
    fuse_attributes_expire(directory->inode);
    fuse_attributes_expire(victim->inode);
    if (!error)
        cached_name_drop(victim);
    else if (error == -EINTR) /* it may be done, or not */
        cached_name_refresh(victim, 0);
    return error;
}

static int node_rename(struct dentry *source, struct dentry *directory, const char *name,
                       size_t length, struct dentry *target, unsigned flags)
{
    struct dentry *from = source->parent; /* its lock is held */
    const struct fuse_rename_in in = {fuse_node(directory->inode)->number};
    const struct fuse_rename2_in flagged = {fuse_node(directory->inode)->number, flags, 0};
    struct server_name old, new;

    name_make(&old, source->name, source->name_length);
    name_make(&new, name, length);
    struct fuse_call call = {
        .operation = flags ? FUSE_RENAME2 : FUSE_RENAME,
        .node = fuse_node(from->inode)->number,
        .arguments = {{&in, sizeof(in)}, {old.text, old.size}, {new.text, new.size}}};
    if (flags) {
        call.arguments[0].bytes = &flagged;
        call.arguments[0].size = sizeof(flagged);
    }
    int error = fuse_call(fuse_connection_of(from->inode), &call);
    if (error == -ENOSYS)
        error = -EINVAL;
    fuse_attributes_expire(from->inode);
    fuse_attributes_expire(directory->inode);
    fuse_attributes_expire(source->inode);
    if (target)
        fuse_attributes_expire(target->inode);
    if (!error)
        return cached_name_move(source, directory, name, length, target, flags);
    if (error == -EINTR) {
        cached_name_refresh(source, 0);
        if (target)
            cached_name_refresh(target, 0);
    }
    return error;
}

static ssize_t node_read_link(struct inode *inode, char *buffer, size_t size)
{
    struct fuse_call call = {.operation = FUSE_READLINK,
                             .node = fuse_node(inode)->number,
                             .answer = buffer,
                             .answer_size = size};

    int error = fuse_may_use(fuse_of(inode), credentials_current());
    if (!error)
        error = fuse_call(fuse_connection_of(inode), &call);
    if (error)
        return error;
    /* What lies behind a NUL nobody would see. */
    return (ssize_t)strnlen(buffer, call.answer_size);
}

/* ---- extended attributes ---- */

/* FUSE_GETXATTR and _LISTXATTR: with room for nothing they tell the size. */
static ssize_t attribute_ask(struct inode *inode, uint32_t operation, const char *name, void *value,
                             size_t size)
{
    const struct fuse_getxattr_in in = {.size = (uint32_t)size};
    struct fuse_getxattr_out out = {0};
    struct fuse_call call = {.operation = operation,
                             .node = fuse_node(inode)->number,
                             .arguments = {{&in, sizeof(in)}, {name, name ? strlen(name) + 1 : 0}},
                             .answer = size ? value : &out,
                             .answer_size = size ? size : sizeof(out),
                             .whole = !size};

    int error = fuse_may_use(fuse_of(inode), credentials_current());
    if (!error)
        error = fuse_call(fuse_connection_of(inode), &call);
    if (error)
        return error == -ENOSYS ? -EOPNOTSUPP : error;
    if (size)
        return (ssize_t)call.answer_size;
    return out.size <= XATTR_SIZE_MAX ? (ssize_t)out.size : XATTR_SIZE_MAX;
}

static ssize_t node_attribute_get(struct inode *inode, const char *name, void *value, size_t size)
{
    return attribute_ask(inode, FUSE_GETXATTR, name, value, size);
}

static ssize_t node_attribute_list(struct inode *inode, char *list, size_t size)
{
    ssize_t length = attribute_ask(inode, FUSE_LISTXATTR, NULL, list, size);

    if (length == -EOPNOTSUPP)
        return 0;
    /* Whole names, each with its NUL. */
    return length > 0 && size && list[length - 1] ? -EIO : length;
}

static int node_attribute_set(struct inode *inode, const char *name, const void *value, size_t size,
                              int flags)
{
    const struct fuse_setxattr_in in = {.size = (uint32_t)size, .flags = (uint32_t)flags};
    struct fuse_call call = {.operation = FUSE_SETXATTR,
                             .node = fuse_node(inode)->number,
                             /* Without FUSE_SETXATTR_EXT the structure is the old one. */
                             .arguments = {{&in, FUSE_COMPAT_SETXATTR_IN_SIZE},
                                           {name, strlen(name) + 1},
                                           {value, size}}};

    int error = fuse_call(fuse_connection_of(inode), &call);
    fuse_attributes_expire(inode);
    return error == -ENOSYS ? -EOPNOTSUPP : error;
}

static int node_attribute_remove(struct inode *inode, const char *name)
{
    struct fuse_call call = {.operation = FUSE_REMOVEXATTR,
                             .node = fuse_node(inode)->number,
                             .arguments = {{name, strlen(name) + 1}}};

    int error = fuse_call(fuse_connection_of(inode), &call);
    fuse_attributes_expire(inode);
    return error == -ENOSYS ? -EOPNOTSUPP : error;
}

#define NODE_OPERATIONS                                                                            \
    .refresh = node_refresh, .status = node_status, .permission = node_permission,                 \
    .change = node_change, .attribute_get = node_attribute_get,                                    \
    .attribute_list = node_attribute_list, .attribute_set = node_attribute_set,                    \
    .attribute_remove = node_attribute_remove, .destroy = node_destroy

const struct inode_operations fuse_directory_inode = {
    NODE_OPERATIONS,   .lookup = node_lookup, .revalidate = node_revalidate, .create = node_create,
    .link = node_link, .remove = node_remove, .rename = node_rename};
const struct inode_operations fuse_file_inode = {NODE_OPERATIONS, .read_pages = fuse_read_pages,
                                                 .write_pages = fuse_write_pages};
const struct inode_operations fuse_link_inode = {NODE_OPERATIONS, .read_link = node_read_link};
