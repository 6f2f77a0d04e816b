/* The input is half a KiB each for the places where file systems begin, and lies everywhere else
   again and again: so a small input is a large disk. What is said of it are texts that end, and
   stay the same. */
#include "fuzz.h"
#include "library/superblock.h"

#include <string.h>

#define PIECE 512
static const uint64_t places[] = {0, 1024, 4096 - PIECE, 0x8000, 0x10000, 0x8200};
static const uint8_t *input;
static size_t input_size;

static uint8_t byte_at(uint64_t offset)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (offset - places[i] < PIECE)
            offset = i * PIECE + offset - places[i];
    return input_size ? input[offset % input_size] : 0;
}

static int read_bytes(void *context, uint64_t offset, void *bytes, size_t size)
{
    uint64_t end = *(uint64_t *)context;

    require(offset <= end && size <= end - offset);
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = byte_at(offset + i);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct superblock_work work;
    static uint64_t disk_size;
    const struct superblock_source source = {read_bytes, &disk_size, size * size};
    struct superblock first, second;

    input = data;
    input_size = size;
    disk_size = source.size;
    memset(&first, 1, sizeof(first));
    require(superblock_read(&source, &work, &first) == 0);
    require(memchr(first.uuid, 0, sizeof(first.uuid)));
    require(memchr(first.label, 0, sizeof(first.label)));
    require(superblock_read(&source, &work, &second) == 0);
    require(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
