#include "menu/machine.h"

#include <stdarg.h>

#include <library/format.h>
#include <library/string.h>

#include "framebuffer.h"
#include "menu/interface.h"
#include "processor.h"
#include "text.h"
#include "trust.h"

static char lines[MACHINE_FACTS_MAXIMUM][96];
static size_t line_count;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;

    if (line_count == MACHINE_FACTS_MAXIMUM)
        return;
    va_start(arguments, format);
    format_string_list(lines[line_count++], sizeof lines[0], format, arguments);
    va_end(arguments);
}

static void say_firmware(void)
{
    const EFI_SYSTEM_TABLE *system = firmware.system;
    CHAR16 wide[FIRMWARE_VENDOR_MAX];
    char vendor[48];

    firmware_vendor(wide);
    text_narrow(wide, vendor, sizeof vendor);
    say("Firmware      %s, revision 0x%x, UEFI %u.%u", vendor, system->FirmwareRevision,
        system->Hdr.Revision >> 16, (system->Hdr.Revision & 0xffff) / 10);
    say("Secure Boot   %s", trust_is_asked_for() ? "on" : "off");
}

/* SDM volume 2, CPUID leaves 80000002H to 80000004H. */
static void say_processor(void)
{
    char name[49] = "";
    const char *start = name;

    for (uint32_t leaf = 0; leaf < 3 && cpuid(0x80000000, 0).eax >= 0x80000004; leaf++) {
        struct cpuid_result result = cpuid(0x80000002 + leaf, 0);
        uint32_t words[4] = {result.eax, result.ebx, result.ecx, result.edx};

        memcpy(name + 16 * leaf, words, sizeof words);
    }
    while (*start == ' ')
        start++;
    for (char *next = name; *next; next++)
        *next = *next < ' ' || *next > '~' ? '?' : *next;
    say("Processor     %s", *start ? start : "unknown");
}

/* All that the firmware's map calls memory a system can use. */
static uint64_t memory_size(void)
{
    UINTN size = 0, room, key, stride = 0;
    UINT32 version;
    uint8_t *map = NULL;
    uint64_t pages = 0;

    firmware.boot->GetMemoryMap(&size, NULL, &key, &stride, &version);
    room = size += 4096;
    if (EFI_ERROR(firmware.boot->AllocatePool(EfiLoaderData, size, (void **)&map)))
        return 0;
    if (!EFI_ERROR(firmware.boot->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &stride,
                                               &version)) &&
        stride >= sizeof(EFI_MEMORY_DESCRIPTOR) && size <= room) {
        for (UINTN at = 0; at + stride <= size; at += stride) {
            const EFI_MEMORY_DESCRIPTOR *descriptor = (const EFI_MEMORY_DESCRIPTOR *)(map + at);

            if (descriptor->Type >= EfiLoaderCode && descriptor->Type <= EfiConventionalMemory)
                pages += descriptor->NumberOfPages;
        }
    }
    firmware.boot->FreePool(map);
    return pages * 4096;
}

static void say_screen(void)
{
    struct handoff_framebuffer framebuffer = {0};

    framebuffer_find(&framebuffer);
    if (framebuffer.base)
        say("Screen        %u x %u", framebuffer.width, framebuffer.height);
    else
        say("Screen        none that can be drawn on");
}

size_t machine_describe(const char *facts[MACHINE_FACTS_MAXIMUM])
{
    uint64_t memory = memory_size();

    line_count = 0;
    say_firmware();
    say_processor();
    say("Memory        %llu MiB", (unsigned long long)(memory >> 20));
    say_screen();
    for (size_t i = 0; i < line_count; i++)
        facts[i] = lines[i];
    return line_count;
}
