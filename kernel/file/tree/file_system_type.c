/* file_system_type.c: the types of file systems that there are. */
#include "file/tree/file_system_type.h"

#include "library/string.h"

static struct file_system_type *types; /* complete after boot */

void file_system_type_add(struct file_system_type *type)
{
    struct file_system_type **last = &types;

    while (*last)
        last = &(*last)->next;
    *last = type;
}

const struct file_system_type *file_system_type_find(const char *name)
{
    const struct file_system_type *type = types;
    size_t length = 0;

    while (name[length] && name[length] != '.')
        length++;
    while (type && (strlen(type->name) != length || memcmp(type->name, name, length) != 0))
        type = type->next;
    return type;
}

const struct file_system_type *file_system_type_next(const struct file_system_type *type)
{
    return type ? type->next : types;
}
