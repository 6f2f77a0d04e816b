/* Rights of memory at the loader's first instruction: 42 to 47. */
#include "library/audit/check.h"
#include "library/string.h"

enum {
    NX_COMPAT = 0x100,            /* PE format, "DLL Characteristics" */
    SECTION_EXECUTE = 0x20000000, /* PE format, "Section Flags" */
};

static void write_execute(struct audit *audit)
{
    const uint16_t both = RECORD_PAGE_WRITABLE | RECORD_PAGE_EXECUTABLE;
    struct page_tables tables;
    struct record_page_run run;

    if (!page_tables_need(audit, &tables))
        return;
    for (size_t i = 0; i < tables.count; i++) {
        page_run(&tables, i, &run);
        if ((run.rights & both) == both)
            audit_fail_at(audit, tables.offset + i * sizeof(run), run.linear, "0x%llx, %s",
                          (unsigned long long)run.linear, pages_text(run.pages).text);
    }
}

/* Our own sections have rights of their own, and the image says NX_COMPAT. */
static void own_sections(struct audit *audit)
{
    struct record_image image;
    struct record_entry entry;
    struct record_page_run run;
    struct page_tables tables;
    struct section section;

    if (!page_tables_need(audit, &tables))
        return;
    if (!image_ours(audit->record, &entry, &image) || image.section_count == 0) {
        audit_not_known(audit, "the loader's image was not recorded with its sections");
        return;
    }
    for (size_t i = 0; recorded_section(&entry, i, &section); i++) {
        bool text = section.characteristics & SECTION_EXECUTE;
        if (!page_find(&tables, section.base, &run))
            continue;
        if (text && (run.rights & RECORD_PAGE_WRITABLE))
            audit_fail_at(audit, entry.offset, section.base, "%s at 0x%llx is writable",
                          section.name, (unsigned long long)section.base);
        if (!text && (run.rights & RECORD_PAGE_EXECUTABLE))
            audit_fail_at(audit, entry.offset, section.base, "%s at 0x%llx is executable",
                          section.name, (unsigned long long)section.base);
    }
}

static void protocol_there(struct audit *audit)
{
    struct record_protection head;
    struct record_entry entry;

    if (!audit_need(audit, RECORD_MEMORY_PROTECTION, &entry))
        return;
    (void)record_load(&entry, &head, sizeof(head), NULL);
    if (head.locate_status != 0)
        audit_fail(audit, entry.offset, "LocateProtocol gave %s",
                   status_text(head.locate_status).text);
}

/* What the protocol says of a range, against what the tables say of its first page. */
static void answer_ask(struct audit *audit, const struct page_tables *tables,
                       const struct record_protection_run *said, uint64_t offset)
{
    struct record_page_run run;

    if (said->status != 0 || !page_find(tables, said->base, &run))
        return;
    bool read_only = said->attributes & MEMORY_RO, no_execute = said->attributes & MEMORY_XP;
    bool writable = run.rights & RECORD_PAGE_WRITABLE;
    bool executable = run.rights & RECORD_PAGE_EXECUTABLE;
    if (read_only == writable || no_execute == executable)
        audit_fail_at(audit, offset, said->base, "0x%llx: it says %s, %s; the tables say %s, %s",
                      (unsigned long long)said->base, read_only ? "read-only" : "writable",
                      no_execute ? "not executable" : "executable",
                      writable ? "writable" : "read-only",
                      executable ? "executable" : "not executable");
}

static void protocol_answers(struct audit *audit)
{
    struct record_protection head;
    struct record_protection_run said;
    struct page_tables tables;
    struct record_entry entry;
    size_t size;

    if (!page_tables_need(audit, &tables) || !audit_need(audit, RECORD_MEMORY_PROTECTION, &entry))
        return;
    const uint8_t *runs = record_load(&entry, &head, sizeof(head), &size);
    if (head.locate_status != 0 || size < sizeof(said)) {
        audit_not_applicable(audit, "there is no memory attribute protocol, or it was not asked");
        return;
    }
    for (size_t at = 0; sizeof(said) <= size - at; at += sizeof(said)) {
        memcpy(&said, runs + at, sizeof(said));
        answer_ask(audit, &tables, &said, entry.offset + sizeof(head) + at);
    }
}

static void free_mapped(struct audit *audit)
{
    struct record_page_run run;
    struct page_tables tables;
    struct descriptor range;
    struct map map;

    if (!map_need_first(audit, &map) || !page_tables_need(audit, &tables))
        return;
    if (page_find(&tables, 0, &run))
        audit_fail(audit, AUDIT_NO_OFFSET, "page 0 is mapped");
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        if (range.type == TYPE_FREE && range.base != 0 && page_find(&tables, range.base, &run))
            audit_fail(audit, range.offset, "free memory at 0x%llx, %s, is mapped",
                       (unsigned long long)range.base, pages_text(range.pages).text);
    }
}

static void images_compatible(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_image image;
    char name[40];

    if (!audit_need(audit, RECORD_IMAGE, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_IMAGE, &entry)) {
        (void)record_load(&entry, &image, sizeof(image), NULL);
        if (!(image.flags & RECORD_IMAGE_HEADER))
            continue;
        image_name(&entry, name, sizeof(name));
        if (!(image.dll_characteristics & NX_COMPAT))
            audit_fail_in(audit, entry.offset, name, "not NX_COMPAT");
        else if (image.section_alignment % PAGE != 0 || image.section_alignment == 0)
            audit_fail_in(audit, entry.offset, name, "sections aligned to %u bytes",
                          image.section_alignment);
    }
}

static const struct audit_check checks[] = {
    {42, AUDIT_MEDIUM, AUDIT_HIGH, true, "pages writable and executable",
     "UEFI 2.11, 2.3.4 allows protection; EDK2 and Microsoft: enhanced memory protection",
     "no page both writable and executable",
     "Turn on image and NX protection (EDK2: PcdImageProtectionPolicy, "
     "PcdDxeNxMemoryProtectionPolicy).",
     write_execute},
    {43, AUDIT_MEDIUM, AUDIT_MEDIUM, true, "rights of the loader's sections",
     "PE format, section flags; UEFI 2.11, 7.4.1",
     "text not writable, data not executable, for an image with sections of 4 KiB",
     "Apply the section's flags when an image is loaded.", own_sections},
    {44, AUDIT_LOW, AUDIT_HIGH, true, "memory attribute protocol", "UEFI 2.11, 37.7",
     "EFI_MEMORY_ATTRIBUTE_PROTOCOL is there",
     "Produce it in the CPU driver: shim and systemd-boot use it.", protocol_there},
    {45, AUDIT_HIGH, AUDIT_HIGH, false, "answers of the memory attribute protocol",
     "UEFI 2.11, 37.7", "what the page tables say",
     "Read the attributes from the page tables, not from a copy.", protocol_answers},
    {46, AUDIT_LOW, AUDIT_HIGH, true, "page 0 and free memory mapped",
     "UEFI 2.11, 2.3.4 allows it; EDK2 and Microsoft: enhanced memory protection", "neither mapped",
     "Turn on null pointer detection and freed-memory guards (EDK2: PcdNullPointerDetection"
     "PropertyMask, PcdHeapGuardPropertyMask).",
     free_mapped},
    {47, AUDIT_MEDIUM, AUDIT_MEDIUM, true, "images that can be protected",
     "PE format, DLL characteristics; Microsoft, New UEFI CA memory mitigation requirements for "
     "signing",
     "NX_COMPAT, sections aligned to 4 KiB",
     "Link with /NXCOMPAT and /ALIGN:4096 (-z common-page-size=0x1000), and set the flag.",
     images_compatible},
};

AUDIT_FAMILY(audit_protection, "protection", checks);
