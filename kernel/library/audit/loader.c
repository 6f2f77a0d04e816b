/* Screen, options, files, random numbers: 71 to 74. */
#include "library/audit/check.h"
#include "library/load_options.h"
#include "library/string.h"

enum {
    BLT_ONLY = 3,
};

static void screen_ask(struct audit *audit, const struct record_screen *screen, uint64_t offset)
{
    if (screen->pixel_format == BLT_ONLY) {
        audit_fail(audit, offset, "BLT only, no framebuffer");
        return;
    }
    if (screen->stride < screen->width)
        audit_fail(audit, offset, "%u pixels a line, %u wide", screen->stride, screen->width);
    uint64_t needed = UINT64_C(4) * screen->stride * screen->height;
    if (screen->framebuffer_size < needed)
        audit_fail(audit, offset, "FrameBufferSize %llu; %u lines of %u pixels need %llu",
                   (unsigned long long)screen->framebuffer_size, screen->height, screen->stride,
                   (unsigned long long)needed);
    if (screen->bar_size != 0 &&
        (screen->framebuffer_base < screen->bar_base ||
         screen->framebuffer_base - screen->bar_base > screen->bar_size ||
         screen->framebuffer_size >
             screen->bar_size - (screen->framebuffer_base - screen->bar_base)))
        audit_fail(audit, offset, "0x%llx, %llu bytes, do not fit the BAR at 0x%llx, %llu bytes",
                   (unsigned long long)screen->framebuffer_base,
                   (unsigned long long)screen->framebuffer_size,
                   (unsigned long long)screen->bar_base, (unsigned long long)screen->bar_size);
}

static void screens(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_screen screen;

    if (!audit_need(audit, RECORD_SCREEN, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_SCREEN, &entry)) {
        (void)record_load(&entry, &screen, sizeof(screen), NULL);
        if (screen.flags & RECORD_SCREEN_NONE)
            audit_fail(audit, entry.offset, "there is no graphics output protocol");
        else
            screen_ask(audit, &screen, entry.offset);
    }
}

static void load_options(struct audit *audit)
{
    struct record_entry entry;
    char text[1024];

    if (!audit_need(audit, RECORD_LOAD_OPTIONS, &entry))
        return;
    if (entry.size == 0)
        return;
    int length = load_options_parse(entry.bytes, entry.size, text, sizeof(text));
    if (length < 0)
        audit_fail(audit, entry.offset, "%u bytes that are no text: %02x %02x...", entry.size,
                   entry.bytes[0], entry.size > 1 ? entry.bytes[1] : 0);
}

static void file_reads(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_file_read read;
    size_t size;

    if (!audit_need(audit, RECORD_FILE_READ, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_FILE_READ, &entry)) {
        const uint8_t *path = record_load(&entry, &read, sizeof(read), &size);
        int length = size < 40 ? (int)size : 40;
        uint64_t expected = read.asked < read.left ? read.asked : read.left;
        if (read.status != 0)
            audit_fail(audit, entry.offset, "%.*s: %s", length, (const char *)path,
                       status_text(read.status).text);
        else if (read.got != expected)
            audit_fail(audit, entry.offset, "%.*s: %llu bytes of %llu", length, (const char *)path,
                       (unsigned long long)read.got, (unsigned long long)expected);
    }
}

static void random(struct audit *audit)
{
    struct record_random random;
    struct record_entry entry;

    if (!audit_need(audit, RECORD_RANDOM, &entry))
        return;
    (void)record_load(&entry, &random, sizeof(random), NULL);
    if (random.locate_status != 0)
        audit_fail(audit, entry.offset, "LocateProtocol gave %s",
                   status_text(random.locate_status).text);
    else if (random.status != 0)
        audit_fail(audit, entry.offset, "GetRNG gave %s", status_text(random.status).text);
}

static const struct audit_check checks[] = {
    {71, AUDIT_MEDIUM, AUDIT_MEDIUM, true, "graphics output", "UEFI 2.11, 12.9.2",
     "a framebuffer that holds its lines and lies in its BAR",
     "Produce the protocol for the machine's display; set PixelsPerScanLine, FrameBufferBase and "
     "FrameBufferSize when the mode is set.",
     screens},
    {72, AUDIT_LOW, AUDIT_LOW, false, "load options", "UEFI 2.11, 9.1 and 3.1.3",
     "nothing, or a terminated text in UTF-16",
     "Pass an image only the optional data of its load option.", load_options},
    {73, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "reads of files", "UEFI 2.11, 13.5.5",
     "as many bytes as were asked for, up to the end of the file",
     "Look for a limit of a single transfer in the block driver.", file_reads},
    {74, AUDIT_LOW, AUDIT_LOW, true, "random numbers", "UEFI 2.11, 37.5",
     "EFI_RNG_PROTOCOL that gives bytes",
     "Produce it from RDRAND or a TPM: systems seed themselves from it.", random},
};

AUDIT_FAMILY(audit_loader, "loader", checks);
