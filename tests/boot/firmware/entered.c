/*
 * entered.c: the loader is entered oddly: `entered SET CLEARED`: at its first instruction these
 * flags are set and those cleared; `asks-initrd`: a program that it starts asks it for the initrd,
 * with the direction flag set, and ends.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

/* entered.S */
struct load_file;
void entered_first(void);
EFI_STATUS EFIAPI entered_load(struct load_file *protocol, void *path, BOOLEAN policy, UINTN *size,
                               void *buffer);

uint8_t *entered_place, entered_code[16];
uint64_t entered_set, entered_cleared;

/* MOV RAX, entered_first; JMP RAX. */
static void place_take(uint8_t *place)
{
    uint64_t target = (uintptr_t)entered_first;

    entered_place = place;
    memcpy(entered_code, place, sizeof entered_code);
    place[0] = 0x48, place[1] = 0xb8;
    memcpy(place + 2, &target, sizeof target);
    place[10] = 0xff, place[11] = 0xe0;
}

/* The PE header says where the first instruction is, at 40 of the "PE" that the DOS header's last
   word finds. */
static uint8_t *first_instruction(uint8_t *image)
{
    uint32_t header, entry;

    memcpy(&header, image + 60, sizeof header);
    memcpy(&entry, image + header + 40, sizeof entry);
    return image + entry;
}

static uint64_t sum(const uint8_t *bytes, size_t size)
{
    uint64_t all = 0;

    while (size-- > 0)
        all += *bytes++;
    return all;
}

/* As Linux's stub does it (drivers/firmware/efi/libstub/efi-stub-helper.c). */
static EFI_STATUS EFIAPI ask(EFI_HANDLE image, UINTN *exit_size, CHAR16 **exit_data)
{
    static EFI_GUID guid = {
        0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};
    static const struct {
        VENDOR_DEVICE_PATH vendor;
        EFI_DEVICE_PATH end;
    } __attribute__((packed)) media = {
        {{MEDIA_DEVICE_PATH, MEDIA_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}},
         {0x5568e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}}},
        {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}},
    };
    EFI_DEVICE_PATH *path = (EFI_DEVICE_PATH *)&media;
    struct load_file *protocol;
    EFI_HANDLE handle;
    UINTN size = 0;
    uint8_t *buffer;

    (void)image, (void)exit_size, (void)exit_data;
    if (EFI_ERROR(real_boot.LocateDevicePath(&guid, &path, &handle)) ||
        EFI_ERROR(real_boot.HandleProtocol(handle, &guid, (void **)&protocol)))
        return EFI_NOT_FOUND;
    entered_load(protocol, path, FALSE, &size, NULL);
    buffer = pages_take(EfiLoaderData, size / EFI_PAGE_SIZE + 1);
    if (buffer && !EFI_ERROR(entered_load(protocol, path, FALSE, &size, buffer)))
        report("initrd: %llu bytes, sum %llu\n", (unsigned long long)size,
               (unsigned long long)sum(buffer, size));
    return EFI_DEVICE_ERROR;
}

void entered_install(const EFI_LOADED_IMAGE *loader)
{
    const struct order *order = order_next(NULL, "entered");

    if (order) {
        entered_set = order_number(order, 1);
        entered_cleared = order_number(order, 2);
        place_take(first_instruction(loader->ImageBase));
    }
    if (order_next(NULL, "asks-initrd"))
        system_table->BootServices->StartImage = ask;
}
