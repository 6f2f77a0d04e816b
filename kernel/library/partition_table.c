#include "library/partition_table.h"

#include "library/bytes.h"
#include "library/crc32.h"
#include "library/string.h"

/* The first sector. */
enum {
    MBR_SIGNATURE = 440,
    MBR_ENTRIES = 446,
    MBR_ENTRY_SIZE = 16,
    MBR_ENTRY_COUNT = 4,
    MBR_MAGIC = 510,

    ENTRY_BOOT = 0,
    ENTRY_TYPE = 4,
    ENTRY_FIRST = 8,
    ENTRY_COUNT = 12,

    TYPE_EXTENDED = 0x05,
    TYPE_EXTENDED_LBA = 0x0f,
    TYPE_EXTENDED_LINUX = 0x85,
    TYPE_PROTECTIVE = 0xee,

    LOGICAL_FIRST = 5,   /* the number of the first logical partition */
    CHAIN_MAXIMUM = 100, /* tables, as on Linux */
    EXTENDED_BLOCKS = 2, /* what a boot loader may look at */
};
#define MAGIC 0xaa55

/* A GPT's header, and its entries: UEFI 2.11, 5.3.2 and 5.3.3. */
enum {
    HEADER_SIZE = 12,
    HEADER_CRC = 16,
    HEADER_OWN = 24,
    HEADER_FIRST_USABLE = 40,
    HEADER_LAST_USABLE = 48,
    HEADER_DISK_GUID = 56,
    HEADER_ENTRIES = 72,
    HEADER_ENTRY_COUNT = 80,
    HEADER_ENTRY_SIZE = 84,
    HEADER_ENTRIES_CRC = 88,
    HEADER_LEAST = 92,

    GPT_ENTRY_LEAST = 128,
    GPT_ENTRY_FIRST = 32,
    GPT_ENTRY_LAST = 40,
    GPT_ENTRY_GUID = 16,
    GPT_ENTRY_NAME = 56,
    GPT_NAME_UNITS = 36,
};
#define GPT_SIGNATURE "EFI PART"
/* Of the array of entries, which is read whole for its sum. */
#define ENTRIES_SIZE_MAXIMUM (1UL << 20)

static struct partition *add(struct partition_table *table, const struct partition_source *source,
                             uint32_t number, uint64_t first, uint64_t count)
{
    if (!count || first >= source->block_count || count > source->block_count - first ||
        table->count == PARTITIONS_MAXIMUM)
        return NULL;
    struct partition *partition = &table->partitions[table->count++];
    memset(partition, 0, sizeof(*partition));
    partition->number = number;
    partition->first = first;
    partition->count = count;
    return partition;
}

/* ---- the first sector ---- */

static const uint8_t *entry_at(const uint8_t *sector, unsigned index)
{
    return sector + MBR_ENTRIES + (size_t)index * MBR_ENTRY_SIZE;
}

static bool is_extended(const uint8_t *entry)
{
    uint8_t type = entry[ENTRY_TYPE];
    return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/* A boot sector of FAT has the same magic, and code where the entries would be. */
static bool is_table(const uint8_t *sector)
{
    bool plausible = true, any = false;

    if (load16(sector + MBR_MAGIC) != MAGIC)
        return false;
    for (unsigned i = 0; i < MBR_ENTRY_COUNT; i++) {
        const uint8_t *entry = entry_at(sector, i);
        plausible &= entry[ENTRY_BOOT] == 0 || entry[ENTRY_BOOT] == 0x80;
        any |= entry[ENTRY_TYPE] && load32(entry + ENTRY_COUNT);
    }
    return plausible && any;
}

static bool is_protective(const uint8_t *sector)
{
    if (load16(sector + MBR_MAGIC) != MAGIC)
        return false;
    for (unsigned i = 0; i < MBR_ENTRY_COUNT; i++)
        if (entry_at(sector, i)[ENTRY_TYPE] == TYPE_PROTECTIVE)
            return true;
    return false;
}

/* One table of the chain: a logical partition, whose place is told from the table on, and the next
   table, told from the extended partition on. False: the chain ends. */
static bool parse_chained(const struct partition_source *source, const uint8_t *sector,
                          uint64_t extended, uint64_t *at, uint32_t *number,
                          struct partition_table *table)
{
    const uint8_t *next = NULL;

    if (load16(sector + MBR_MAGIC) != MAGIC)
        return false;
    for (unsigned i = 0; i < MBR_ENTRY_COUNT; i++) {
        const uint8_t *entry = entry_at(sector, i);
        uint32_t count = load32(entry + ENTRY_COUNT);
        if (!count)
            continue;
        if (is_extended(entry)) {
            next = next ? next : entry;
            continue;
        }
        struct partition *partition =
            add(table, source, *number, *at + load32(entry + ENTRY_FIRST), count);
        if (partition) {
            partition->type = entry[ENTRY_TYPE];
            ++*number;
        }
    }
    if (!next)
        return false;
    uint64_t before = *at;
    *at = extended + load32(next + ENTRY_FIRST);
    return *at > before; /* forward only: no circle */
}

static int parse_chain(const struct partition_source *source, uint8_t *sector, uint64_t extended,
                       uint32_t *number, struct partition_table *table)
{
    uint64_t at = extended;

    for (unsigned i = 0; i < CHAIN_MAXIMUM && at < source->block_count; i++) {
        int error = source->read(source->context, at, sector, 1);
        if (error)
            return error;
        if (!parse_chained(source, sector, extended, &at, number, table))
            break;
    }
    return 0;
}

static int parse_mbr(const struct partition_source *source, uint8_t *sector,
                     struct partition_table *table)
{
    uint64_t chains[MBR_ENTRY_COUNT];
    unsigned chain_count = 0;
    int error = 0;

    table->kind = PARTITION_TABLE_MBR;
    table->signature = load32(sector + MBR_SIGNATURE);
    for (unsigned i = 0; i < MBR_ENTRY_COUNT; i++) {
        const uint8_t *entry = entry_at(sector, i);
        uint32_t first = load32(entry + ENTRY_FIRST), count = load32(entry + ENTRY_COUNT);
        bool extended = is_extended(entry);
        uint32_t shown = extended && count > EXTENDED_BLOCKS ? EXTENDED_BLOCKS : count;
        struct partition *partition = add(table, source, i + 1, first, shown);
        if (!partition)
            continue;
        partition->type = entry[ENTRY_TYPE];
        if (extended)
            chains[chain_count++] = first;
    }
    uint32_t number = LOGICAL_FIRST;
    for (unsigned i = 0; i < chain_count && !error; i++)
        error = parse_chain(source, sector, chains[i], &number, table);
    return error;
}

/* ---- GUID partition tables ---- */

struct header {
    uint64_t entries; /* block */
    uint32_t entry_count, entry_size, entries_crc;
    uint64_t first_usable, last_usable;
    uint8_t disk_guid[16];
};

static bool header_parse(const struct partition_source *source, const uint8_t *block, uint64_t own,
                         struct header *header)
{
    static const uint8_t zeros[4];
    uint32_t size = load32(block + HEADER_SIZE);

    if (memcmp(block, GPT_SIGNATURE, 8) != 0 || size < HEADER_LEAST || size > source->block_size)
        return false;
    /* The sum is of the header with zeros in the sum's place. */
    uint32_t sum = crc32(0, block, HEADER_CRC);
    sum = crc32(sum, zeros, sizeof(zeros));
    sum = crc32(sum, block + HEADER_CRC + 4, size - HEADER_CRC - 4);
    if (sum != load32(block + HEADER_CRC) || load64(block + HEADER_OWN) != own)
        return false;
    *header = (struct header){
        .entries = load64(block + HEADER_ENTRIES),
        .entry_count = load32(block + HEADER_ENTRY_COUNT),
        .entry_size = load32(block + HEADER_ENTRY_SIZE),
        .entries_crc = load32(block + HEADER_ENTRIES_CRC),
        .first_usable = load64(block + HEADER_FIRST_USABLE),
        .last_usable = load64(block + HEADER_LAST_USABLE),
    };
    memcpy(header->disk_guid, block + HEADER_DISK_GUID, sizeof(header->disk_guid));
    uint32_t entry_size = header->entry_size;
    uint64_t entries_size = (uint64_t)header->entry_count * entry_size;
    uint64_t blocks = entries_size / source->block_size + 1;
    return entry_size >= GPT_ENTRY_LEAST && entry_size <= source->block_size &&
           (entry_size & (entry_size - 1)) == 0 && entries_size <= ENTRIES_SIZE_MAXIMUM &&
           header->entries < source->block_count &&
           blocks <= source->block_count - header->entries &&
           header->first_usable <= header->last_usable && header->last_usable < source->block_count;
}

/* One code point as UTF-8, which takes up to four bytes; half of a pair, and what cannot be shown,
   becomes '?'. */
static size_t put_character(char *text, uint32_t code)
{
    if (code < 0x20 || code == 0x7f || (code >= 0xd800 && code <= 0xdfff))
        code = '?';
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        text[0] = (char)(0xc0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        text[0] = (char)(0xe0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | code >> 18);
    text[1] = (char)(0x80 | (code >> 12 & 0x3f));
    text[2] = (char)(0x80 | (code >> 6 & 0x3f));
    text[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* UTF-16, ended by a zero or by its size. A pair is two units and four bytes: three a unit are
   enough. */
static void name_parse(const uint8_t *units, char name[PARTITION_NAME_SIZE])
{
    size_t length = 0;

    for (unsigned i = 0; i < GPT_NAME_UNITS; i++) {
        uint32_t code = load16(units + 2 * i);
        if (!code)
            break;
        if (code >= 0xd800 && code <= 0xdbff && i + 1 < GPT_NAME_UNITS) {
            uint32_t low = load16(units + 2 * (i + 1));
            if (low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        length += put_character(name + length, code);
    }
    name[length] = '\0';
}

static void gpt_entry_parse(const struct partition_source *source, const struct header *header,
                            const uint8_t *entry, uint32_t number, struct partition_table *table)
{
    static const uint8_t unused[16];
    uint64_t first = load64(entry + GPT_ENTRY_FIRST), last = load64(entry + GPT_ENTRY_LAST);

    if (memcmp(entry, unused, sizeof(unused)) == 0 || first > last ||
        first < header->first_usable || last > header->last_usable)
        return;
    struct partition *partition = add(table, source, number, first, last - first + 1);
    if (!partition)
        return;
    memcpy(partition->type_guid, entry, sizeof(partition->type_guid));
    memcpy(partition->guid, entry + GPT_ENTRY_GUID, sizeof(partition->guid));
    name_parse(entry + GPT_ENTRY_NAME, partition->name);
}

/* Entries do not cross blocks: both sizes are powers of two. The sum is known at the end, so what
   was taken is given up then. 1: it is right, 0: it is not. */
static int gpt_entries_parse(const struct partition_source *source, const struct header *header,
                             uint8_t *block, struct partition_table *table)
{
    uint32_t sum = 0, number = 1, per_block = source->block_size / header->entry_size;

    for (uint64_t at = header->entries; number <= header->entry_count; at++) {
        int error = source->read(source->context, at, block, 1);
        if (error)
            return error;
        uint32_t left = header->entry_count - number + 1;
        uint32_t here = left < per_block ? left : per_block;
        sum = crc32(sum, block, (size_t)here * header->entry_size);
        for (uint32_t i = 0; i < here; i++)
            gpt_entry_parse(source, header, block + (size_t)i * header->entry_size, number + i,
                            table);
        number += here;
    }
    if (sum == header->entries_crc)
        return 1;
    table->count = 0;
    return 0;
}

/* The table whose header is in this block. 1: it is there and right, 0: it is not. */
static int gpt_parse(const struct partition_source *source, uint8_t *block, uint64_t own,
                     struct partition_table *table)
{
    struct header header;
    int error = source->read(source->context, own, block, 1);

    if (error)
        return error;
    if (!header_parse(source, block, own, &header))
        return 0;
    int found = gpt_entries_parse(source, &header, block, table);
    if (found == 1) {
        table->kind = PARTITION_TABLE_GPT;
        memcpy(table->disk_guid, header.disk_guid, sizeof(table->disk_guid));
    }
    return found;
}

int partition_table_read(const struct partition_source *source, void *buffer,
                         struct partition_table *table)
{
    uint8_t *first = buffer, *block = first + PARTITION_BUFFER_SIZE / 2;
    const uint64_t least = 3; /* the first block, a header, entries */

    memset(table, 0, sizeof(*table));
    if (source->block_count < least || source->block_size > PARTITION_BUFFER_SIZE / 2)
        return 0;
    int error = source->read(source->context, 0, first, 1);
    if (error)
        return error;
    if (is_protective(first)) {
        int found = gpt_parse(source, block, 1, table);
        if (!found) {
            found = gpt_parse(source, block, source->block_count - 1, table);
            table->from_backup = found == 1;
        }
        if (found)
            return found < 0 ? found : 0;
    }
    return is_table(first) ? parse_mbr(source, first, table) : 0;
}

void guid_text(const uint8_t guid[16], char text[GUID_TEXT_SIZE])
{
    /* The order in which the bytes are shown; a dash before these. */
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < sizeof(order); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[guid[order[i]] >> 4];
        *text++ = digits[guid[order[i]] & 0xf];
    }
    *text = '\0';
}
