/* What the loader asks of the firmware: screen, clock, configuration tables. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "framebuffer.h"
#include "library/memory_map.h"
#include "mock_firmware.h"
#include "partition.h"
#include "tables.h"
#include "test.h"

#define BASE UINT64_C(0xc0000000)

static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
static const EFI_GUID pci_io = EFI_PCI_IO_PROTOCOL_GUID;

struct screen {
    EFI_GRAPHICS_OUTPUT_PROTOCOL output;
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION information;
};

/* A screen of 1366 x 768 pixels with 1376 from line to line, 8 MiB, on a handle. */
static void screen_add(struct screen *screen, uintptr_t handle)
{
    *screen = (struct screen){
        .information = {.HorizontalResolution = 1366,
                        .VerticalResolution = 768,
                        .PixelFormat = PixelBlueGreenRedReserved8BitPerColor,
                        .PixelsPerScanLine = 1376},
        .mode = {.FrameBufferBase = BASE, .FrameBufferSize = 8 << 20},
    };
    screen->mode.Info = &screen->information;
    screen->output.Mode = &screen->mode;
    mock_interface_add(handle, graphics_output, &screen->output);
}

/* A card whose second register holds `size` bytes at BASE. */
static uint64_t register_size;

static EFI_STATUS bar_attributes(EFI_PCI_IO_PROTOCOL *device, UINT8 index, UINT64 *supports,
                                 VOID **resources)
{
    static const uint8_t header[] = {0x8a, 43, 0, 0, 0, 0};
    uint8_t *bytes;

    (void)device, (void)supports;
    if (index == 0)
        return EFI_UNSUPPORTED;
    firmware.boot->AllocatePool(EfiLoaderData, 48, (void **)&bytes);
    memset(bytes, 0, 48);
    memcpy(bytes, header, sizeof header);
    put64(bytes + 14, index == 1 ? BASE : 0x1000);
    put64(bytes + 38, index == 1 ? register_size : 0x1000);
    bytes[46] = 0x79;
    *resources = bytes;
    return EFI_SUCCESS;
}

static EFI_PCI_IO_PROTOCOL card = {.GetBarAttributes = bar_attributes};

static void test_framebuffer(void)
{
    struct handoff_framebuffer framebuffer;
    struct screen first, second;

    test_case("no screen");
    mock_firmware_start();
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);

    test_case("rule 15: the stride is not the width");
    mock_firmware_start();
    screen_add(&first, 1);
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.width, 1366);
    expect_equal(framebuffer.stride, 1376);
    expect_equal(framebuffer.height, 768);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_BGR);
    expect(framebuffer.base == BASE);

    test_case("rule 16: the console's screen comes first");
    mock_firmware_start();
    screen_add(&first, 1);
    screen_add(&second, 2);
    second.information.VerticalResolution = 700;
    firmware.system->ConsoleOutHandle = (EFI_HANDLE)2;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.height, 700);

    test_case("rule 16: BLT-only is none, and another one is taken");
    second.information.PixelFormat = PixelBltOnly;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.height, 768);
    first.information.PixelFormat = PixelBltOnly;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);

    test_case("masks");
    mock_firmware_start();
    screen_add(&first, 1);
    first.information.PixelFormat = PixelBitMask;
    first.information.PixelInformation = (EFI_PIXEL_BITMASK){0xff00, 0xff, 0xff0000, 0xff000000};
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_MASK);
    expect_equal(framebuffer.red_mask, 0xff00);
    expect_equal(framebuffer.green_mask, 0xff);
    expect_equal(framebuffer.blue_mask, 0xff0000);

    test_case("a stride below the width, or no mode at all, is no screen");
    mock_firmware_start();
    screen_add(&first, 1);
    first.information.PixelsPerScanLine = 1000;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    first.mode.Info = NULL;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
}

static void test_framebuffer_size(void)
{
    struct handoff_framebuffer framebuffer;
    struct screen screen;

    test_case("rule 17: a size that does not hold the lines: refused, with a line");
    mock_firmware_start();
    screen_add(&screen, 1);
    screen.mode.FrameBufferSize = 1376 * 4 * 100 + 5;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    expect(strstr(mock.console_text, "no framebuffer") != NULL);

    test_case("rule 17: lines that the card's register has no room for: refused");
    mock_firmware_start();
    screen_add(&screen, 1);
    mock_interface_add(7, pci_io, &card);
    register_size = 2 << 20;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    expect(strstr(mock.console_text, "card") != NULL);
    expect_equal(mock.pool_taken, mock.pool_given_back);

    test_case("a register with room enough changes nothing");
    register_size = 16 << 20;
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.height, 768);
    expect_equal(framebuffer.size, 8 << 20);

    test_case("a framebuffer in memory of the map is refused, one beside it is not");
    struct memory_range ranges[] = {
        {.base = 0x1000, .size = 0x1000, .kind = MEMORY_USABLE},
        {.base = BASE, .size = 16 << 20, .kind = MEMORY_RESERVED},
        {.base = BASE + (16 << 20), .size = 0x1000, .kind = MEMORY_BOOT_SERVICES},
    };
    framebuffer_judge(&framebuffer, ranges, 3);
    expect_equal(framebuffer.height, 768);
    ranges[2].base = BASE + 4096;
    framebuffer_judge(&framebuffer, ranges, 3);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    framebuffer_judge(&framebuffer, ranges, 3);

    test_case("pixels of 16 bits, and of 24");
    mock_firmware_start();
    screen_add(&screen, 1);
    screen.information.PixelFormat = PixelBitMask;
    screen.information.PixelInformation = (EFI_PIXEL_BITMASK){0xf800, 0x7e0, 0x1f, 0};
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    screen.information.PixelInformation = (EFI_PIXEL_BITMASK){0xff0000, 0xff00, 0xff, 0};
    framebuffer_find(&framebuffer);
    expect_equal(framebuffer.format, HANDOFF_PIXEL_NONE);
    expect(strstr(mock.console_text, "32 bits") != NULL);
}

static EFI_TIME clock_time;
static EFI_STATUS clock_status;

static EFI_STATUS get_time(EFI_TIME *time, EFI_TIME_CAPABILITIES *capabilities)
{
    (void)capabilities;
    *time = clock_time;
    return clock_status;
}

static struct handoff_time clock_at(EFI_TIME time, EFI_STATUS status)
{
    struct handoff_time result;

    mock_firmware_start();
    firmware.system->RuntimeServices->GetTime = get_time;
    clock_time = time;
    clock_status = status;
    clock_read(&result);
    return result;
}

static void test_clock(void)
{
    const EFI_TIME good = {.Year = 2024, .Month = 2, .Day = 29, .Hour = 12, .TimeZone = 2047};
    EFI_TIME bad;

    test_case("the clock in seconds since 1970");
    expect_equal(clock_at(good, EFI_SUCCESS).unix_seconds, 1709208000);
    expect_equal(clock_at(good, EFI_SUCCESS).valid, 1);
    expect_equal(clock_at((EFI_TIME){.Year = 1998, .Month = 1, .Day = 1}, 0).unix_seconds,
                 883612800);
    expect_equal(clock_at((EFI_TIME){.Year = 2100, .Month = 3, .Day = 1}, 0).unix_seconds,
                 4107542400);

    test_case("a time zone: local time is UTC minus TimeZone");
    bad = good;
    bad.TimeZone = -60; /* one hour east */
    expect_equal(clock_at(bad, EFI_SUCCESS).unix_seconds, 1709208000 - 3600);

    test_case("no clock, and clocks that give rubbish");
    expect_equal(clock_at(good, EFI_UNSUPPORTED).valid, 0);
    bad = good, bad.Month = 0;
    expect_equal(clock_at(bad, EFI_SUCCESS).valid, 0);
    bad = good, bad.Year = 1970;
    expect_equal(clock_at(bad, EFI_SUCCESS).valid, 0);
    bad = good, bad.Second = 77;
    expect_equal(clock_at(bad, EFI_SUCCESS).valid, 0);
    bad = good, bad.TimeZone = 5000;
    expect_equal(clock_at(bad, EFI_SUCCESS).valid, 0);
    expect_equal(clock_at(bad, EFI_SUCCESS).unix_seconds, 0);
}

static void test_configuration(void)
{
    EFI_CONFIGURATION_TABLE entries[] = {
        {SMBIOS3_TABLE_GUID, (void *)0x3000},
        {{0x12345678, 1, 2, {3}}, (void *)0x4000},
        {ACPI_20_TABLE_GUID, (void *)0x5000},
        {ACPI_20_TABLE_GUID, (void *)0x6000},
        {ACPI_TABLE_GUID, NULL},
    };
    struct handoff_tables tables = {0};

    test_case("configuration tables: the first of each kind, 0 for what is not there");
    mock_firmware_start();
    firmware.system->ConfigurationTable = entries;
    firmware.system->NumberOfTableEntries = sizeof entries / sizeof entries[0];
    tables_find(&tables);
    expect_equal(tables.configuration_count, 5);
    expect_equal(tables.acpi2, 0x5000);
    expect_equal(tables.acpi1, 0);
    expect_equal(tables.smbios3, 0x3000);
    expect_equal(tables.smbios, 0);
    expect(tables.configuration == (uintptr_t)entries);
    expect(tables.system_table == (uintptr_t)firmware.system);
}

/* The handle that the loader came from has this path. */
static struct handoff_partition partition_at(void *path)
{
    static const EFI_GUID device_path = EFI_DEVICE_PATH_PROTOCOL_GUID;
    struct handoff_partition partition = {.kind = 77};

    mock_firmware_start();
    mock.image.DeviceHandle = (EFI_HANDLE)5;
    if (path)
        mock_interface_add(5, device_path, path);
    partition_find(&partition);
    return partition;
}

static void test_partition(void)
{
    /* PCI(1,0), the third partition of a GPT, the end (UEFI 2.10, 10.3). */
    uint8_t path[] = {
        1,    1,    6,  0, 0, 1,                                                          /* */
        4,    1,    42, 0, 3, 0, 0, 0, [24 + 6] = 0x11, [39 + 6] = 0x22, [40 + 6] = 2, 2, /* */
        0x7f, 0xff, 4,  0,
    };
    uint8_t *drive = path + 6;
    struct handoff_partition partition = partition_at(path);

    test_case("the partition that the loader came from");
    expect_equal(partition.kind, HANDOFF_PARTITION_GUID);
    expect_equal(partition.number, 3);
    expect_equal(partition.signature[0], 0x11);
    expect_equal(partition.signature[15], 0x22);
    drive[41] = 1;
    expect_equal(partition_at(path).kind, HANDOFF_PARTITION_MBR);

    test_case("no partition: none is named, of another kind, or in a path that does not end");
    expect_equal(partition_at(NULL).kind, HANDOFF_PARTITION_NONE);
    drive[41] = 0;
    expect_equal(partition_at(path).kind, HANDOFF_PARTITION_NONE);
    drive[41] = 2;
    drive[1] = 2;
    expect_equal(partition_at(path).kind, HANDOFF_PARTITION_NONE);
    drive[1] = 1;
    drive[2] = 0;
    expect_equal(partition_at(path).kind, HANDOFF_PARTITION_NONE);
}

int main(void)
{
    test_framebuffer();
    test_framebuffer_size();
    test_clock();
    test_configuration();
    test_partition();
    return test_end();
}
