/* credentials.c: sets of credentials: made, copied, asked. */
#include "file/credentials.h"

#include "library/string.h"
#include "memory/heap.h"
#include "thread/thread.h"

/* What kernel threads act as; never released. */
static struct credentials kernel_credentials = {
    .references = 1,
    .effective = CAPABILITIES_ALL,
    .permitted = CAPABILITIES_ALL,
    .bounding = CAPABILITIES_ALL,
};

struct credentials *credentials_create(void)
{
    return credentials_copy(&kernel_credentials, 0);
}

struct credentials *credentials_copy(const struct credentials *from, uint32_t group_count)
{
    struct credentials *copy =
        heap_allocate_zeroed(sizeof(*copy) + group_count * sizeof(copy->groups[0]));
    if (!copy)
        return NULL;
    uint32_t kept = from->group_count < group_count ? from->group_count : group_count;
    memcpy(copy, from, sizeof(*copy) + kept * sizeof(copy->groups[0]));
    copy->references = 1;
    copy->group_count = group_count;
    return copy;
}

void credentials_release(const struct credentials *credentials)
{
    struct credentials *shared = (struct credentials *)credentials;

    if (shared && __atomic_sub_fetch(&shared->references, 1, __ATOMIC_ACQ_REL) == 0)
        heap_free(shared);
}

const struct credentials *credentials_current(void)
{
    const struct credentials *credentials = thread_current()->credentials;
    return credentials ? credentials : &kernel_credentials;
}

bool credentials_in_group(const struct credentials *credentials, uint32_t group)
{
    if (credentials->file_group == group)
        return true;
    uint32_t low = 0, high = credentials->group_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (credentials->groups[middle] == group)
            return true;
        if (credentials->groups[middle] < group)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
