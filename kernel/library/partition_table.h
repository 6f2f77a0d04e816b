/*
 * partition_table.h: how a disk is divided: GUID partition tables (UEFI 2.11, 5.3), and the older
 * ones of the first sector with its chain of logical partitions (as Linux reads
 * them: there is no standard).
 *
 * Pure: blocks are read through a function; nothing in them is trusted. What lies outside the disk
 * is no partition.
 */
#ifndef BATON_LIBRARY_PARTITION_TABLE_H
#define BATON_LIBRARY_PARTITION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is read from. */
struct partition_source {
    /* Whole blocks; 0 or a negative errno. */
    int (*read)(void *context, uint64_t block, void *buffer, uint32_t count);
    void *context;
    uint32_t block_size; /* 512 to 4096 */
    uint64_t block_count;
};

enum partition_table_kind {
    PARTITION_TABLE_NONE,
    PARTITION_TABLE_MBR,
    PARTITION_TABLE_GPT,
};

#define PARTITION_NAME_SIZE (36 * 3 + 1)
struct partition {
    uint32_t number; /* from 1 on; increasing */
    uint64_t first, count;
    uint8_t type;                   /* of an MBR */
    uint8_t type_guid[16];          /* of a GPT, as the disk has it */
    uint8_t guid[16];               /* the same */
    char name[PARTITION_NAME_SIZE]; /* of a GPT: UTF-8 */
};

#define PARTITIONS_MAXIMUM 128
struct partition_table {
    enum partition_table_kind kind;
    uint32_t signature;    /* of an MBR's disk */
    uint8_t disk_guid[16]; /* of a GPT's */
    bool from_backup;      /* a GPT whose first header is not as it should be */
    uint32_t count;
    struct partition partitions[PARTITIONS_MAXIMUM];
};

/*
 * Reads the table. `buffer`: room for PARTITION_BUFFER_SIZE bytes, aligned to 8. 0, also without a
 * table; or what read() said.
 */
#define PARTITION_BUFFER_SIZE 8192
int partition_table_read(const struct partition_source *source, void *buffer,
                         struct partition_table *table);

/* "xxxxxxxx-xxxx-…" in lower case, ended; the first three groups are little-endian. */
#define GUID_TEXT_SIZE 37
void guid_text(const uint8_t guid[16], char text[GUID_TEXT_SIZE]);

#endif
