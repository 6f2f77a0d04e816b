/*
 * name.c: what sockets are bound to: a file's name, or an abstract one, which begins with
 * a NUL and is in no file system (unix(7), "Address format").
 */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "file/tree/names.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "socket/socket.h"

#define ADDRESS_SIZE_MAXIMUM 128 /* of any family: struct sockaddr_storage */
#define PATH_OFFSET          __builtin_offsetof(struct sockaddr_un, sun_path)

RB_HEAD(abstract_names, socket);

static struct mutex names_mutex;
static struct abstract_names abstract_names; /* names_mutex */
static uint32_t next_automatic;              /* of the names the kernel gives; names_mutex */

/* Sockets of different types may have the same abstract name, as on Linux. */
static int name_compare(const struct socket *left, const struct socket *right)
{
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    if (left->name.length != right->name.length)
        return left->name.length < right->name.length ? -1 : 1;
    return memcmp(left->name.text, right->name.text, left->name.length);
}
RB_PROTOTYPE(abstract_names, socket, name_link, name_compare)
RB_GENERATE(abstract_names, socket, name_link, name_compare)

void socket_names_initialize(void)
{
    mutex_initialize(&names_mutex, MUTEX_SOCKET_NAMES);
    RB_INIT(&abstract_names);
}

/* ---- in user memory ---- */

int socket_name_from_user(struct socket_name *name, vaddr_t address, int size)
{
    struct sockaddr_un from = {0};

    if (size < 0 || size > ADDRESS_SIZE_MAXIMUM)
        return -EINVAL;
    size_t known = (size_t)size < sizeof(from) ? (size_t)size : sizeof(from);
    if (user_copy_in(&from, address, known))
        return -EFAULT;
    if ((size_t)size < PATH_OFFSET || (size_t)size > sizeof(from) || from.sun_family != AF_UNIX)
        return -EINVAL;
    *name = (struct socket_name){.length = (unsigned)(known - PATH_OFFSET)};
    memcpy(name->text, from.sun_path, name->length);
    if (name->length && name->text[0]) /* a path need not have its NUL */
        name->length = (unsigned)strlen(name->text) + 1;
    return 0;
}

int socket_address_to_user(const void *name, int size, vaddr_t address, vaddr_t size_address)
{
    int room;

    if (user_get(&room, size_address))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (user_copy_out(address, name, (size_t)(room < size ? room : size)))
        return -EFAULT;
    return user_put(size_address, &size);
}

int socket_name_to_user(const struct socket_name *name, vaddr_t address, vaddr_t size_address)
{
    struct {
        uint16_t family;
        char text[UNIX_PATH_MAX + 1];
    } to = {.family = AF_UNIX};

    memcpy(to.text, name->text, name->length);
    return socket_address_to_user(&to, (int)(PATH_OFFSET + name->length), address, size_address);
}

/* ---- binding ---- */

void socket_name_of(const struct socket *socket, struct socket_name *name)
{
    unsigned length = __atomic_load_n(&socket->name.length, __ATOMIC_ACQUIRE);
    memcpy(name->text, socket->name.text, length);
    name->length = length;
}

/* The name is there for those who look without the lock, once its length is. */
static void set_name(struct socket *socket, const struct socket_name *name)
{
    memcpy(socket->name.text, name->text, name->length);
    __atomic_store_n(&socket->name.length, name->length, __ATOMIC_RELEASE);
}

/* names_mutex held. */
static int bind_to_path(struct socket *socket, const struct socket_name *name, uint32_t mode)
{
    struct inode *inode;

    int error = name_make_inode(AT_FDCWD, name->text, S_IFSOCK | (mode & 07777 & ~umask_current()),
                                0, NULL, &inode);
    if (error)
        return error == -EEXIST ? -EADDRINUSE : error;
    inode->socket = socket;
    socket->place = inode;
    set_name(socket, name);
    return 0;
}

/* names_mutex held. */
static int bind_to_abstract(struct socket *socket, const struct socket_name *name)
{
    struct socket key = {.type = socket->type, .name = *name};

    if (RB_FIND(abstract_names, &abstract_names, &key))
        return -EADDRINUSE;
    set_name(socket, name);
    RB_INSERT(abstract_names, &abstract_names, socket);
    return 0;
}

/* unix(7), "Autobind feature": a NUL and five hexadecimal digits. names_mutex held. */
static int bind_automatically(struct socket *socket)
{
    struct socket_name name = {.length = 6};

    for (uint32_t tries = 0; tries <= 0xfffff; tries++) {
        format_string(name.text + 1, sizeof(name.text) - 1, "%05x", next_automatic++ & 0xfffff);
        if (!bind_to_abstract(socket, &name))
            return 0;
    }
    return -ENOSPC;
}

/* What is wrong with a second name: a file's is looked for before that. names_mutex held. */
static int refuse_second_name(const struct socket_name *name)
{
    struct path path;

    if (!name->length)
        return 0;
    int error = name->text[0] ? path_lookup(AT_FDCWD, name->text, 0, &path) : -ENOENT;
    if (error)
        return error == -ENOENT ? -EINVAL : error;
    path_release(&path);
    return -EADDRINUSE;
}

int socket_bind(struct socket *socket, const struct socket_name *name, uint32_t mode)
{
    int error;

    mutex_acquire(&names_mutex);
    if (socket->name.length)
        error = refuse_second_name(name);
    else if (!name->length)
        error = bind_automatically(socket);
    else if (name->text[0])
        error = bind_to_path(socket, name, mode);
    else
        error = bind_to_abstract(socket, name);
    mutex_release(&names_mutex);
    return error;
}

void socket_unbind(struct socket *socket)
{
    mutex_acquire(&names_mutex);
    struct inode *place = socket->place;
    socket->place = NULL;
    if (place)
        place->socket = NULL;
    else if (socket->name.length && RB_FIND(abstract_names, &abstract_names, socket) == socket)
        RB_REMOVE(abstract_names, &abstract_names, socket);
    mutex_release(&names_mutex);
    if (place)
        inode_release(place);
}

/* ---- looking for ---- */

/* names_mutex held. The socket, or NULL. */
static struct socket *find_abstract(const struct socket_name *name, uint32_t type)
{
    struct socket key = {.type = type, .name = *name};
    return RB_FIND(abstract_names, &abstract_names, &key);
}

/* Takes names_mutex, which stays held after 0. */
static int find_by_path(const char *name, struct socket **found)
{
    struct path path;

    int error = path_lookup(AT_FDCWD, name, WALK_FOLLOW, &path);
    if (error)
        return error;
    struct inode *inode = path.dentry->inode;
    error = inode_permission(inode, PERMISSION_WRITE, credentials_current());
    if (!error) {
        mutex_acquire(&names_mutex);
        *found = inode->socket;
    }
    path_release(&path);
    return error;
}

int socket_find(const struct socket_name *name, uint32_t type, struct socket **found)
{
    struct socket *bound;
    int error = 0;

    if (name->length && name->text[0]) {
        error = find_by_path(name->text, &bound);
        if (error)
            return error;
    } else {
        mutex_acquire(&names_mutex);
        bound = find_abstract(name, type);
    }
    if (!bound) {
        error = -ECONNREFUSED;
    } else if (bound->type != type) {
        error = -EPROTOTYPE;
    } else {
        socket_reference(bound);
        *found = bound;
    }
    mutex_release(&names_mutex);
    return error;
}
