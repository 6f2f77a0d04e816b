/* The input is an anchor, as it comes and with its checksums put right, and then structures. */
#include "fuzz.h"
#include "library/smbios_tables.h"

#include <string.h>

static void sum_set(uint8_t *bytes, size_t size, size_t where)
{
    uint8_t sum = 0;

    bytes[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

static void anchor_read(const uint8_t *bytes, size_t size)
{
    struct smbios_anchor anchor;
    const char *reason = NULL;

    if (smbios_anchor_parse(bytes, size, &anchor, &reason) == 0)
        require(anchor.size <= size && anchor.size <= SMBIOS_ANCHOR_MAXIMUM);
    else
        require(reason != NULL);
}

static void structures_read(const uint8_t *bytes, size_t size, uint16_t count)
{
    size_t whole = smbios_structures_size(bytes, size, count);
    const char *string;

    require(whole <= size);
    require(smbios_structures_size(bytes, whole, count) == whole);
    for (unsigned type = 0; type < 4; type++) {
        for (unsigned field = 0; field < 32; field++) {
            int length = smbios_string(bytes, whole, (uint8_t)type, (uint8_t)field, &string);
            if (length > 0)
                require((const uint8_t *)string >= bytes &&
                        (const uint8_t *)string + length <= bytes + whole);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t anchor[SMBIOS_ANCHOR_MAXIMUM] = {0};
    size_t taken = size < sizeof(anchor) ? size : sizeof(anchor);

    anchor_read(data, size);
    memcpy(anchor, data, taken);
    sum_set(anchor + 16, 15, 5);
    sum_set(anchor, anchor[5] <= sizeof(anchor) ? anchor[5] : sizeof(anchor), 4);
    anchor_read(anchor, sizeof(anchor));
    memcpy(anchor, data, taken);
    sum_set(anchor, anchor[6] <= sizeof(anchor) ? anchor[6] : sizeof(anchor), 5);
    anchor_read(anchor, sizeof(anchor));
    structures_read(data + taken, size - taken, 0);
    structures_read(data + taken, size - taken, size ? data[0] : 1);
    return 0;
}
