/* The input is the table and all that can be read behind it. */
#include "fuzz.h"
#include "library/memory_attributes.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_attributes table;
    struct memory_attributes_entry entry;
    const char *reason = NULL;
    int error;

    if (memory_attributes_start(data, size, &table, &reason) != 0) {
        require(reason != NULL);
        return 0;
    }
    for (uint32_t i = 0; (error = memory_attributes_at(&table, i, &entry)) != -ENOENT; i++) {
        require(i < size);
        if (error == 0)
            require(entry.size != 0 && entry.base <= UINT64_MAX - entry.size &&
                    !(entry.writable && entry.executable));
    }
    return 0;
}
