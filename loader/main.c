/*
 * main.c: the story of the loader.
 *
 * Everything that may fail is prepared while the firmware is whole: files are read and checked,
 * memory is taken, tables are built. A failure there prints what failed, gives all memory back and
 * returns to the firmware, as if nothing had been. Then the commit: leave boot services and jump,
 * which cannot fail.
 */
#include <library/options.h>
#include <library/string.h>

#include "area.h"
#include "call.h"
#include "clock.h"
#include "console.h"
#include "dma.h"
#include "entry.h"
#include "exit.h"
#include "failure.h"
#include "framebuffer.h"
#include "initrd.h"
#include "jump.h"
#include "kernel_image.h"
#include "measure.h"
#include "menu/boot_menu.h"
#include "menu/refusal.h"
#include "options.h"
#include "pages.h"
#include "partition.h"
#include "processor.h"
#include "record/after_exit.h"
#include "record/calls.h"
#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"
#include "record/report.h"
#include "seed.h"
#include "start.h"
#include "tables.h"
#include "trust.h"
#include "unified.h"
#include "volume.h"

struct handoff_entry_state start_state;
struct call_flags call_flags;
_Static_assert(offsetof(struct handoff_entry_state, rflags) == 0, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, cr0) == 8, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, cr3) == 16, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, cr4) == 24, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, efer) == 32, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, rsp) == 40, "start.S");
_Static_assert(offsetof(struct handoff_entry_state, tsc) == 48, "start.S");
_Static_assert(offsetof(struct call_flags, kept) == 0, "start.S, call.S");
_Static_assert(offsetof(struct call_flags, left) == 8, "call.S");

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* What kernel and programs cannot run without; all but the first and the last are part of every
   x86-64 processor (System V ABI, AMD64 supplement 1.0, 3.1.1), but not of every emulated one. */
static EFI_STATUS processor_check(void)
{
    static const struct {
        uint32_t leaf; /* of CPUID, in EDX */
        unsigned bit;
        const char *lack;
    } needed[] = {
        {1, 9, "this processor has no local APIC, or it is off"},
        {1, 15, "this processor has no CMOV"},
        {1, 24, "this processor has no FXSAVE"},
        {1, 25, "this processor has no SSE"},
        {1, 26, "this processor has no SSE2"},
        {0x80000001, 11, "this processor has no SYSCALL"},
        {0x80000001, 20, "this processor has no no-execute bit, or it is off"},
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        if (!(cpuid(needed[i].leaf, 0).edx >> needed[i].bit & 1))
            return failure(EFI_UNSUPPORTED, "%s", needed[i].lack);
    return EFI_SUCCESS;
}

/* Which kernel, from where, with which options: those of the entry, then those that were given. */
struct wanted {
    const struct boot_entry *entry;
    EFI_HANDLE device;
    const char *own, *given;
    bool sealed; /* the options were measured with the loader */
};

/* A unified image brings its entry along. Its options are signed, and can be replaced where
   signatures do not count, as systemd-stub(7) does. */
static void wanted_of_unified(const struct boot_entry *entry, struct wanted *wanted)
{
    const char *given = options_text();
    bool replaced = *given && !trust_is_asked_for();

    measure_sections();
    *wanted = (struct wanted){.entry = entry,
                              .device = firmware.loaded_image->DeviceHandle,
                              .own = replaced ? given : entry->options,
                              .given = "",
                              .sealed = !replaced};
}

/* The entry that LoadOptions name, or else what the menu says. */
static EFI_STATUS wanted_choose(struct volume *volume, const char *path, struct choice *choice)
{
    EFI_STATUS status = EFI_SUCCESS;

    *choice = (struct choice){.device = firmware.loaded_image->DeviceHandle};
    if (!path)
        status = boot_menu_choose(choice);
    if (!EFI_ERROR(status) && !choice->entry)
        status = entry_read(volume, path ? path : ENTRY_DEFAULT, &choice->entry);
    return status;
}

static EFI_STATUS wanted_find(struct volume *volume, struct wanted *wanted)
{
    const struct boot_entry *unified;
    struct options_given given;
    struct choice choice;
    EFI_STATUS status = unified_entry(&unified);

    if (EFI_ERROR(status))
        return status;
    if (unified) {
        wanted_of_unified(unified, wanted);
        return EFI_SUCCESS;
    }
    given = options_read(volume);
    status = wanted_choose(volume, given.entry, &choice);
    if (EFI_ERROR(status))
        return status;
    *wanted = (struct wanted){.entry = choice.entry,
                              .device = choice.device,
                              .own = choice.options ? choice.options : choice.entry->options,
                              .given = trust_is_asked_for() ? "" : given.kernel};
    return EFI_SUCCESS;
}

/* Joins and measures them. */
static EFI_STATUS options_take(const struct wanted *wanted, struct handoff_range *options)
{
    EFI_STATUS status = options_build(wanted->own, wanted->given, options);

    if (!EFI_ERROR(status) && !wanted->sealed)
        measure_options((const char *)(uintptr_t)options->base);
    return status;
}

static EFI_STATUS kernel_load(struct volume *volume, const struct boot_entry *entry,
                              struct seed *seed, struct kernel_image *kernel,
                              struct handoff *handoff)
{
    const char *options = (const char *)(uintptr_t)handoff->options.base;
    uint64_t place;
    EFI_STATUS status;

    seed_draw(seed, &place, sizeof place);
    status =
        kernel_image_load(volume, entry->kernel, !options_flag(options, "nokaslr"), place, kernel);
    if (EFI_ERROR(status))
        return status;
    return initrd_load(volume, entry, &handoff->initrd);
}

/* From the loader's volume, or that on which the entry lies. */
static EFI_STATUS wanted_load(struct volume *own, const struct wanted *wanted, struct seed *seed,
                              struct kernel_image *kernel, struct handoff *handoff)
{
    struct volume other;
    EFI_STATUS status;

    if (wanted->device == firmware.loaded_image->DeviceHandle)
        return kernel_load(own, wanted->entry, seed, kernel, handoff);
    status = volume_open_on(wanted->device, &other);
    if (EFI_ERROR(status))
        return status;
    status = kernel_load(&other, wanted->entry, seed, kernel, handoff);
    volume_close(&other);
    return status;
}

/* Reads all that is wanted. */
static EFI_STATUS files_load(struct volume *volume, struct seed *seed, struct kernel_image *kernel,
                             struct handoff *handoff)
{
    struct wanted wanted;
    EFI_STATUS status = wanted_find(volume, &wanted);

    if (!EFI_ERROR(status))
        status = options_take(&wanted, &handoff->options);
    if (!EFI_ERROR(status))
        status = wanted_load(volume, &wanted, seed, kernel, handoff);
    return status;
}

/* P2 and P3 are only for who asked, and P0 to P3 on the volume. */
static void record_what_is_asked_for(struct volume *volume, const char *options)
{
    bool report = options_asked(options, "report");

    if (!report && !options_asked(options, "audit")) {
        recording_calls_stop();
        return;
    }
    recording_inventory();
    if (options_asked(options, "audit"))
        recording_findings();
    if (report)
        recording_report(volume);
}

/* Fills the handoff with all but what only the area and the exit can tell. */
static EFI_STATUS handoff_prepare(struct kernel_image *kernel, struct handoff *handoff)
{
    struct volume volume;
    struct seed seed;
    EFI_STATUS status = recording_move(&handoff->record);

    if (EFI_ERROR(status))
        return status;
    recording_map_retry();
    status = volume_open(&volume);
    if (EFI_ERROR(status))
        return status;
    clock_read(&handoff->time);
    seed_gather(&seed, &handoff->time);
    status = files_load(&volume, &seed, kernel, handoff);
    if (!EFI_ERROR(status))
        record_what_is_asked_for(&volume, (const char *)(uintptr_t)handoff->options.base);
    volume_close(&volume);
    if (EFI_ERROR(status))
        return status;

    handoff->magic = HANDOFF_MAGIC;
    handoff->version = HANDOFF_VERSION;
    handoff->size = sizeof *handoff;
    handoff->kernel = kernel->handoff;
    handoff->symbols = kernel->symbols;
    handoff->symbol_names = kernel->symbol_names;
    handoff->entry_state = start_state;
    seed_draw(&seed, handoff->seed, sizeof handoff->seed);
    handoff->seed_sources = seed.sources;
    tables_find(&handoff->tables);
    framebuffer_find(&handoff->framebuffer);
    handoff->secure_boot = trust_is_asked_for();
    measure_log_take(&handoff->measurements);
    partition_find(&handoff->partition);
    return EFI_SUCCESS;
}

/* The memory that the kernel starts in, and in it the handoff. */
static EFI_STATUS area_fill(const struct kernel_image *kernel, struct handoff *handoff,
                            struct area *area)
{
    EFI_STATUS status = area_prepare(kernel, handoff, area);

    if (EFI_ERROR(status))
        return status;
    framebuffer_judge(&handoff->framebuffer, area->ranges, area->range_count);
    if (!area_map_device(area, handoff->framebuffer.base, handoff->framebuffer.size))
        return failure(EFI_BUFFER_TOO_SMALL, "the first page tables: no room for the framebuffer");
    handoff->loader = area->range;
    handoff->workspace = (struct handoff_range){
        .base = (uintptr_t)area->ranges,
        .size = area->ranges_capacity * sizeof *area->ranges,
    };
    *area->handoff = *handoff;
    return EFI_SUCCESS;
}

/* Returns only when the firmware is still whole. Rule 2: a map that has outgrown the area before
 * the exit was tried gets a larger one. */
static EFI_STATUS loader_commit(const struct kernel_image *kernel, struct handoff *handoff,
                                struct area *area)
{
    enum { AREA_ATTEMPTS = 8 };
    EFI_STATUS status = EFI_BUFFER_TOO_SMALL;

    for (int attempt = 0; attempt < AREA_ATTEMPTS && status == EFI_BUFFER_TOO_SMALL; attempt++) {
        status = area_fill(kernel, handoff, area);
        if (EFI_ERROR(status))
            return status;
        status = boot_services_exit(area);
        if (EFI_ERROR(status))
            area_release(area);
    }
    if (EFI_ERROR(status))
        return failure(status, "the firmware's final memory map cannot be used");
    recording_system_table_after();
    area->handoff->bus_masters = dma_stop();
    jump_to_kernel((uintptr_t)area->tables.root, area->stack_top, (uintptr_t)area->handoff,
                   area->handoff->kernel.entry);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static struct kernel_image kernel;
    static struct handoff handoff;
    struct area area;
    EFI_STATUS status;

    recording_entry(image, system);
    status = firmware_attach(image, system);
    if (!EFI_ERROR(status))
        status = processor_check();
    if (!EFI_ERROR(status))
        status = trust_check_generation("BOOTX64.EFI", firmware.loaded_image);
    if (!EFI_ERROR(status))
        status = handoff_prepare(&kernel, &handoff);
    if (!EFI_ERROR(status))
        status = loader_commit(&kernel, &handoff, &area);

    recording_calls_stop(); /* what they are recorded in goes back too */
    if (status != EFI_ABORTED)
        boot_menu_try_again();
    /* On a serial line the message stays; EFI_ABORTED is a person's wish, who has read it. */
    if (status != EFI_ABORTED && console_has_screen())
        refusal_show("the firmware");
    pages_free_all();
    return status;
}
