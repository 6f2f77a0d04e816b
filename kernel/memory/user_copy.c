/* user_copy.c: checks ranges and calls user_access.S, which see. */
#include "memory/user_copy.h"

#include <linux/errno.h>

#include "cpu/fpu.h"
#include "cpu/user_access.h"
#include "library/string.h"
#include "thread/mutex.h"

size_t user_copy_in_partial(void *to, vaddr_t from, size_t size)
{
    mutex_check_may_copy();
    if (!user_range_ok(from, size))
        return 0;
    return size - user_access_copy(to, (const void *)from, size);
}

size_t user_copy_out_partial(vaddr_t to, const void *from, size_t size)
{
    mutex_check_may_copy();
    if (!user_range_ok(to, size))
        return 0;
    return size - user_access_copy((void *)to, from, size);
}

int user_copy_in(void *to, vaddr_t from, size_t size)
{
    mutex_check_may_copy();
    return user_range_ok(from, size) && !user_access_copy(to, (const void *)from, size) ? 0
                                                                                        : -EFAULT;
}

int user_copy_out(vaddr_t to, const void *from, size_t size)
{
    mutex_check_may_copy();
    return user_range_ok(to, size) && !user_access_copy((void *)to, from, size) ? 0 : -EFAULT;
}

int user_zero(vaddr_t to, size_t size)
{
    mutex_check_may_copy();
    return user_range_ok(to, size) && !user_access_zero((void *)to, size) ? 0 : -EFAULT;
}

int user_put_fields(vaddr_t to, const int16_t *from, size_t count, size_t stride)
{
    mutex_check_may_copy();
    if (count == 0)
        return 0;
    return user_range_ok(to, (count - 1) * stride + sizeof(*from)) &&
                   !user_access_put_fields((void *)to, from, count, stride)
               ? 0
               : -EFAULT;
}

/* Are these bytes of the program's zeros? 0, -E2BIG, -EFAULT. */
static int user_check_zeros(vaddr_t from, size_t size)
{
    char piece[64];

    while (size > 0) {
        size_t part = size < sizeof(piece) ? size : sizeof(piece);
        if (user_copy_in(piece, from, part))
            return -EFAULT;
        for (size_t i = 0; i < part; i++)
            if (piece[i])
                return -E2BIG;
        from += part;
        size -= part;
    }
    return 0;
}

int user_copy_struct(void *to, size_t own, size_t least, vaddr_t from, size_t size)
{
    size_t common = size < own ? size : own;

    if (size < least)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    int error = size > own ? user_check_zeros(from + own, size - own) : 0;
    if (error)
        return error;
    memset((char *)to + common, 0, own - common);
    return user_copy_in(to, from, common);
}

ssize_t user_string_in(char *to, vaddr_t from, size_t size)
{
    mutex_check_may_copy();
    if (from >= USER_END)
        return -EFAULT;
    /* A string may end just below the end of user space: the range is what is left there. */
    size_t room = size < USER_END - from ? size : USER_END - from;
    ssize_t length = user_access_string(to, (const char *)from, room);
    if (length >= 0)
        return length;
    return length == -1 || room < size ? -EFAULT : -ENAMETOOLONG;
}

static bool fpu_image_ok(vaddr_t image)
{
    return image % 64 == 0 && user_range_ok(image, fpu_image_size);
}

int user_fpu_save(vaddr_t image)
{
    mutex_check_may_copy();
    return fpu_image_ok(image) && !user_access_fpu_save((void *)image, fpu_image_features)
               ? 0
               : -EFAULT;
}

int user_fpu_load(vaddr_t image, uint64_t features)
{
    mutex_check_may_copy();
    if (fpu_image_ok(image) && !user_access_fpu_load((const void *)image, features))
        return 0;
    fpu_reset();
    return -EFAULT;
}

int user_compare_exchange(vaddr_t address, uint32_t *expected, uint32_t value)
{
    mutex_check_may_copy();
    if (address % sizeof(uint32_t) != 0 || !user_range_ok(address, sizeof(uint32_t)))
        return -EFAULT;
    uint32_t found = *expected;
    if (user_access_compare_exchange((uint32_t *)address, &found, value))
        return -EFAULT;
    *expected = found;
    return 0;
}
