/* The input is a disk; what lies behind it are zeros, so that a backup can be far away. The sums of
   a GPT are made right, or no input would get behind them. */
#include "fuzz.h"
#include "library/crc32.h"
#include "library/partition_table.h"

#include <string.h>

#define BLOCK  512
#define BLOCKS 256
static uint8_t disk[BLOCK * BLOCKS];

static int read_blocks(void *context, uint64_t block, void *buffer, uint32_t count)
{
    (void)context;
    require(block < BLOCKS && count <= BLOCKS - block);
    memcpy(buffer, disk + block * BLOCK, (size_t)count * BLOCK);
    return 0;
}

static void seal(void)
{
    uint8_t *header = disk + BLOCK;
    uint64_t entries;
    uint32_t count, size, sum;

    memcpy(&entries, header + 72, sizeof(entries));
    memcpy(&count, header + 80, sizeof(count));
    memcpy(&size, header + 84, sizeof(size));
    if (entries < BLOCKS && (uint64_t)count * size <= (BLOCKS - entries) * BLOCK) {
        sum = crc32(0, disk + entries * BLOCK, (size_t)count * size);
        memcpy(header + 88, &sum, sizeof(sum));
    }
    memset(header + 16, 0, 4);
    sum = crc32(0, header, 92);
    memcpy(header + 16, &sum, sizeof(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t buffer[PARTITION_BUFFER_SIZE / 8];
    static struct partition_table table;
    const struct partition_source source = {
        .read = read_blocks, .block_size = BLOCK, .block_count = BLOCKS};

    memset(disk, 0, sizeof(disk));
    memcpy(disk, data, size < sizeof(disk) ? size : sizeof(disk));
    seal();
    require(partition_table_read(&source, buffer, &table) == 0);
    require(table.count <= PARTITIONS_MAXIMUM);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct partition *partition = &table.partitions[i];
        require(partition->count && partition->first < BLOCKS &&
                partition->count <= BLOCKS - partition->first);
        require(!i || partition->number > partition[-1].number);
        require(memchr(partition->name, 0, sizeof(partition->name)));
    }
    return 0;
}
