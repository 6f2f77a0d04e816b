#include "measure.h"

#include <library/bytes.h>
#include <library/event_log.h>
#include <library/string.h>

#include "console.h"
#include "pages.h"
#include "record/entry_state.h"
#include "record/inventory.h"
#include "tcg2.h"
#include "text.h"
#include "unified.h"

/* Linux's TPM PCR Registry (UAPI.7). */
enum {
    PCR_BOOT_LOADER_CODE = 4,
    PCR_BOOT_LOADER_CONFIG = 5,
    PCR_INITRD = 9,
    PCR_KERNEL_BOOT = 11,
    PCR_KERNEL_CONFIG = 12,
};

/* Kinds of events (PC Client Platform Firmware Profile 1.06, 10.4.1). */
enum {
    EVENT_TAG = 6, /* its data begin with a tag and a size */
    EVENT_IPL = 13,
};

/* Who made a tagged event: systemd-boot's, Linux's, and two of our own. */
#define TAG_SETTINGS UINT32_C(0xf5bc582a)
#define TAG_INITRD   UINT32_C(0x8f3b22ec)
#define TAG_ENTRY    UINT32_C(0xba70e001)
#define TAG_KERNEL   UINT32_C(0xba70e002)

#define SECTION_NAME_MAX 16
#define DATA_MAXIMUM     (8 + 2 * 4096) /* of an event: the options in UTF-16, with their NUL */

/* NULL: there is no TPM that can be used. Asked for once. */
static struct tcg2_protocol *tpm_find(void)
{
    static bool asked;
    static struct tcg2_protocol *tpm;
    struct tcg2_capability capability = {.size = sizeof capability};

    if (!asked)
        tpm = tcg2_find(NULL);
    if (!asked && tpm && (EFI_ERROR(tpm->capability(tpm, &capability)) || !capability.present))
        tpm = NULL;
    asked = true;
    return tpm;
}

static void say_failure(unsigned pcr, EFI_STATUS status)
{
    static bool said;

    if (!said)
        console_print("loader: the TPM does not take a measurement for PCR %u (0x%llx): going on\n",
                      pcr, (unsigned long long)(status & ~(UINT64_C(1) << 63)));
    said = true;
}

/* The firmware computes the digests of `bytes`; `data` is told in the log. */
static void measure(unsigned pcr, uint32_t type, const void *bytes, uint64_t size, const void *data,
                    size_t data_size)
{
    static union {
        struct tcg2_event event;
        uint8_t room[sizeof(struct tcg2_event) + DATA_MAXIMUM];
    } place;
    struct tcg2_protocol *tpm = tpm_find();
    EFI_STATUS status;

    if (!tpm)
        return;
    if (data_size > DATA_MAXIMUM)
        data_size = DATA_MAXIMUM;
    place.event = (struct tcg2_event){
        .size = (UINT32)(sizeof place.event + data_size),
        .header_size = sizeof place.event - sizeof place.event.size,
        .header_version = 1,
        .pcr = pcr,
        .type = type,
    };
    memcpy(place.event.data, data, data_size);
    status = tpm->hash_log_extend(tpm, 0, (uintptr_t)bytes, size, &place.event);
    if (EFI_ERROR(status))
        say_failure(pcr, status);
}

/* Part of a section, which the log tells by its name, in UTF-16 with its NUL. */
static void measure_section(const char *name, const void *bytes, uint64_t size)
{
    CHAR16 wide[SECTION_NAME_MAX];

    if (text_widen(name, wide, SECTION_NAME_MAX))
        measure(PCR_KERNEL_BOOT, EVENT_IPL, bytes, size, wide, (strlen(name) + 1) * sizeof *wide);
}

static void measure_tagged(unsigned pcr, const void *bytes, uint64_t size, uint32_t tag,
                           const void *data, size_t data_size)
{
    static uint8_t tagged[2 * sizeof(uint32_t) + 2 * BOOT_ENTRY_PATH_MAX];
    uint32_t head[2] = {tag, (uint32_t)data_size};

    memcpy(tagged, head, sizeof head);
    memcpy(tagged + sizeof head, data, data_size);
    measure(pcr, EVENT_TAG, bytes, size, tagged, sizeof head + data_size);
}

void measure_settings(const void *text, uint64_t size)
{
    static const CHAR16 name[] = L"loader.conf";

    measure_tagged(PCR_BOOT_LOADER_CONFIG, text, size, TAG_SETTINGS, name, sizeof name);
}

/* A file, which the log tells by its path. */
static void measure_file(unsigned pcr, uint32_t tag, const char *path, const void *bytes,
                         uint64_t size)
{
    CHAR16 wide[BOOT_ENTRY_PATH_MAX];

    if (text_widen(path, wide, BOOT_ENTRY_PATH_MAX))
        measure_tagged(pcr, bytes, size, tag, wide, (strlen(path) + 1) * sizeof *wide);
}

void measure_entry(const char *path, const void *text, uint64_t size)
{
    measure_file(PCR_BOOT_LOADER_CONFIG, TAG_ENTRY, path, text, size);
}

void measure_kernel(const char *path, const void *bytes, uint64_t size)
{
    if (!unified_is())
        measure_file(PCR_BOOT_LOADER_CODE, TAG_KERNEL, path, bytes, size);
}

void measure_initrd(const void *bytes, uint64_t size)
{
    static const char name[] = "Linux initrd"; /* Linux's tag means these words */

    if (!unified_is())
        measure_tagged(PCR_INITRD, bytes, size, TAG_INITRD, name, sizeof name);
}

/* systemd-boot and systemd-stub measure the NUL as well, whatever their documentation says
   (tpm_log_load_options() of their measure.c). */
void measure_options(const char *options)
{
    static CHAR16 wide[DATA_MAXIMUM / sizeof(CHAR16)];
    size_t size = text_widen(options, wide, sizeof wide / sizeof *wide) * sizeof *wide;

    if (size)
        measure(PCR_KERNEL_CONFIG, EVENT_IPL, wide, size, wide, size);
}

/* In the order of the specification (UAPI.5); of each the name with its NUL, then its bytes. A
   signature of what PCR 11 will be cannot be in it: .pcrsig is left out. */
void measure_sections(void)
{
    static const char *const names[] = {".linux",   ".osrel",   ".cmdline", ".initrd", ".ucode",
                                        ".splash",  ".dtb",     ".uname",   ".sbat",   ".pcrpkey",
                                        ".profile", ".dtbauto", ".hwids"};
    const uint8_t *bytes;
    uint64_t size;

    if (!unified_is())
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (unsigned index = 0; unified_section(names[i], index, &bytes, &size); index++) {
            measure_section(names[i], names[i], strlen(names[i]) + 1);
            measure_section(names[i], bytes, size);
        }
    }
}

/* ---- the log ---- */

/* Where the firmware goes on; all that is there now is in the log already. */
static void final_events_find(const struct event_log *log,
                              struct handoff_measurements *measurements)
{
    uint64_t table = (uintptr_t)configuration_table(&tcg2_final_events);
    uint64_t readable = table ? recording_readable(table) : 0;
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)table;

    if (readable < EVENT_LOG_FINAL_EVENTS)
        return;
    measurements->final_events = table;
    measurements->final_known = event_log_events_size(log, bytes + EVENT_LOG_FINAL_EVENTS,
                                                      readable - EVENT_LOG_FINAL_EVENTS,
                                                      load64(bytes + EVENT_LOG_FINAL_COUNT));
}

static void log_copy(const void *bytes, uint64_t size, struct handoff_range *range)
{
    void *memory;

    if (EFI_ERROR(pages_allocate(size, "the TPM's event log", &memory)))
        return;
    memcpy(memory, bytes, size);
    *range = (struct handoff_range){.base = pages_address(memory), .size = size};
}

void measure_log_take(struct handoff_measurements *measurements)
{
    struct tcg2_protocol *tpm = tpm_find();
    EFI_PHYSICAL_ADDRESS location = 0, last = 0;
    BOOLEAN truncated = 0;
    struct event_log log;
    uint64_t size;

    if (!tpm || EFI_ERROR(tpm->event_log(tpm, TCG2_LOG_FORMAT_2, &location, &last, &truncated)) ||
        !location)
        return;
    size = event_log_size(&log, (const void *)(uintptr_t)location, recording_readable(location),
                          last > location ? last - location : 0);
    if (!size) {
        console_print("loader: the TPM's event log cannot be read: the kernel gets none\n");
        return;
    }
    if (truncated)
        console_print("loader: the TPM's event log was too small: events are missing\n");
    log_copy((const void *)(uintptr_t)location, size, &measurements->log);
    final_events_find(&log, measurements);
}
