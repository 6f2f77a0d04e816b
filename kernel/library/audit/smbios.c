/* SMBIOS: 58 (SMBIOS 3.7, 5.2 and 6.1). */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

enum {
    END_OF_TABLE = 127,
};

static uint8_t sum_of(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum;
}

/* What an anchor says of the structures. */
struct anchor {
    uint64_t address;
    uint64_t length; /* 64 bits: at most */
    uint32_t count;  /* 0: it does not say */
    bool exact;      /* length is exact */
};

static bool anchor64_ask(struct audit *audit, const uint8_t *bytes, size_t size, uint64_t offset,
                         struct anchor *anchor)
{
    if (size < 24 || bytes[6] > size || bytes[6] < 24) {
        audit_fail(audit, offset + 6, "the 64-bit anchor has length %u", size > 6 ? bytes[6] : 0);
        return false;
    }
    if (sum_of(bytes, bytes[6]) != 0)
        audit_fail(audit, offset + 5, "the 64-bit anchor adds up to 0x%02x",
                   sum_of(bytes, bytes[6]));
    *anchor = (struct anchor){.address = load64(bytes + 16), .length = load32(bytes + 12)};
    return true;
}

static bool anchor32_ask(struct audit *audit, const uint8_t *bytes, size_t size, uint64_t offset,
                         struct anchor *anchor)
{
    if (size < 31 || bytes[5] > size || bytes[5] < 30) {
        audit_fail(audit, offset + 5, "the 32-bit anchor has length %u", size > 5 ? bytes[5] : 0);
        return false;
    }
    if (sum_of(bytes, bytes[5]) != 0)
        audit_fail(audit, offset + 4, "the 32-bit anchor adds up to 0x%02x",
                   sum_of(bytes, bytes[5]));
    if (memcmp(bytes + 16, "_DMI_", 5) != 0 || sum_of(bytes + 16, 15) != 0)
        audit_fail(audit, offset + 16, "the intermediate anchor \"_DMI_\" is wrong");
    *anchor = (struct anchor){.address = load32(bytes + 24),
                              .length = load16(bytes + 22),
                              .count = load16(bytes + 28),
                              .exact = true};
    return true;
}

/* The end of the structure at `at`: behind its strings; 0: it does not end. */
static size_t structure_end(const uint8_t *bytes, size_t size, size_t at)
{
    for (size_t end = at + bytes[at + 1]; end + 2 <= size; end++) {
        if (bytes[end] == 0 && bytes[end + 1] == 0)
            return end + 2;
    }
    return 0;
}

static void structures_ask(struct audit *audit, const struct anchor *anchor, const uint8_t *bytes,
                           size_t size, uint64_t offset)
{
    uint32_t count = 0;

    if (size > anchor->length)
        size = (size_t)anchor->length;
    if (!audit_afford(audit, size))
        return;
    for (size_t at = 0, end; at + 4 <= size; at = end) {
        count++;
        end = structure_end(bytes, size, at);
        if (bytes[at + 1] < 4 || end == 0) {
            audit_fail(audit, offset + at, "structure of type %u, length %u %s", bytes[at],
                       bytes[at + 1], bytes[at + 1] < 4 ? "is too short" : "does not end");
            return;
        }
        if (bytes[at] == END_OF_TABLE) {
            if (anchor->count != 0 && anchor->count != count)
                audit_fail(audit, offset + at, "%u structures; the anchor says %u", count,
                           anchor->count);
            return;
        }
    }
    audit_fail(audit, offset, "there is no end-of-table structure (type 127) in %zu bytes", size);
}

/* The structures that an anchor names, if they are in the record. */
static bool structures_find(const struct record *record, uint64_t address,
                            struct record_entry *entry, struct record_bytes *head)
{
    *entry = (struct record_entry){0};
    while (record_next_of(record, RECORD_SMBIOS_STRUCTURES, entry)) {
        (void)record_load(entry, head, sizeof(*head), NULL);
        if (head->address == address)
            return true;
    }
    return false;
}

static void anchor_ask(struct audit *audit, const struct record_entry *entry)
{
    struct record_entry structures;
    struct record_bytes head;
    struct anchor anchor;
    size_t size;
    const uint8_t *bytes = record_load(entry, &head, sizeof(head), &size);
    uint64_t offset = entry->offset + sizeof(head);
    bool right = false;

    if (size >= 5 && memcmp(bytes, "_SM3_", 5) == 0)
        right = anchor64_ask(audit, bytes, size, offset, &anchor);
    else if (size >= 5 && memcmp(bytes, "_SM_", 4) == 0)
        right = anchor32_ask(audit, bytes, size, offset, &anchor);
    else
        audit_fail(audit, offset, "an anchor without \"_SM3_\" or \"_SM_\"");
    if (!right)
        return;
    if (!structures_find(audit->record, anchor.address, &structures, &head)) {
        audit_not_known(audit, "the structures at 0x%llx were not recorded",
                        (unsigned long long)anchor.address);
        return;
    }
    bytes = record_load(&structures, &head, sizeof(head), &size);
    structures_ask(audit, &anchor, bytes, size, structures.offset + sizeof(head));
}

static void smbios(struct audit *audit)
{
    static const uint8_t guid2[16] =
        GUID(0xeb9d2d31, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d);
    static const uint8_t guid3[16] =
        GUID(0xf2fd1544, 0x9794, 0x4a2c, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94);
    struct record_entry entry = {0};
    uint64_t address;

    if (record_count(audit->record, RECORD_CONFIGURATION) > 0 &&
        !configuration_find(audit->record, guid2, &address) &&
        !configuration_find(audit->record, guid3, &address)) {
        audit_not_applicable(audit, "there is no SMBIOS");
        return;
    }
    if (!audit_need(audit, RECORD_SMBIOS_ANCHOR, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_SMBIOS_ANCHOR, &entry))
        anchor_ask(audit, &entry);
}

static const struct audit_check checks[] = {
    {58, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "SMBIOS",
     "SMBIOS 3.7, 5.2.1, 5.2.2, 6.1.2; End-of-Table (type 127)",
     "anchors with right checksums; structures of 4 bytes or more that end, up to type 127",
     "Compute the anchors again after the last structure was added.", smbios},
};

AUDIT_FAMILY(audit_smbios, "tables", checks);
