/*
 * variables.c: efivarfs, a file for each of the firmware's variables, for efivar(1) and
 * efibootmgr(8): Linux's Documentation/filesystems/efivarfs.rst. A file holds four bytes of
 * attributes and the value; each write sets all of both. Files that firmware may not do without are
 * immutable until chattr(1).
 *
 * number[0] of a key is the variable's.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "firmware/programs/tables.h"
#include "firmware/programs/variables.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "proc/machine/machine.h"
#include "thread/thread.h"

/* No number is as large: so the position of a variable, newest first, is what is left of it. */
#define NUMBER_LIMIT (UINT64_C(1) << 40)

/* ---- the directory ---- */

static struct pseudo_node variable_node;

static int directory_find(const struct pseudo_key *key, const char *name,
                          struct pseudo_key *child_key, struct pseudo_node **child)
{
    struct variable variable;
    int error = variable_find(name, &variable);

    (void)key;
    if (error)
        return error;
    child_key->number[0] = variable.number;
    *child = &variable_node;
    return 0;
}

static bool directory_next(const struct pseudo_key *key, uint64_t *position,
                           struct pseudo_name *name)
{
    struct variable variable = {.number = NUMBER_LIMIT - *position};

    (void)key;
    while (variable_before(variable.number, &variable) == 0) {
        *position = NUMBER_LIMIT - variable.number;
        name->type = S_IFREG;
        if (efi_variable_file_name(&variable.name, name->text))
            return true;
    }
    return false;
}

static int directory_create(const struct pseudo_key *key, const char *name)
{
    (void)key;
    return variable_create(name);
}

static int directory_remove(const struct pseudo_key *key, const char *name)
{
    (void)key;
    return variable_remove(name);
}

static struct pseudo_node root = {
    .mode = S_IFDIR | 0755,
    .find = directory_find,
    .next = directory_next,
    .create = directory_create,
    .remove = directory_remove,
};

/* ---- files ---- */

static void variable_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    struct variable variable;

    if (!variable_get(key->number[0], &variable))
        attributes->size = variable.size ? sizeof(uint32_t) + variable.size : 0;
}

static int variable_file_open(struct inode *inode, struct file *file)
{
    struct variable variable;
    int error = variable_get(pseudo_file_key(file)->number[0], &variable);

    (void)inode;
    if (error)
        return error;
    if (variable.immutable && !variable.is_new && file->opened_with & (O_ACCMODE | O_TRUNC))
        return -EPERM;
    return variable_opened(variable.number);
}

/* When the user may have the firmware asked once more: so many times a second, as on Linux. */
static uint64_t take_turn(struct user_account *account, uint64_t now)
{
    const uint64_t pace = NANOSECONDS_PER_SECOND / 100;
    uint64_t turn = __atomic_load_n(&account->variable_turn, __ATOMIC_RELAXED), own;

    do {
        own = turn > now ? turn : now;
    } while (!__atomic_compare_exchange_n(&account->variable_turn, &turn, own + pace, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return own;
}

/* Everybody may read, and each read calls the firmware: who is not the administrator waits for his
   turn. 0 or -EINTR. */
static int reading_paced(const struct file *file)
{
    uint64_t now = clock_now();

    if (credentials_capable(file->credentials, CAP_SYS_ADMIN))
        return 0;
    struct user_account *account = user_account_get_current();
    uint64_t turn = take_turn(account, now);
    user_account_release(account);
    if (turn == now)
        return 0;
    thread_prepare_sleep(THREAD_INTERRUPTIBLE);
    return thread_sleep(turn) == -EINTR ? -EINTR : 0;
}

static ssize_t variable_file_read(struct file *file, struct transfer *to, int64_t *offset)
{
    uint8_t *bytes = NULL;
    ssize_t size = reading_paced(file);

    if (!size)
        size = variable_read(pseudo_file_key(file)->number[0], &bytes);
    if (size <= 0)
        return size;
    ssize_t result = 0;
    if (*offset < size) {
        size_t wanted = (size_t)(size - *offset) < to->left ? (size_t)(size - *offset) : to->left;
        result = (ssize_t)transfer_out(to, bytes + *offset, wanted);
        *offset += result;
        if (!result && wanted)
            result = -EFAULT;
    }
    heap_free(bytes);
    return result;
}

static ssize_t variable_file_write(struct file *file, struct transfer *from, int64_t *offset)
{
    size_t size = from->left;

    (void)offset;
    if (size > sizeof(uint32_t) + VARIABLE_SIZE_MAXIMUM)
        return -ENOSPC;
    uint8_t *bytes = heap_allocate(size + 1);
    if (!bytes)
        return -ENOMEM;
    ssize_t result = -EFAULT;
    if (transfer_in(from, bytes, size) == size)
        result = variable_write(pseudo_file_key(file)->number[0], bytes, size);
    heap_free(bytes);
    return result ? result : (ssize_t)size;
}

/* Who may: its owner, who may change such flags at all. */
static int flags_set(const struct file *file, vaddr_t argument)
{
    const struct credentials *credentials = credentials_current();
    int flags;

    if (user_get(&flags, argument))
        return -EFAULT;
    if (flags & ~FS_IMMUTABLE_FL)
        return -EOPNOTSUPP;
    if (!inode_owned(file->inode, credentials) ||
        !credentials_capable(credentials, CAP_LINUX_IMMUTABLE))
        return -EPERM;
    return variable_set_immutable(pseudo_file_key(file)->number[0], flags & FS_IMMUTABLE_FL);
}

static ssize_t variable_file_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct variable variable;
    int error, flags;

    switch (command) {
    case FS_IOC_GETFLAGS:
        error = variable_get(pseudo_file_key(file)->number[0], &variable);
        flags = !error && variable.immutable ? FS_IMMUTABLE_FL : 0;
        return error ? error : user_put(argument, &flags);
    case FS_IOC_SETFLAGS:
        return flags_set(file, argument);
    default:
        return -ENOTTY;
    }
}

static const struct file_operations variable_operations = {
    .open = variable_file_open,
    .read = variable_file_read,
    .write = variable_file_write,
    .ioctl = variable_file_ioctl,
    .seek = file_seek_size,
};
static struct pseudo_node variable_node = {
    .mode = S_IFREG | 0644,
    .operations = &variable_operations,
    .attributes = variable_attributes,
};

void machine_variables_add(void)
{
    if (firmware_addresses())
        pseudo_tree_add("efivarfs", EFIVARFS_MAGIC, &root, variables_forget);
}
