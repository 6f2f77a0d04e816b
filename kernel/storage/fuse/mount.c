/* mount.c: from mount(2) with a server's descriptor to a file system, and its end. */
#include <asm/errno.h>
#include <asm/statfs.h>
#include <linux/magic.h>

#include "file/descriptor_table.h"
#include "file/pseudo.h"
#include "file/tree/file_system_type.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "storage/fuse/fuse.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546 /* fs/fuse/inode.c */
#endif

/* What is offered of the protocol. */
#define MINOR_OFFERED 34
#define OFFERED                                                                                    \
    (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA | FUSE_PARALLEL_DIROPS |             \
     FUSE_DO_READDIRPLUS | FUSE_MAX_PAGES | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT |       \
     FUSE_DONT_MASK | FUSE_EXPLICIT_INVAL_DATA)
#define READ_AHEAD 131072 /* bytes */

int fuse_may_use(const struct fuse_file_system *fuse, const struct credentials *credentials)
{
    const struct fuse_options *options = &fuse->options;

    if (options->allow_other)
        return 0;
    bool own =
        credentials->effective_user == options->user && credentials->saved_user == options->user &&
        credentials->real_user == options->user && credentials->effective_group == options->group &&
        credentials->saved_group == options->group && credentials->real_group == options->group;
    return own ? 0 : -EACCES;
}

/* ---- the beginning ---- */

static void init_finish(struct fuse_connection *connection, struct fuse_request *request)
{
    int error = request->error;

    if (!error)
        error =
            fuse_terms_parse(request->answer, request->answer_size, OFFERED, &connection->terms);
    if (error) {
        /* No server, or one of another protocol: nothing will come of it. */
        spinlock_acquire(&connection->lock);
        __atomic_store_n(&connection->ended, true, __ATOMIC_SEQ_CST);
        spinlock_release(&connection->lock);
        wait_queue_wake_all(&connection->server);
    } else {
        __atomic_store_n(&connection->ready, true, __ATOMIC_RELEASE);
    }
    wait_queue_wake_all(&connection->started);
}

static int init_send(struct fuse_connection *connection)
{
    struct fuse_request *request = fuse_request_create(FUSE_INIT, 0, sizeof(struct fuse_init_in),
                                                       sizeof(struct fuse_init_out));
    if (!request)
        return -ENOMEM;
    *(struct fuse_init_in *)fuse_request_arguments(request) = (struct fuse_init_in){
        .major = FUSE_KERNEL_VERSION,
        .minor = MINOR_OFFERED,
        .max_readahead = READ_AHEAD,
        .flags = OFFERED,
    };
    request->finish = init_finish;
    fuse_request_send(connection, request);
    return 0;
}

/* ---- the whole ---- */

static void fuse_unmounted(struct file_system *file_system)
{
    struct fuse_file_system *fuse = (struct fuse_file_system *)file_system;
    struct fuse_call call = {.operation = FUSE_DESTROY};

    cached_names_end(file_system);
    if (fuse->on_device && __atomic_load_n(&fuse->connection->ready, __ATOMIC_ACQUIRE))
        fuse_call(fuse->connection, &call);
    fuse_connection_end(fuse->connection);
}

static void fuse_end(struct file_system *file_system)
{
    struct fuse_file_system *fuse = (struct fuse_file_system *)file_system;

    if (fuse->connection) {
        fuse_connection_end(fuse->connection);
        spinlock_acquire(&fuse->connection->lock);
        fuse->connection->file_system = NULL;
        spinlock_release(&fuse->connection->lock);
        fuse_connection_release(fuse->connection);
    }
    user_account_release(fuse->account);
    heap_free(fuse);
}

static void fuse_abort(struct file_system *file_system)
{
    fuse_connection_end(((struct fuse_file_system *)file_system)->connection);
}

static int fuse_statistics(struct file_system *file_system, struct statfs *answer)
{
    struct fuse_file_system *fuse = (struct fuse_file_system *)file_system;
    struct fuse_statfs_out out = {0};
    struct fuse_call call = {
        .operation = FUSE_STATFS, .node = FUSE_ROOT_ID, .answer = &out, .answer_size = sizeof(out)};

    /* Who is not to use it is told nothing, as on Linux. */
    if (fuse_may_use(fuse, credentials_current())) {
        answer->f_bsize = answer->f_frsize = 0;
        answer->f_namelen = 0;
        return 0;
    }
    int error = fuse_call(fuse->connection, &call);
    if (error)
        return error;
    if (call.answer_size < FUSE_COMPAT_STATFS_SIZE)
        return -EIO;
    answer->f_bsize = out.st.bsize;
    answer->f_frsize = out.st.frsize;
    answer->f_blocks = (long)out.st.blocks;
    answer->f_bfree = (long)out.st.bfree;
    answer->f_bavail = (long)out.st.bavail;
    answer->f_files = (long)out.st.files;
    answer->f_ffree = (long)out.st.ffree;
    answer->f_namelen = out.st.namelen;
    return 0;
}

/*
 * sync(2), syncfs(2). A server that knows FUSE_SYNCFS is told by it; any other by the files that
 * are open for writing. Not asked is whom a user has mounted, as on Linux: whoever calls sync(2)
 * would wait for a stranger's program.
 */
static int fuse_synchronise(struct file_system *file_system)
{
    struct fuse_file_system *fuse = (struct fuse_file_system *)file_system;
    const struct fuse_syncfs_in in = {0};
    struct fuse_call call = {
        .operation = FUSE_SYNCFS, .node = FUSE_ROOT_ID, .arguments = {{&in, sizeof(in)}}};

    bool ready = __atomic_load_n(&fuse->connection->ready, __ATOMIC_ACQUIRE);
    if (fuse->options.user || !ready || fuse_connection_ended(fuse->connection))
        return 0;
    int error = fuse_files_synchronise(fuse->connection);
    int whole = error ? error : fuse_call(fuse->connection, &call);
    return whole == -ENOSYS ? 0 : whole;
}

/* As Linux shows them (fuse_show_options). */
static void fuse_describe(struct file_system *file_system, struct text *text)
{
    const struct fuse_file_system *fuse = (const struct fuse_file_system *)file_system;
    const struct fuse_options *options = &fuse->options;

    text_print(text, ",user_id=%u,group_id=%u", options->user, options->group);
    if (options->default_permissions)
        text_print(text, ",default_permissions");
    if (options->allow_other)
        text_print(text, ",allow_other");
    if (options->read_maximum != UINT32_MAX)
        text_print(text, ",max_read=%u", options->read_maximum);
    if (fuse->on_device && options->block_size != 512)
        text_print(text, ",blksize=%u", options->block_size);
}

static const struct file_system_operations fuse_operations = {
    .unmounted = fuse_unmounted,
    .end = fuse_end,
    .abort = fuse_abort,
    .statistics = fuse_statistics,
    .synchronise = fuse_synchronise,
    .describe = fuse_describe,
};

/* The connection, the root, the first request. */
static int fuse_start(struct fuse_file_system *fuse)
{
    struct file *file = descriptor_get(fuse->options.descriptor);
    if (!file)
        return -EINVAL;
    fuse->connection = fuse_device_connection(file, fuse);
    file_release(file);
    if (!fuse->connection)
        return -EINVAL;
    struct inode *root = fuse_root_create(fuse);
    if (!root)
        return -ENOMEM;
    fuse->file_system.root = dentry_create(NULL, "", 0, root);
    inode_release(root);
    return fuse->file_system.root ? init_send(fuse->connection) : -ENOMEM;
}

static int fuse_mount(const struct mount_request *request, struct file_system **result)
{
    size_t length = strlen(request->type) + 1;
    struct fuse_file_system *fuse = heap_allocate_zeroed(sizeof(*fuse) + length);

    if (!fuse)
        return -ENOMEM;
    file_system_begin(&fuse->file_system);
    fuse->file_system.operations = &fuse_operations;
    fuse->file_system.type = fuse->type;
    fuse->file_system.magic = FUSE_SUPER_MAGIC;
    fuse->file_system.names = &fuse->names;
    memcpy(fuse->type, request->type, length);
    fuse->on_device = strncmp(request->type, "fuseblk", 7) == 0;
    cached_names_initialize(&fuse->names);
    int error = fuse_options_parse(request->options, &fuse->options);
    if (!error && !S_ISDIR(fuse->options.root_mode))
        error = -EINVAL;
    if (!error) {
        fuse->account = user_account_get(fuse->options.user);
        error = fuse->account ? 0 : -ENOMEM;
    }
    if (!error)
        error = fuse_start(fuse);
    if (error) {
        if (fuse->file_system.root)
            cached_names_end(&fuse->file_system);
        file_system_release(&fuse->file_system);
        return error;
    }
    *result = &fuse->file_system;
    return 0;
}

int fuse_initialize(void)
{
    static struct file_system_type types[] = {
        {.name = "fuseblk", .on_device = true, .mount = fuse_mount},
        {.name = "fuse", .mount = fuse_mount},
    };

    for (size_t i = 0; i < array_length(types); i++)
        file_system_type_add(&types[i]);
    return fuse_device_initialize();
}
